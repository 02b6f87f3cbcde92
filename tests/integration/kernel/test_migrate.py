"""Migrations run as the owner; the application role gets rows and nothing else."""

from __future__ import annotations

import asyncpg
import pytest

from services.kernel import db, migrate
from tests.integration.conftest import MakeSchema


async def test_a_migration_that_ran_is_not_run_again(make_schema: MakeSchema) -> None:
    urls = await make_schema("intake")
    assert await migrate.upgrade_async(urls.owner, "intake", "intake", urls.app_role) == []


async def test_the_application_role_owns_no_table(make_schema: MakeSchema) -> None:
    urls = await make_schema("intake")
    engine = db.engine(urls.settings(), "test")
    async with db.raw(engine) as conn:
        owners = await conn.fetch(
            "SELECT DISTINCT tableowner FROM pg_tables WHERE schemaname = 'intake'"
        )
        assert [row["tableowner"] for row in owners] == ["intake_owner"]
        for forbidden in ("DROP TABLE intake.inbox_items", "CREATE TABLE intake.mine (id int)"):
            with pytest.raises(asyncpg.InsufficientPrivilegeError):
                await conn.execute(forbidden)
    await engine.dispose()


async def test_a_name_that_is_no_identifier_is_refused(make_schema: MakeSchema) -> None:
    urls = await make_schema("intake")
    with pytest.raises(ValueError, match="plain identifier"):
        migrate.upgrade(urls.owner, schema='x"; DROP', service="intake", app_role="intake_app")
