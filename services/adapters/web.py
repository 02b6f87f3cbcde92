"""Serves the webhook application over TLS inside the adapter's own event loop."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Generator
from contextlib import contextmanager

import uvicorn
from starlette.applications import Starlette

from services.adapters.config import WebhookSettings
from services.kernel.config import TlsSettings
from services.kernel.process import write_ready


class _Server(uvicorn.Server):
    """Leaves signals to the process's own bootstrap."""

    @contextmanager
    def capture_signals(self) -> Generator[None, None, None]:
        yield


def webhook_server(
    app: Starlette, settings: WebhookSettings, tls: TlsSettings
) -> Callable[[asyncio.Event], asyncio.Future[None]]:
    """Background work for ``grpc_server.serve``: serve until the event is set."""
    host, _, port = settings.listen.rpartition(":")
    config = uvicorn.Config(
        app,
        host=host,
        port=int(port),
        ssl_certfile=str(tls.cert_file),
        ssl_keyfile=str(tls.key_file),
        log_config=None,
        access_log=False,
        lifespan="off",
        timeout_keep_alive=30,
        timeout_graceful_shutdown=5,
        limit_concurrency=200,
        server_header=False,
        date_header=False,
    )

    async def run(stop: asyncio.Event) -> None:
        server = _Server(config)
        serving = asyncio.create_task(server.serve())
        stopping = asyncio.create_task(stop.wait())
        while not server.started and not serving.done():  # noqa: ASYNC110 - it offers no event
            await asyncio.sleep(0.01)
        if server.started and settings.ready_file is not None:
            write_ready(settings.ready_file, server.servers[0].sockets[0].getsockname()[1])
        await asyncio.wait([serving, stopping], return_when=asyncio.FIRST_COMPLETED)
        stopping.cancel()
        server.should_exit = True
        await serving

    return lambda stop: asyncio.ensure_future(run(stop))
