"""A service as a process of its own, started from a configuration file as in production."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from uuid import uuid4

from infra.local.configs import toml
from services.kernel.config import TlsSettings

REPOSITORY = Path(__file__).resolve().parents[2]


@asynccontextmanager
async def service_process(
    module: str, values: dict[str, Any], tls: TlsSettings, folder: Path
) -> AsyncIterator[tuple[asyncio.subprocess.Process, int, Path]]:
    """(process, port, its log) of ``python -m module``; killed at the end unless it is gone."""
    mark = uuid4()
    ready, config, log = folder / f"{mark}.ready", folder / f"{mark}.toml", folder / f"{mark}.log"
    files = {name: str(getattr(tls, name)) for name in ("ca_file", "cert_file", "key_file")}
    config.write_text(toml({"ready_file": str(ready), **values, "tls": files}))
    path = f"{REPOSITORY}:{REPOSITORY / 'protos' / 'gen'}"
    with log.open("wb") as out:
        started = await asyncio.create_subprocess_exec(
            sys.executable, "-m", module, "--config", str(config),
            cwd=REPOSITORY, env={**os.environ, "PYTHONPATH": path}, stdout=out,
        )  # fmt: skip
    try:
        yield started, await until_ready(ready, started), log
    finally:
        if started.returncode is None:
            started.send_signal(signal.SIGKILL)
        await started.wait()


async def until_ready(ready: Path, process: asyncio.subprocess.Process | None = None) -> int:
    """The port that a server wrote into its ready file."""
    async with asyncio.timeout(20):
        while True:
            assert process is None or process.returncode is None
            if (port := _written(ready)) is not None:
                return port
            await asyncio.sleep(0.02)


def _written(ready: Path) -> int | None:
    return int(ready.read_text()) if ready.exists() else None
