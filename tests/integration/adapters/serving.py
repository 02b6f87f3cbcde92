"""An adapter between a platform and an acknowledgement service, all of them real servers."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import asyncpg
import grpc
from sqlalchemy.ext.asyncio import AsyncEngine

from services.acknowledgement.servicer import AcknowledgementServicer
from services.adapters import profiles
from services.adapters.channels.api import ApiChannel
from services.adapters.clarifications import Clarifications
from services.adapters.config import EndpointSettings, WebhookSettings
from services.adapters.forwarder import Forwarder, Poller
from services.adapters.servicer import AdapterServicer
from services.adapters.store import Store
from services.adapters.web import webhook_server
from services.adapters.webhooks import WebhookReceiver, read_secret
from services.kernel import db, grpc_client
from services.kernel.allow_list import AllowList
from services.kernel.clock import SystemClock
from services.kernel.grpc_server import server_credentials
from services.kernel.ids import notice_id
from services.kernel.interceptors import ServerInterceptor
from takedown.acknowledgement.v1 import acknowledgement_service_pb2 as ack_pb
from takedown.acknowledgement.v1.acknowledgement_service_pb2_grpc import (
    add_AcknowledgementServiceServicer_to_server,
)
from takedown.adapter.v1 import platform_adapter_service_pb2 as pb
from takedown.adapter.v1.platform_adapter_service_pb2_grpc import (
    PlatformAdapterServiceStub,
    add_PlatformAdapterServiceServicer_to_server,
)
from takedown.referral.v1 import enums_pb2 as enums
from takedown.referral.v1 import referral_pb2
from tests.fakes.pki import Pki
from tests.fakes.platform import Platform
from tests.integration.conftest import DatabaseUrls
from tests.integration.processes import until_ready

SECRET = "whsec_" + "c2VjcmV0IG9mIHRoZSB0ZXN0cywgbG9uZyBlbm91Z2g="
TOKEN = "token-of-the-tests"
# Long enough for a busy machine, short enough to wait for.
PATIENCE = 3.0


class _Heard(AcknowledgementServicer):
    """The real one; says when it has stored something, and refuses what it is told to."""

    def __init__(self, engine: AsyncEngine, heard: asyncio.Queue[str], refused: set[str]) -> None:
        super().__init__(engine, SystemClock())
        self._heard = heard
        self._refused = refused

    async def RecordPlatformEvent(  # noqa: N802
        self, request: ack_pb.RecordPlatformEventRequest, context: Any
    ) -> ack_pb.RecordPlatformEventResponse:
        if request.platform_event.event_id in self._refused:
            await context.abort(grpc.StatusCode.INVALID_ARGUMENT, "not this one")
        answer = await super().RecordPlatformEvent(request, context)
        self._heard.put_nowait(request.platform_event.event_id)
        return answer


@dataclass
class Acknowledgement:
    """May be stopped and started again on the same port; ``heard`` is fed with event ids."""

    pki: Pki
    urls: DatabaseUrls
    engine: AsyncEngine
    port: int = 0
    heard: asyncio.Queue[str] = field(default_factory=asyncio.Queue)
    refused: set[str] = field(default_factory=set)
    _server: grpc.aio.Server | None = None

    async def start(self) -> None:
        server = grpc.aio.server(interceptors=(ServerInterceptor(AllowList.read()),))
        servicer = _Heard(self.engine, self.heard, self.refused)
        add_AcknowledgementServiceServicer_to_server(servicer, server)
        credentials = server_credentials(self.pki.tls("service/acknowledgement"))
        self.port = server.add_secure_port(f"127.0.0.1:{self.port}", credentials)
        await server.start()
        self._server = server

    async def stop(self) -> None:
        if self._server is not None:
            await self._server.stop(0)
            self._server = None

    async def stored(self, notice: str) -> list[tuple[str, int]]:
        """(event id, repetitions) of a notice's events."""
        connection = await asyncpg.connect(self.urls.app.replace("+asyncpg", ""))
        try:
            rows = await connection.fetch(
                "SELECT event_id, repetitions FROM acknowledgement.platform_events"
                " WHERE notice_id = $1 ORDER BY event_id",
                notice,
            )
        finally:
            await connection.close()
        return [(row["event_id"], row["repetitions"]) for row in rows]

    async def until_heard(self, *event_ids: str) -> None:
        missing = set(event_ids)
        async with asyncio.timeout(15):
            while missing:
                missing.discard(await self.heard.get())


