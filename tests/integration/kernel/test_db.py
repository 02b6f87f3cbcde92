"""The database goes away and comes back; callers are cancelled at bad moments."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import asyncpg
import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from services.kernel import db
from services.kernel.errors import ErrorKind
from services.kernel.grpc_errors import as_domain_error
from tests.integration.conftest import DatabaseUrls, MakeSchema, Postgres

CHANNEL = "hints"


@pytest.fixture
async def urls(make_schema: MakeSchema) -> DatabaseUrls:
    return await make_schema("acknowledgement")


@pytest.fixture
async def engine(urls: DatabaseUrls) -> AsyncIterator[AsyncEngine]:
    made = db.engine(urls.settings(), "test")
    yield made
    await made.dispose()


@pytest.fixture
def running(postgres: Postgres) -> Any:
    """The server is running again after the test, whatever the test did to it."""
    yield postgres
    postgres.ensure_running()


async def _ask(engine: AsyncEngine) -> int:
    async with db.raw(engine) as conn:
        return int(await conn.fetchval("SELECT 1"))


async def _ask_core(engine: AsyncEngine) -> int:
    async with db.transaction(engine) as conn:
        return int((await conn.execute(text("SELECT 1"))).scalar_one())


@pytest.mark.parametrize("ask", [_ask, _ask_core])
async def test_a_database_that_stopped_is_unavailable_and_then_works_again(
    engine: AsyncEngine, running: Postgres, ask: Any
) -> None:
    await asyncio.gather(*(ask(engine) for _ in range(6)))
    running.stop()
    for _ in range(3):
        with pytest.raises(Exception) as caught:  # noqa: PT011 - what it maps to is the promise
            await ask(engine)
        assert as_domain_error(caught.value).kind is ErrorKind.UNAVAILABLE
    running.start()
    assert await ask(engine) == 1


@pytest.mark.parametrize("ask", [_ask, _ask_core])
async def test_connections_broken_while_idle_cost_nobody_an_error(
    engine: AsyncEngine, running: Postgres, ask: Any
) -> None:
    await asyncio.gather(*(ask(engine) for _ in range(6)))
    await asyncio.to_thread(running.stop)
    await asyncio.to_thread(running.start)
    assert await asyncio.gather(*(ask(engine) for _ in range(12))) == [1] * 12


async def test_a_query_cut_off_by_a_stop_is_unavailable(
    engine: AsyncEngine, running: Postgres
) -> None:
    async with db.raw(engine) as conn:
        await conn.fetchval("SELECT 1")

    async def sleep() -> None:
        async with db.raw(engine) as conn:
            await conn.execute("SELECT pg_sleep(20)")

    asleep = asyncio.create_task(sleep())
    await asyncio.wait([asleep], timeout=0.3)
    await asyncio.to_thread(running.stop)
    with pytest.raises(Exception) as caught:  # noqa: PT011
        await asleep
    assert as_domain_error(caught.value).kind is ErrorKind.UNAVAILABLE
    running.start()
    assert await _ask(engine) == 1


async def test_a_statement_that_takes_too_long_is_ended_by_the_server(
    urls: DatabaseUrls,
) -> None:
    engine = db.engine(urls.settings(), "test")
    async with db.raw(engine) as conn:
        await conn.execute("SET statement_timeout = '100ms'")
        with pytest.raises(asyncpg.QueryCanceledError) as caught:
            await conn.execute("SELECT pg_sleep(5)")
    assert as_domain_error(caught.value).kind is ErrorKind.UNAVAILABLE
    await engine.dispose()


async def test_a_caller_cancelled_while_committing_has_still_committed(
    engine: AsyncEngine, urls: DatabaseUrls
) -> None:
    owner = await asyncpg.connect(urls.owner.replace("+asyncpg", ""))
    # The constraint is checked at commit, and slowly: the commit is where the caller is cut off.
    await owner.execute("""
        CREATE TABLE acknowledgement.slow (id int PRIMARY KEY);
        CREATE FUNCTION acknowledgement.dawdle() RETURNS trigger LANGUAGE plpgsql AS
            $$ BEGIN PERFORM pg_sleep(0.5); RETURN NULL; END $$;
        CREATE CONSTRAINT TRIGGER slow_commit AFTER INSERT ON acknowledgement.slow
            DEFERRABLE INITIALLY DEFERRED FOR EACH ROW
            EXECUTE FUNCTION acknowledgement.dawdle();
        GRANT ALL ON acknowledgement.slow TO acknowledgement_app;
    """)
    written = asyncio.Event()

    async def work() -> None:
        async with db.transaction(engine) as conn:
            await conn.execute(text("INSERT INTO acknowledgement.slow VALUES (1)"))
            written.set()

    task = asyncio.create_task(work())
    await written.wait()
    await asyncio.wait([task], timeout=0.2)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert await owner.fetchval("SELECT count(*) FROM acknowledgement.slow") == 1
    assert await _ask(engine) == 1
    await owner.close()


async def test_a_transaction_left_open_is_not_inherited_by_the_next(engine: AsyncEngine) -> None:
    async with db.raw(engine) as conn:
        await conn.execute("BEGIN")
        await conn.execute("CREATE TEMP TABLE mine (id int)")
    async with db.raw(engine) as conn:
        assert not conn.is_in_transaction()
        assert await conn.fetchval("SELECT to_regclass('pg_temp.mine')") is None


async def test_a_listener_hears_again_after_the_database_was_away(
    urls: DatabaseUrls, engine: AsyncEngine, running: Postgres
) -> None:
    wake, stop = asyncio.Event(), asyncio.Event()
    task = asyncio.create_task(db.listen(urls.settings(), CHANNEL, wake, stop))

    async def heard() -> None:
        async with asyncio.timeout(10):
            await wake.wait()
        wake.clear()

    await heard()
    async with db.raw(engine) as conn:
        await conn.execute(f"NOTIFY {CHANNEL}")
    await heard()
    await asyncio.to_thread(running.stop)
    await asyncio.to_thread(running.start)
    # Whatever was notified while nobody listened is made good by one wake-up.
    await heard()
    wake.clear()
    await asyncio.wait([asyncio.create_task(_until_listening(engine))])
    async with db.raw(engine) as conn:
        await conn.execute(f"NOTIFY {CHANNEL}")
    await heard()
    stop.set()
    async with asyncio.timeout(5):
        await task


async def _until_listening(engine: AsyncEngine) -> None:
    async with asyncio.timeout(10), db.raw(engine) as conn:
        while not await conn.fetchval(
            "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'listen:hints'"
        ):
            await conn.execute("SELECT pg_sleep(0.05)")
