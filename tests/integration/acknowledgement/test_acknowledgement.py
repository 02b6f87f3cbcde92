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
NAME = grpc_client.server_name("acknowledgement")
STORED, DUPLICATE = pb.RECORD_DISPOSITION_STORED, pb.RECORD_DISPOSITION_DUPLICATE


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


async def test_events_out_of_order_are_stored_in_the_order_in_which_they_came(
    stub_for: StubFor, urls: DatabaseUrls
) -> None:
    stub, notice = stub_for("platform/x"), str(uuid4())
    kinds = (
        enums.PLATFORM_EVENT_TYPE_REMOVAL_CLAIM,
        enums.PLATFORM_EVENT_TYPE_ACKNOWLEDGEMENT,
        enums.PLATFORM_EVENT_TYPE_RECEIPT,
    )
    for place, kind in enumerate(kinds):
        said = _said(f"e{place}", days=-place, notice_id=notice, type=kind)
        assert (await stub.RecordPlatformEvent(said, timeout=5)).disposition == STORED
    connection = await asyncpg.connect(urls.app.replace("+asyncpg", ""))
    rows = await connection.fetch(
        "SELECT payload FROM acknowledgement.inbox_items ORDER BY created_at"
    )
    await connection.close()
    stored = [platform_event_pb2.PlatformEvent.FromString(row["payload"]).type for row in rows]
    assert stored == list(kinds)


async def test_the_first_word_under_an_event_id_is_the_one_that_stays(
    stub_for: StubFor, urls: DatabaseUrls
) -> None:
    stub = stub_for("platform/x")
    await stub.RecordPlatformEvent(_said("e", message="first"), timeout=5)
    again = await stub.RecordPlatformEvent(_said("e", message="second"), timeout=5)
    assert again.disposition == DUPLICATE
    connection = await asyncpg.connect(urls.app.replace("+asyncpg", ""))
    (row,) = await connection.fetch("SELECT event FROM acknowledgement.platform_events")
    await connection.close()
    assert platform_event_pb2.PlatformEvent.FromString(row["event"]).message == "first"


BAD: dict[str, tuple[dict[str, Any], str]] = {
    "no platform": ({"platform": ""}, "platform_event.platform"),
    "a platform that is no slug": ({"platform": "X"}, "platform_event.platform"),
    "no event_id": ({"event_id": ""}, "platform_event.event_id"),
    "an event_id that is too long": ({"event_id": "e" * 201}, "platform_event.event_id"),
    "a NUL in the event_id": ({"event_id": "e\x00"}, "platform_event.event_id"),
    "no type": ({"type": 0}, "platform_event.type"),
    "an unknown type": ({"type": 99}, "platform_event.type"),
    "a notice_id that is no UUID": ({"notice_id": "7"}, "platform_event.notice_id"),
    "too many words": ({"message": "x" * 4001}, "platform_event.message"),
    "a NUL in the message": ({"message": "\x00"}, "platform_event.message"),
    "an address that is too long": ({"content_url": "x" * 2049}, "platform_event.content_url"),
    "a country that is none": (
        {"type": 4, "decision": {"kind": 1, "countries": ["Britain"]}},
        "platform_event.decision.countries[0]",
    ),
}


async def test_a_bad_event_is_refused_by_field_and_not_stored(
    stub_for: StubFor, urls: DatabaseUrls
) -> None:
    stub = stub_for("platform/x")
    for name, (changes, field) in BAD.items():
        said = _said(**{"event_id": "e", **changes})
        error = await _refused(stub.RecordPlatformEvent(said, timeout=5))
        assert error.kind is ErrorKind.INVALID, name
        assert field in {violation.field for violation in error.violations}, name
    assert await _counts(urls) == (0, 0, 0)


