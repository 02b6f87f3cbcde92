"""What a platform says is stored once, whatever its timing."""

from __future__ import annotations

import asyncio
from uuid import uuid4

import asyncpg

from services.kernel.errors import ErrorKind
from takedown.acknowledgement.v1 import acknowledgement_service_pb2 as pb
from takedown.referral.v1 import enums_pb2 as enums
from takedown.referral.v1 import platform_event_pb2
from tests.integration.acknowledgement.conftest import StubFor
from tests.integration.acknowledgement.events import counts, spoken
from tests.integration.conftest import DatabaseUrls
from tests.integration.refusing import refused

STORED, DUPLICATE = pb.RECORD_DISPOSITION_STORED, pb.RECORD_DISPOSITION_DUPLICATE


async def test_early_late_and_unmatched_events_are_all_stored(
    stub_for: StubFor, urls: DatabaseUrls
) -> None:
    stub = stub_for("platform/x")
    for request in (
        spoken("early", days=1),
        spoken("late", days=-400),
        spoken("unmatched", notice_id="", content_url="https://x.com/a/status/1"),
        spoken("about nothing", notice_id=""),
    ):
        answer = await stub.RecordPlatformEvent(request, timeout=5)
        assert answer.disposition == STORED
    assert await counts(urls) == (4, 0, 4)


async def test_a_duplicate_is_answered_ok_and_has_no_second_effect(
    stub_for: StubFor, urls: DatabaseUrls
) -> None:
    stub, request = stub_for("platform/x"), spoken("e")
    answers = await asyncio.gather(
        *[stub.RecordPlatformEvent(request, timeout=10) for _ in range(8)]
    )
    assert sorted(a.disposition for a in answers) == [STORED] + [DUPLICATE] * 7
    assert await counts(urls) == (1, 7, 1)


async def test_one_event_id_of_two_platforms_is_two_events(
    stub_for: StubFor, urls: DatabaseUrls
) -> None:
    await stub_for("platform/x").RecordPlatformEvent(spoken("e"), timeout=5)
    other = await stub_for("platform/tiktok").RecordPlatformEvent(
        spoken("e", platform="tiktok"), timeout=5
    )
    assert other.disposition == STORED
    assert await counts(urls) == (2, 0, 2)


async def test_a_batch_answers_each_and_a_bad_one_spoils_nothing(
    stub_for: StubFor, urls: DatabaseUrls
) -> None:
    requests = [
        spoken("a"),
        spoken("b", platform="tiktok"),
        spoken("c", message="a\x00"),
        spoken("d", type=99),
        spoken("a"),
        spoken("decision without one", type=enums.PLATFORM_EVENT_TYPE_DECISION),
        spoken("e"),
    ]
    answer = await stub_for("platform/x").BatchRecordPlatformEvents(
        pb.BatchRecordPlatformEventsRequest(requests=requests), timeout=5
    )
    got = [r.error.code if r.HasField("error") else -r.response.disposition for r in answer.results]
    assert got == [-STORED, 7, 3, 3, -DUPLICATE, 3, -STORED]
    assert await counts(urls) == (2, 1, 2)


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
        said = spoken(f"e{place}", days=-place, notice_id=notice, type=kind)
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
    await stub.RecordPlatformEvent(spoken("e", message="first"), timeout=5)
    again = await stub.RecordPlatformEvent(spoken("e", message="second"), timeout=5)
    assert again.disposition == DUPLICATE
    connection = await asyncpg.connect(urls.app.replace("+asyncpg", ""))
    (row,) = await connection.fetch("SELECT event FROM acknowledgement.platform_events")
    await connection.close()
    assert platform_event_pb2.PlatformEvent.FromString(row["event"]).message == "first"


async def test_a_batch_of_five_hundred_is_taken_and_one_more_or_none_is_refused(
    stub_for: StubFor, urls: DatabaseUrls
) -> None:
    stub = stub_for("platform/x")
    requests = [spoken(f"e{number}") for number in range(501)]
    for wrong in (requests, []):
        batch = pb.BatchRecordPlatformEventsRequest(requests=wrong)
        error = await refused(stub.BatchRecordPlatformEvents(batch, timeout=10))
        assert (error.kind, error.violations[0].field) == (ErrorKind.INVALID, "requests")
    assert await counts(urls) == (0, 0, 0)
    batch = pb.BatchRecordPlatformEventsRequest(requests=requests[:500])
    answer = await stub.BatchRecordPlatformEvents(batch, timeout=20)
    assert [r.response.disposition for r in answer.results] == [STORED] * 500
    assert await counts(urls) == (500, 0, 500)


async def test_the_same_events_in_many_batches_at_once_are_stored_once(
    stub_for: StubFor, urls: DatabaseUrls
) -> None:
    """In another order each time, so that batches that lock row by row would wait in a ring."""
    stub = stub_for("platform/x")
    requests = [spoken(f"e{number}") for number in range(40)]
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
    assert (stored, await counts(urls)) == (40, (40, 280, 40))