@dataclass
class Adapter:
    slug: str
    target: str
    stub: Any
    webhook: str
    urls: DatabaseUrls

    async def rows(self, table: str, notice: str) -> list[dict[str, Any]]:
        """Rows of ``notices`` or ``answers`` about one notice, as they are stored."""
        connection = await asyncpg.connect(self.urls.app.replace("+asyncpg", ""))
        try:
            found = await connection.fetch(
                f"SELECT * FROM {self.urls.schema}.{table} WHERE notice_id::text = $1",  # noqa: S608
                notice,
            )
        finally:
            await connection.close()
        return [dict(row) for row in found]


@asynccontextmanager
async def serving(
    pki: Pki,
    urls: DatabaseUrls,
    platform: Platform,
    acknowledgement: Acknowledgement,
    folder: Path,
    *,
    sandbox: bool = True,
) -> AsyncIterator[Adapter]:
    """Wired as ``services.adapters.__main__`` does it."""
    slug = urls.schema.removeprefix("adapter_")
    profile, clock, stop = profiles.find(slug), SystemClock(), asyncio.Event()
    tls = pki.tls(f"platform/{slug}")
    async with AsyncExitStack() as stack:
        engine = db.engine(urls.settings(), f"adapter-{slug}")
        stack.push_async_callback(engine.dispose)
        store = Store(engine, slug)
        channel = ApiChannel(endpoint(pki, platform, slug, sandbox=sandbox), clock)
        stack.push_async_callback(channel.close)
        upstream = grpc_client.channel(
            f"127.0.0.1:{acknowledgement.port}", tls, grpc_client.server_name("acknowledgement")
        )
        stack.push_async_callback(upstream.close)
        forwarder = Forwarder(store, upstream, clock)
        poller = Poller(profile, channel, store, forwarder, clock, 1e-6)
        receiver = WebhookReceiver(slug, read_secret(SECRET), store, clock, forwarder.hurry)
        servicer = AdapterServicer(
            profile, channel, store, Clarifications(engine, slug), poller, clock, sandbox=sandbox
        )
        server = grpc.aio.server(interceptors=(ServerInterceptor(AllowList.read()),))
        add_PlatformAdapterServiceServicer_to_server(servicer, server)
        port = server.add_secure_port("127.0.0.1:0", server_credentials(tls))
        await server.start()
        ready = folder / f"webhook-{uuid4()}"
        settings = WebhookSettings.model_validate(
            {"listen": "127.0.0.1:0", "secret": SECRET, "ready_file": ready}
        )
        web = webhook_server(receiver.app(), settings, tls)
        work = [asyncio.ensure_future(run(stop)) for run in (forwarder.run, poller.run, web)]
        webhook_port = await until_ready(ready)
        caller = grpc_client.channel(
            f"127.0.0.1:{port}", pki.tls("service/worker"), server_name(slug), retry=False
        )
        try:
            yield Adapter(
                slug, f"127.0.0.1:{port}", PlatformAdapterServiceStub(caller),
                f"https://127.0.0.1:{webhook_port}/webhooks", urls,
            )  # fmt: skip
        finally:
            stop.set()
            await caller.close()
            await server.stop(0)
            await asyncio.gather(*work)


def server_name(slug: str) -> str:
    return grpc_client.server_name(slug)


def endpoint(pki: Pki, platform: Platform, slug: str, *, sandbox: bool = True) -> EndpointSettings:
    return EndpointSettings.model_validate(
        {
            "url": f"https://127.0.0.1:{platform.port}/api/{slug}",
            "token": TOKEN,
            "sandbox": sandbox,
            "ca_file": pki.ca.certificate_file,
            "timeout_seconds": PATIENCE,
        }
    )


def notice(slug: str, number: int = 1, **changes: Any) -> pb.SubmitNoticeRequest:
    """A test notice of a referral of its own about ``key`` (a fresh one unless given)."""
    referral_id = changes.pop("referral_id", None) or uuid4()
    key = changes.pop("key", str(uuid4().int % 10**18))
    content = referral_pb2.Content(
        url=f"https://example.invalid/{key}?utm=1", canonical_url=f"https://example.invalid/{key}",
        platform=slug, content_id=key, account="somebody",
        kind=enums.CONTENT_KIND_VIDEO if slug == "tiktok" else enums.CONTENT_KIND_POST,
    )  # fmt: skip
    values: dict[str, Any] = {
        "notice_id": str(notice_id(UUID(str(referral_id)), number)),
        "referral_id": str(referral_id),
        "number": number,
        "content": content,
        "terms_ground": enums.TERMS_GROUND_HUMAN_SMUGGLING,
        "urgency": enums.URGENCY_ROUTINE,
        "referrers": ["nca"],
        "reason": "Offers a crossing for money.",
        "test": True,
    }
    request = pb.SubmitNoticeRequest(**{**values, **changes})
    request.prepare_time.FromDatetime(datetime.now(UTC))
    return request