async def test_a_time_that_no_calendar_holds_is_refused(
    stub_for: StubFor, urls: DatabaseUrls
) -> None:
    request = _said("e")
    for seconds in (2**62, -(2**62)):
        request.platform_event.occur_time.seconds = seconds
        error = await _refused(stub_for("platform/x").RecordPlatformEvent(request, timeout=5))
        found = [(v.field, v.reason) for v in error.violations]
        assert found == [("platform_event.occur_time", "NO_MOMENT")]
    request.platform_event.ClearField("occur_time")
    error = await _refused(stub_for("platform/x").RecordPlatformEvent(request, timeout=5))
    assert error.violations[0].field == "platform_event.occur_time"
    assert await _counts(urls) == (0, 0, 0)


async def test_a_batch_of_five_hundred_is_taken_and_one_more_or_none_is_refused(
    stub_for: StubFor, urls: DatabaseUrls
) -> None:
    stub = stub_for("platform/x")
    requests = [_said(f"e{number}") for number in range(501)]
    for wrong in (requests, []):
        batch = pb.BatchRecordPlatformEventsRequest(requests=wrong)
        error = await _refused(stub.BatchRecordPlatformEvents(batch, timeout=10))
        assert (error.kind, error.violations[0].field) == (ErrorKind.INVALID, "requests")
    assert await _counts(urls) == (0, 0, 0)
    batch = pb.BatchRecordPlatformEventsRequest(requests=requests[:500])
    answer = await stub.BatchRecordPlatformEvents(batch, timeout=20)
    assert [r.response.disposition for r in answer.results] == [STORED] * 500
    assert await _counts(urls) == (500, 0, 500)


async def test_the_same_events_in_many_batches_at_once_are_stored_once(
    stub_for: StubFor, urls: DatabaseUrls
) -> None:
    """In another order each time, so that batches that lock row by row would wait in a ring."""
    stub = stub_for("platform/x")
    requests = [_said(f"e{number}") for number in range(40)]
    orders = [requests[turn:] + requests[:turn] for turn in range(0, 40, 5)]
    answers = await asyncio.gather(
        *[
            stub.BatchRecordPlatformEvents(
                pb.BatchRecordPlatformEventsRequest(requests=order), timeout=20
            )
            for order in orders
        ]
    )
    stored = sum(r.response.disposition == STORED for a in answers for r in a.results)
    assert (stored, await _counts(urls)) == (40, (40, 280, 40))


async def test_no_certificate_or_a_wrong_one_gets_nothing(
    target: str, pki: Pki, foreign_pki: Pki, urls: DatabaseUrls
) -> None:
    authority = pki.ca.certificate_file.read_bytes()
    strangers = (foreign_pki.tls("platform/x"), pki.odd("no-identity", None))
    shown = [
        grpc.ssl_channel_credentials(authority, s.key_file.read_bytes(), s.cert_file.read_bytes())
        for s in strangers
    ]
    kinds = []
    for credentials in (grpc.ssl_channel_credentials(authority), *shown):
        options = [("grpc.ssl_target_name_override", NAME)]
        async with grpc.aio.secure_channel(target, credentials, options) as channel:
            call: Any = AcknowledgementServiceStub(channel).RecordPlatformEvent
            kinds.append((await _refused(call(_said("e"), timeout=2))).kind)
    away = (ErrorKind.UNAVAILABLE, ErrorKind.DEADLINE_EXCEEDED)
    assert kinds[0] in away
    assert kinds[1] in away
    assert kinds[2] is ErrorKind.UNAUTHENTICATED
    assert await _counts(urls) == (0, 0, 0)


async def test_a_deadline_is_needed(stub_for: StubFor, pki: Pki, target: str) -> None:
    tls = pki.tls("platform/x")
    files = (tls.ca_file, tls.key_file, tls.cert_file)
    credentials = grpc.ssl_channel_credentials(*[file.read_bytes() for file in files])
    options = [("grpc.ssl_target_name_override", NAME)]
    async with grpc.aio.secure_channel(target, credentials, options) as channel:
        call: Any = AcknowledgementServiceStub(channel).RecordPlatformEvent
        assert (await _refused(call(_said("e")))).reason == "DEADLINE_REQUIRED"
