"""What a platform says is stored once, whatever its timing."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import asyncpg
import grpc
import pytest

from services.acknowledgement.servicer import AcknowledgementServicer
from services.kernel import db, grpc_client
from services.kernel.allow_list import AllowList
from services.kernel.clock import SystemClock
from services.kernel.errors import DomainError, ErrorKind
from services.kernel.grpc_errors import from_rpc_error
from services.kernel.grpc_server import server_credentials
from services.kernel.interceptors import ServerInterceptor
from takedown.acknowledgement.v1 import acknowledgement_service_pb2 as pb
from takedown.acknowledgement.v1.acknowledgement_service_pb2_grpc import (
    AcknowledgementServiceStub,
    add_AcknowledgementServiceServicer_to_server,
)
from takedown.referral.v1 import enums_pb2 as enums
from takedown.referral.v1 import platform_event_pb2
from tests.fakes.pki import Pki
from tests.integration.conftest import DatabaseUrls, MakeSchema

StubFor = Callable[[str], Any]
STORED, DUPLICATE = pb.RECORD_DISPOSITION_STORED, pb.RECORD_DISPOSITION_DUPLICATE


@pytest.fixture
async def urls(make_schema: MakeSchema) -> DatabaseUrls:
    return await make_schema("acknowledgement")


@pytest.fixture
async def stub_for(pki: Pki, urls: DatabaseUrls) -> AsyncIterator[StubFor]:
    engine = db.engine(urls.settings(), "acknowledgement")
    server = grpc.aio.server(interceptors=(ServerInterceptor(AllowList.read()),))
    servicer = AcknowledgementServicer(engine, SystemClock())
    add_AcknowledgementServiceServicer_to_server(servicer, server)
    tls = pki.tls("service/acknowledgement")
    port = server.add_secure_port("127.0.0.1:0", server_credentials(tls))
    await server.start()
    async with AsyncExitStack() as stack:

        def make(who: str) -> Any:
            name = grpc_client.server_name("acknowledgement")
            channel = grpc_client.channel(f"127.0.0.1:{port}", pki.tls(who), name, retry=False)
            stack.push_async_callback(channel.close)
            return AcknowledgementServiceStub(channel)

        yield make
    await server.stop(0)
    await engine.dispose()


def _said(event_id: str, days: float = 0, **changes: Any) -> pb.RecordPlatformEventRequest:
    values: dict[str, Any] = {
        "platform": "x",
        "event_id": event_id,
        "type": enums.PLATFORM_EVENT_TYPE_ACKNOWLEDGEMENT,
        "notice_id": str(uuid4()),
    }
    event = platform_event_pb2.PlatformEvent(**{**values, **changes})
    event.occur_time.FromDatetime(datetime.now(UTC) + timedelta(days=days))
    return pb.RecordPlatformEventRequest(platform_event=event)


async def _counts(urls: DatabaseUrls) -> tuple[int, int, int]:
    """(events, repetitions, inbox items)."""
    connection = await asyncpg.connect(urls.app.replace("+asyncpg", ""))
    try:
        return tuple(
            await connection.fetchrow(
                "SELECT (SELECT count(*) FROM acknowledgement.platform_events),"
                " (SELECT coalesce(sum(repetitions), 0) FROM acknowledgement.platform_events),"
                " (SELECT count(*) FROM acknowledgement.inbox_items)"
            )
        )
    finally:
        await connection.close()


async def _refused(call: Any) -> DomainError:
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await call
    return from_rpc_error(caught.value)


async def test_early_late_and_unmatched_events_are_all_stored(
    stub_for: StubFor, urls: DatabaseUrls
) -> None:
    stub = stub_for("platform/x")
    for request in (
        _said("early", days=1),
        _said("late", days=-400),
        _said("unmatched", notice_id="", content_url="https://x.com/a/status/1"),
        _said("about nothing", notice_id=""),
    ):
        answer = await stub.RecordPlatformEvent(request, timeout=5)
        assert answer.disposition == STORED
    assert await _counts(urls) == (4, 0, 4)


async def test_a_duplicate_is_answered_ok_and_has_no_second_effect(
    stub_for: StubFor, urls: DatabaseUrls
) -> None:
    stub, request = stub_for("platform/x"), _said("e")
    answers = await asyncio.gather(
        *[stub.RecordPlatformEvent(request, timeout=10) for _ in range(8)]
    )
    assert sorted(a.disposition for a in answers) == [STORED] + [DUPLICATE] * 7
    assert await _counts(urls) == (1, 7, 1)


async def test_another_platforms_event_is_refused(stub_for: StubFor, urls: DatabaseUrls) -> None:
    stub = stub_for("platform/tiktok")
    error = await _refused(stub.RecordPlatformEvent(_said("e"), timeout=5))
    assert (error.kind, error.reason) == (ErrorKind.PERMISSION_DENIED, "OTHER_PLATFORM")
    for who in ("service/worker", "referrer/nca"):
        error = await _refused(stub_for(who).RecordPlatformEvent(_said("e"), timeout=5))
        assert error.reason == "NOT_ALLOWED"
    assert await _counts(urls) == (0, 0, 0)


async def test_one_event_id_of_two_platforms_is_two_events(
    stub_for: StubFor, urls: DatabaseUrls
) -> None:
    await stub_for("platform/x").RecordPlatformEvent(_said("e"), timeout=5)
    other = await stub_for("platform/tiktok").RecordPlatformEvent(
        _said("e", platform="tiktok"), timeout=5
    )
    assert other.disposition == STORED
    assert await _counts(urls) == (2, 0, 2)


async def test_a_batch_answers_each_and_a_bad_one_spoils_nothing(
    stub_for: StubFor, urls: DatabaseUrls
) -> None:
    requests = [
        _said("a"),
        _said("b", platform="tiktok"),
        _said("c", message="a\x00"),
        _said("d", type=99),
        _said("a"),
        _said("decision without one", type=enums.PLATFORM_EVENT_TYPE_DECISION),
        _said("e"),
    ]
    answer = await stub_for("platform/x").BatchRecordPlatformEvents(
        pb.BatchRecordPlatformEventsRequest(requests=requests), timeout=5
    )
    got = [r.error.code if r.HasField("error") else -r.response.disposition for r in answer.results]
    assert got == [-STORED, 7, 3, 3, -DUPLICATE, 3, -STORED]
    assert await _counts(urls) == (2, 1, 2)
