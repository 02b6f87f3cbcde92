"""Lists, pages and the watch: everything once, nothing missed."""

from __future__ import annotations

import asyncio
from typing import Any
from uuid import UUID

from takedown.intake.v1 import referral_service_pb2 as pb
from takedown.referral.v1 import enums_pb2 as enums
from tests.integration.intake.serving import Intake, submission

_EVENT = """
    INSERT INTO intake.events (referral_id, sequence, event_key, type, state, actor, trace_id,
        detail_kind, detail, occur_time, record_time)
    VALUES ($1, $2, $3, 'OBSERVED', '', 'service/worker', '', '', '{}', now(), now())
"""


async def _walk(stub: Any, **filters: Any) -> list[str]:
    seen: list[str] = []
    token = ""
    while True:
        page = await stub.ListReferrals(
            pb.ListReferralsRequest(page_size=3, page_token=token, **filters), timeout=5
        )
        assert len(page.referrals) <= 3
        seen += [r.referral_id for r in page.referrals]
        token = page.next_page_token
        if not token:
            return seen


async def test_pages_walk_every_referral_once_and_filters_hold(intake: Intake) -> None:
    stub = intake.referrals()
    made = {}
    for number in range(7):
        campaign = "spring" if number % 2 else ""
        answer = await stub.SubmitReferral(submission(number, campaign_id=campaign), timeout=5)
        made[answer.referral.referral_id] = campaign
    insta = await stub.SubmitReferral(
        submission(url="https://www.instagram.com/p/Cabcdefghij/"), timeout=5
    )
    everything = [*made, insta.referral.referral_id]
    assert await _walk(stub) == sorted(everything, reverse=True)
    assert set(await _walk(stub, campaign_id="spring")) == {i for i, c in made.items() if c}
    assert await _walk(stub, platforms=["instagram"]) == [insta.referral.referral_id]
    assert await _walk(stub, states=[enums.REFERRAL_STATE_CLOSED]) == []
    assert await _walk(stub, outcomes=[enums.OUTCOME_REMOVED]) == []
    since = pb.ListReferralsRequest(updated_since=insta.referral.update_time)
    listed = await stub.ListReferrals(since, timeout=5)
    assert [r.referral_id for r in listed.referrals] == [insta.referral.referral_id]


async def test_events_of_a_referral_are_paged_in_order(intake: Intake) -> None:
    stub = intake.referrals()
    for _ in range(5):
        answer = await stub.SubmitReferral(submission(), timeout=5)
    sequences, token = [], ""
    while True:
        page = await stub.ListReferralEvents(
            pb.ListReferralEventsRequest(
                referral_id=answer.referral.referral_id, page_size=2, page_token=token
            ),
            timeout=5,
        )
        sequences += [event.sequence for event in page.events]
        token = page.next_page_token
        if not token:
            break
    assert sequences == [1, 2, 3, 4, 5]


async def _read(stub: Any, cursor: str, wanted: int) -> list[pb.WatchReferralEventsResponse]:
    call = stub.WatchReferralEvents(pb.WatchReferralEventsRequest(cursor=cursor), timeout=20)
    seen: list[pb.WatchReferralEventsResponse] = []
    while len(seen) < wanted:
        response = await call.read()
        if response.HasField("event"):
            seen.append(response)
    call.cancel()
    return seen


async def _until_heartbeat(stub: Any, cursor: str) -> list[pb.WatchReferralEventsResponse]:
    call = stub.WatchReferralEvents(pb.WatchReferralEventsRequest(cursor=cursor), timeout=20)
    seen: list[pb.WatchReferralEventsResponse] = []
    while True:
        response = await call.read()
        seen.append(response)
        if not response.HasField("event"):
            call.cancel()
            return seen


async def test_a_watch_resumes_with_no_gap_though_writers_commit_out_of_order(
    intake: Intake,
) -> None:
    stub, intake.audited = intake.referrals(), False
    slow = (await stub.SubmitReferral(submission(1), timeout=5)).referral.referral_id
    fast = (await stub.SubmitReferral(submission(2), timeout=5)).referral.referral_id
    start = (await _read(stub, "", 2))[-1].cursor
    one, two = await intake.sql(), await intake.sql()
    try:
        holding = one.transaction()
        await holding.start()
        await one.execute(_EVENT, UUID(slow), 2, "late")
        # Begun later, committed first, and with a higher position.
        await two.execute(_EVENT, UUID(fast), 2, "early")
        held = await _until_heartbeat(stub, start)
        assert [r.HasField("event") for r in held] == [False]
        await holding.commit()
        both = await _read(stub, held[-1].cursor, 2)
    finally:
        await one.close()
        await two.close()
    assert [r.event.referral_id for r in both] == [slow, fast]
    assert [r.event.referral_id for r in await _read(stub, both[0].cursor, 1)] == [fast]
    assert not (await _until_heartbeat(stub, both[1].cursor))[0].HasField("event")


async def test_a_watch_broken_off_again_and_again_sees_every_event_once(intake: Intake) -> None:
    stub, total = intake.referrals(), 60
    writing = asyncio.gather(
        *[stub.SubmitReferral(submission(n), timeout=20) for n in range(total)]
    )
    seen: list[str] = []
    cursor = ""
    while len(seen) < total:
        part = await _read(stub, cursor, min(7, total - len(seen)))
        cursor = part[-1].cursor
        seen += [r.event.referral_id for r in part]
    created = await writing
    assert sorted(seen) == sorted(a.referral.referral_id for a in created)
    assert not (await _until_heartbeat(stub, cursor))[0].HasField("event")


async def test_a_watch_shows_a_referrer_its_own_events_alone(intake: Intake) -> None:
    await intake.referrals().SubmitReferral(submission(1), timeout=5)
    other = intake.referrals("referrer/europol")
    mine = await other.SubmitReferral(submission(2), timeout=5)
    seen = await _until_heartbeat(other, "")
    assert [r.event.referral_id for r in seen if r.HasField("event")] == [mine.referral.referral_id]
