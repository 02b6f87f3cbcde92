"""Runs one service's Alembic history in that service's schema, as the role that owns it.

Every service holds ``migrations/versions/`` and shares this environment: versions in a table
of the schema itself, one transaction, a lock timeout so that a migration under traffic gives
up instead of stopping everybody. The application role owns nothing: it is granted rows.
"""

from __future__ import annotations

import asyncio
import re
from pathlib import Path
from typing import Final

from alembic.migration import MigrationContext
from alembic.operations import Operations
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, text
from sqlalchemy.ext.asyncio import create_async_engine
from sqlalchemy.pool import NullPool

LOCK_TIMEOUT_MS: Final = 2000
_NAME: Final = re.compile(r"[a-z][a-z0-9_]{0,60}")
_HERE: Final = Path(__file__).resolve().parent


def upgrade(owner_url: str, *, schema: str, service: str, app_role: str) -> list[str]:
    """Bring ``schema`` to the newest version of ``service``; the versions that were applied.

    Raises:
        ValueError: a schema or role name that is not a plain identifier.
    """
    for name in (schema, app_role):
        if not _NAME.fullmatch(name):
            raise ValueError(f"{name!r} is not a plain identifier")
    return asyncio.run(upgrade_async(owner_url, schema, service, app_role))


async def upgrade_async(owner_url: str, schema: str, service: str, app_role: str) -> list[str]:
    engine = create_async_engine(owner_url, poolclass=NullPool)
    try:
        async with engine.begin() as connection:
            return await connection.run_sync(_upgrade, schema, service, app_role)
    finally:
        await engine.dispose()


def _upgrade(connection: Connection, schema: str, service: str, app_role: str) -> list[str]:
    connection.execute(text(f"SET LOCAL lock_timeout = '{LOCK_TIMEOUT_MS}ms'"))
    connection.execute(text(f'CREATE SCHEMA IF NOT EXISTS "{schema}"'))
    connection.execute(text(f'SET LOCAL search_path = "{schema}"'))
    versions = _HERE.parent / service / "migrations" / "versions"
    script = ScriptDirectory(str(_HERE / "migrations"), version_locations=[str(versions)])
    applied: list[str] = []

    def steps(revision: object, _: object) -> object:
        head = script.get_current_head()
        return script._upgrade_revs(head or "head", revision)  # type: ignore[arg-type]

    context = MigrationContext.configure(
        connection,
        opts={
            "fn": steps,
            "version_table_schema": schema,
            "transactional_ddl": True,
            "on_version_apply": (
                lambda **found: applied.append(str(found["step"].up_revision_id)),
            ),
        },
    )
    with Operations.context(context):
        context.run_migrations()
    _grant(connection, schema, app_role)
    return applied


def _grant(connection: Connection, schema: str, app_role: str) -> None:
    rights = "SELECT, INSERT, UPDATE, DELETE"
    for statement in (
        f'GRANT USAGE ON SCHEMA "{schema}" TO "{app_role}"',
        f'GRANT {rights} ON ALL TABLES IN SCHEMA "{schema}" TO "{app_role}"',
        f'GRANT USAGE ON ALL SEQUENCES IN SCHEMA "{schema}" TO "{app_role}"',
    ):
        connection.execute(text(statement))
