"""Engine and unit of work. One transaction per unit; the commit outlives a cancelled caller."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager
from typing import Any, Final

import asyncpg
import structlog
from sqlalchemy import event, exc
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine
from sqlalchemy.pool import AsyncAdaptedQueuePool

from services.kernel import grpc_errors, waiting
from services.kernel.config import DatabaseSettings

STATEMENT_TIMEOUT_MS: Final = 15_000
_log = structlog.get_logger("db")

# The database is away, coming up, going down, full, or others hold what is asked for too long.
grpc_errors.treat_as_database_away(
    asyncpg.PostgresConnectionError,
    asyncpg.InterfaceError,
    asyncpg.CannotConnectNowError,
    asyncpg.AdminShutdownError,
    asyncpg.CrashShutdownError,
    asyncpg.TooManyConnectionsError,
    asyncpg.SerializationError,
    asyncpg.DeadlockDetectedError,
    asyncpg.QueryCanceledError,
    asyncpg.LockNotAvailableError,
    asyncpg.ReadOnlySQLTransactionError,
    exc.InterfaceError,
    exc.OperationalError,
    exc.TimeoutError,
)


def engine(settings: DatabaseSettings, application: str) -> AsyncEngine:
    """An engine on ``postgresql+asyncpg``; a small LIFO pool lets idle connections age out."""
    made = create_async_engine(
        settings.url.get_secret_value(),
        poolclass=AsyncAdaptedQueuePool,
        pool_size=settings.pool_size,
        max_overflow=2,
        pool_timeout=5,
        pool_use_lifo=True,
        pool_recycle=1800,
        connect_args={
            "timeout": 5,
            "command_timeout": 20,
            "server_settings": {
                "application_name": application,
                "statement_timeout": str(STATEMENT_TIMEOUT_MS),
                "lock_timeout": "5000",
            },
        },
    )
    event.listen(made.sync_engine, "checkout", _refuse_closed)
    return made


def _refuse_closed(connection: Any, record: Any, proxy: Any) -> None:
    """Replace a connection that broke while it lay in the pool.

    asyncpg knows from the socket, so this costs no round trip, unlike a ping before each use.
    """
    if connection.driver_connection.is_closed():
        raise exc.DisconnectionError("closed while idle")


@asynccontextmanager
async def transaction(engine_: AsyncEngine) -> AsyncIterator[AsyncConnection]:
    """One unit of work in SQLAlchemy Core: commits at the end, rolls back on any exception.

    A caller cancelled while it commits has committed: the cancellation waits for the outcome.
    """
    async with engine_.connect() as connection:
        try:
            yield connection
        except BaseException:
            await _to_the_end(connection.rollback())
            raise
        await _to_the_end(connection.commit())


async def _to_the_end(step: Coroutine[Any, Any, None]) -> None:
    """Run ``step`` to its end and only then be cancelled.

    A shield alone would give the connection back while the step still runs on it.
    """
    task = asyncio.ensure_future(step)
    cancelled: asyncio.CancelledError | None = None
    while not task.done():
        try:
            await asyncio.wait([task])
        except asyncio.CancelledError as error:
            cancelled = error
    if cancelled is None:
        return task.result()
    if not task.cancelled() and task.exception() is not None:
        _log.warning("outcome_unknown_to_caller", type=type(task.exception()).__name__)
    raise cancelled


@asynccontextmanager
async def raw(engine_: AsyncEngine) -> AsyncIterator[asyncpg.Connection]:
    """A pooled asyncpg connection for hot paths; the caller opens its own transaction.

    A connection that failed is not given back to the pool: the database may be gone.
    """
    async with engine_.connect() as connection:
        pooled = await connection.get_raw_connection()
        driver: Any = pooled.driver_connection
        try:
            yield driver
        except (asyncpg.PostgresConnectionError, asyncpg.InterfaceError, OSError, TimeoutError):
            await connection.invalidate()
            raise
        finally:
            if not driver.is_closed() and driver.is_in_transaction():
                await connection.invalidate()


def plain_url(settings: DatabaseSettings) -> str:
    """The same address for asyncpg itself, which knows no SQLAlchemy dialect."""
    return settings.url.get_secret_value().replace("postgresql+asyncpg://", "postgresql://", 1)


async def listen(
    settings: DatabaseSettings, channel: str, wake: asyncio.Event, stop: asyncio.Event
) -> None:
    """Set ``wake`` on every NOTIFY until ``stop``. A hint only: whoever waits also polls."""
    pause = 0.1
    while not stop.is_set():
        try:
            connection = await asyncpg.connect(
                plain_url(settings), timeout=5, command_timeout=20,
                server_settings={"application_name": f"listen:{channel}"},
            )  # fmt: skip
        except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError, TimeoutError):
            await waiting.until_any(pause, stop)
            pause = min(pause * 2, 5.0)
            continue
        pause = 0.1
        try:
            await _listen_until_lost(connection, channel, wake, stop)
        except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError, TimeoutError) as lost:
            _log.info("listen_lost", channel=channel, type=type(lost).__name__)
        finally:
            connection.terminate()
        wake.set()


async def _listen_until_lost(
    connection: asyncpg.Connection, channel: str, wake: asyncio.Event, stop: asyncio.Event
) -> None:
    lost = asyncio.Event()
    connection.add_termination_listener(lambda _: lost.set())
    await connection.add_listener(channel, lambda *_: wake.set())
    wake.set()
    tasks = [asyncio.create_task(stop.wait()), asyncio.create_task(lost.wait())]
    try:
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in tasks:
            task.cancel()
