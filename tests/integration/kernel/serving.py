"""A real server on the kernel's own bootstrap, with a servicer that tests can steer."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import grpc
from grpc_health.v1 import health_pb2_grpc
from grpc_health.v1._async import HealthServicer

from services.kernel import grpc_client
from services.kernel.allow_list import AllowList
from services.kernel.config import TlsSettings
from services.kernel.grpc_server import server_credentials
from services.kernel.identity import current_identity
from services.kernel.interceptors import ServerInterceptor
from services.kernel.telemetry import current_traceparent
from takedown.delivery.v1 import delivery_service_pb2 as pb
from takedown.delivery.v1 import delivery_service_pb2_grpc as pb_grpc
from tests.fakes.pki import Pki

SERVICE = "takedown.delivery.v1.DeliveryService"
UUID_TEXT = "018f6d4e-0000-7000-8000-000000000001"


class Steered(pb_grpc.DeliveryServiceServicer):
    """Complete raises ``failure`` if set; Receive yields ``items`` and then raises it."""

    def __init__(self) -> None:
        self.failure: BaseException | None = None
        self.items = 3
        self.calls = 0
        self.callers: list[str] = []
        self.traces: list[str] = []
        self.stream_closed = asyncio.Event()
        # Work of a Complete, and what a Receive waits for after its first item.
        self.dawdle: Any = None
        self.pause: asyncio.Event | None = None
        self.certificates: list[bytes] = []

    async def Complete(self, request: Any, context: Any) -> pb.CompleteResponse:  # noqa: N802
        self._note(context)
        if self.dawdle is not None:
            await self.dawdle(request, context)
        if self.failure is not None:
            raise self.failure
        return pb.CompleteResponse()

    async def Receive(  # noqa: N802
        self, request: Any, context: Any
    ) -> AsyncIterator[pb.ReceiveResponse]:
        self._note(context)
        try:
            for number in range(self.items):
                yield pb.ReceiveResponse(item=pb.InboxItem(item_id=str(number)))
                if self.pause is not None:
                    await self.pause.wait()
            if self.failure is not None:
                raise self.failure
        finally:
            self.stream_closed.set()

    def _note(self, context: Any) -> None:
        self.calls += 1
        self.callers.append(current_identity().short)
        self.traces.append(current_traceparent())
        self.certificates += context.auth_context()["x509_pem_cert"]


@asynccontextmanager
async def serving(pki: Pki, servicer: Steered) -> AsyncIterator[str]:
    """``host:port`` of a server that presents ``service/intake``."""
    server = grpc.aio.server(interceptors=(ServerInterceptor(AllowList.read()),))
    pb_grpc.add_DeliveryServiceServicer_to_server(servicer, server)
    health_pb2_grpc.add_HealthServicer_to_server(HealthServicer(), server)
    port = server.add_secure_port("127.0.0.1:0", server_credentials(pki.tls("service/intake")))
    await server.start()
    try:
        yield f"127.0.0.1:{port}"
    finally:
        await server.stop(0)


@asynccontextmanager
async def connected(target: str, tls: TlsSettings) -> AsyncIterator[grpc.aio.Channel]:
    channel = grpc_client.channel(target, tls, "intake.takedown.internal", retry=False)
    try:
        yield channel
    finally:
        await channel.close()


def completion(item_id: str = UUID_TEXT) -> pb.CompleteRequest:
    return pb.CompleteRequest(item_id=item_id, result=pb.DELIVERY_RESULT_DELIVERED)


def reception() -> pb.ReceiveRequest:
    request = pb.ReceiveRequest(claimant_id=UUID_TEXT, window=10)
    request.lease.FromSeconds(30)
    return request
