"""The one server bootstrap: mTLS, interceptors, health, reflection in development, drain.

A main reads: settings, wire, ``process.run(serve(...))``. SIGTERM turns health to NOT_SERVING at
once, lets calls in flight finish, stops the background work and exits 0.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, Final

import grpc
import structlog
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_health.v1._async import HealthServicer
from grpc_reflection.v1alpha import reflection

from services.kernel import process
from services.kernel.allow_list import AllowList
from services.kernel.certificates import Certificates
from services.kernel.config import MESSAGE_LIMIT, ServiceSettings, TlsSettings
from services.kernel.interceptors import ServerInterceptor
from services.kernel.telemetry import Telemetry

FLUSH_SECONDS: Final = 3.0
_OPTIONS: Final = (
    ("grpc.max_receive_message_length", MESSAGE_LIMIT),
    ("grpc.max_send_message_length", 8 * MESSAGE_LIMIT),
    ("grpc.so_reuseport", 0),
    ("grpc.keepalive_permit_without_calls", 1),
    ("grpc.http2.min_ping_interval_without_data_ms", 5000),
)
_log = structlog.get_logger("server")

Background = Callable[[asyncio.Event], Awaitable[None]]
Register = Callable[[grpc.aio.Server], Sequence[str]]


def server_credentials(tls: TlsSettings) -> grpc.ServerCredentials:
    """Credentials that demand a client certificate of our authority.

    The files are looked at on every handshake: a renewed certificate needs no restart.
    """
    files = Certificates(tls)

    def configured() -> grpc.ServerCertificateConfiguration:
        found = files.read()
        return grpc.ssl_server_certificate_configuration(
            [(found.key, found.certificate)], found.authority
        )

    def renewed() -> Any:
        # None leaves what is in use; the stubs do not know that.
        return configured() if files.renewed() else None

    return grpc.dynamic_ssl_server_credentials(
        configured(), renewed, require_client_authentication=True
    )


async def serve(
    settings: ServiceSettings,
    telemetry: Telemetry,
    register: Register,
    *,
    background: Sequence[Background] = (),
    until_drained: Sequence[Background] = (),
    on_stop: Sequence[Callable[[], Awaitable[None]]] = (),
) -> int:
    """Serve until SIGTERM or SIGINT; 0 after a clean stop, 1 when background work died.

    Args:
        register: adds servicers and returns their full service names.
        background: run beside the server; each returns when its event is set, at the signal.
        until_drained: the same for work that answers calls, such as a batcher: its event is
            set only after the last call in flight has its answer.
        on_stop: closes what the main opened, in order.
    """
    stop, drained = process.stop_event(), asyncio.Event()
    if settings.ready_file is not None:
        settings.ready_file.unlink(missing_ok=True)
    server = grpc.aio.server(
        interceptors=(ServerInterceptor(AllowList.read(settings.allow_list)),), options=_OPTIONS
    )
    health = await _register(server, register, settings.development)
    port = server.add_secure_port(settings.listen, server_credentials(settings.tls))
    await server.start()
    _announce(settings, port)
    workers = [asyncio.create_task(_coroutine(work(stop))) for work in background]
    answering = [asyncio.create_task(_coroutine(work(drained))) for work in until_drained]
    status = await process.until_stopped(stop, [*workers, *answering])
    await health.enter_graceful_shutdown()
    stop.set()
    if settings.ready_file is not None:
        settings.ready_file.unlink(missing_ok=True)
    await server.stop(settings.drain_seconds)
    drained.set()
    await _finish([*workers, *answering], settings.drain_seconds)
    for close in on_stop:
        await close()
    await _flush(telemetry)
    _log.info("stopped", status=status)
    return status


async def _flush(telemetry: Telemetry) -> None:
    """Send what is still buffered, but never let an absent collector hold up the exit."""
    try:
        async with asyncio.timeout(FLUSH_SECONDS):
            await asyncio.to_thread(telemetry.shutdown)
    except TimeoutError:
        _log.warning("telemetry_not_flushed", seconds=FLUSH_SECONDS)


async def _register(
    server: grpc.aio.Server, register: Register, development: bool
) -> HealthServicer:
    names = list(register(server))
    health = HealthServicer()
    health_pb2_grpc.add_HealthServicer_to_server(health, server)
    if development:
        listed = [*names, "grpc.health.v1.Health", reflection.SERVICE_NAME]
        reflection.enable_server_reflection(listed, server)
    for name in [*names, ""]:
        await health.set(name, health_pb2.HealthCheckResponse.SERVING)
    return health


def _announce(settings: ServiceSettings, port: int) -> None:
    process.settle()
    if settings.ready_file is not None:
        process.write_ready(settings.ready_file, port)
    _log.info("serving", port=port, development=settings.development)


async def _coroutine(work: Awaitable[None]) -> None:
    await work


async def _finish(workers: Sequence[asyncio.Task[None]], seconds: float) -> None:
    if not workers:
        return
    _, late = await asyncio.wait(workers, timeout=max(seconds, 1.0))
    for task in late:
        task.cancel()
    await asyncio.gather(*workers, return_exceptions=True)
