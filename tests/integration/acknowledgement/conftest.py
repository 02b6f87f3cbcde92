"""An acknowledgement service on a database of its own."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack
from typing import Any

import grpc
import pytest

from services.acknowledgement.servicer import AcknowledgementServicer
from services.kernel import db, grpc_client
from services.kernel.allow_list import AllowList
from services.kernel.clock import SystemClock
from services.kernel.grpc_server import server_credentials
from services.kernel.interceptors import ServerInterceptor
from takedown.acknowledgement.v1.acknowledgement_service_pb2_grpc import (
    AcknowledgementServiceStub,
    add_AcknowledgementServiceServicer_to_server,
)
from tests.fakes.pki import Pki
from tests.integration.conftest import DatabaseUrls, MakeSchema

StubFor = Callable[[str], Any]
NAME = grpc_client.server_name("acknowledgement")


@pytest.fixture
async def urls(make_schema: MakeSchema) -> DatabaseUrls:
    return await make_schema("acknowledgement")


@pytest.fixture
async def target(pki: Pki, urls: DatabaseUrls) -> AsyncIterator[str]:
    engine = db.engine(urls.settings(), "acknowledgement")
    server = grpc.aio.server(interceptors=(ServerInterceptor(AllowList.read()),))
    servicer = AcknowledgementServicer(engine, SystemClock())
    add_AcknowledgementServiceServicer_to_server(servicer, server)
    tls = pki.tls("service/acknowledgement")
    port = server.add_secure_port("127.0.0.1:0", server_credentials(tls))
    await server.start()
    yield f"127.0.0.1:{port}"
    await server.stop(0)
    await engine.dispose()


@pytest.fixture
async def stub_for(pki: Pki, target: str) -> AsyncIterator[StubFor]:
    async with AsyncExitStack() as stack:

        def make(who: str) -> Any:
            channel = grpc_client.channel(target, pki.tls(who), NAME, retry=False)
            stack.push_async_callback(channel.close)
            return AcknowledgementServiceStub(channel)

        yield make
