"""Holds: asked for by people, placed by the workflow, always with an end."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

import pytest

from services.kernel.errors import ErrorKind
from takedown.intake.v1 import casework_service_pb2 as pb
from takedown.referral.v1 import enums_pb2 as enums
from takedown.referral.v1 import event_pb2, referral_pb2
from tests.integration.intake.lives import (
    ANN,
    BOB,
    ahead,
    append,
    asked,
    changes_nothing,
    closed,
    created,
    event,
    events_of,
    held,
    hold,
    in_review,
    names_state_and_remedy,
    newest_item,
    noticed,
    shown,
    spiffe,
)
from tests.integration.intake.serving import Intake

Change = Callable[[pb.PlaceHoldRequest], Any]


def release(referral_id: str, **changes: Any) -> pb.ReleaseHoldRequest:
    values = {"referral_id": referral_id, "request_id": str(uuid4()), "note": "the raid is over"}
    return pb.ReleaseHoldRequest(**{**values, **changes})


async def test_a_hold_is_on_record_and_goes_to_the_workflow_without_its_note(
    intake: Intake,
) -> None:
    referral_id = await in_review(intake)
    request = hold(referral_id, note="the boat yard is watched")
    answer = await intake.casework().PlaceHold(request, timeout=5)
    (wish,) = answer.referral.holds
    assert (wish.owner, wish.note, wish.requested) == ("operator/ann", request.note, True)
    assert answer.referral.state == enums.REFERRAL_STATE_IN_REVIEW
    last = (await events_of(intake, referral_id))[-1]
    assert last.type == event_pb2.REFERRAL_EVENT_TYPE_HOLD_REQUESTED
    assert (last.actor, last.hold.note) == (spiffe(ANN), request.note)
    item = await newest_item(intake)
    assert (item["kind"], item["referral_id"]) == ("hold.placed", referral_id)
    said = event_pb2.HoldDetail.FromString(item["payload"])
    assert (said.owner, said.reason, said.note) == ("operator/ann", request.reason, "")
    assert abs(said.expire_time.ToDatetime() - request.expire_time.ToDatetime()).seconds == 0


async def test_a_hold_and_its_release_are_answered_the_same_when_repeated(intake: Intake) -> None:
    referral_id, stub = await created(intake), intake.casework()
    placing = hold(referral_id)
    first = await stub.PlaceHold(placing, timeout=5)
    before = await intake.counts()
    assert await stub.PlaceHold(placing, timeout=5) == first
    assert await intake.counts() == before
    releasing = release(referral_id)
    done = await stub.ReleaseHold(releasing, timeout=5)
    before = await intake.counts()
    assert await stub.ReleaseHold(releasing, timeout=5) == done
    assert await intake.counts() == before
    other = hold(referral_id, request_id=placing.request_id, note="other")
    error = await changes_nothing(intake, stub.PlaceHold(other, timeout=5))
    assert error.reason == "REQUEST_ID_REUSED"


async def test_one_request_sent_ten_times_at_once_is_one_hold(intake: Intake) -> None:
    request, stub = hold(await created(intake)), intake.casework()
    answers = await asyncio.gather(*[stub.PlaceHold(request, timeout=10) for _ in range(10)])
    assert all(answer == answers[0] for answer in answers)
    assert (await intake.counts())["inbox_items"] == 2


async def test_a_replay_is_answered_even_when_the_hold_has_ended_since(intake: Intake) -> None:
    request = hold(await created(intake), expire_time=ahead(seconds=0.4))
    stub = intake.casework()
    first = await stub.PlaceHold(request, timeout=5)
    ended = request.expire_time.ToDatetime(tzinfo=UTC)
    await asyncio.sleep(max(0.0, (ended - datetime.now(UTC)).total_seconds()) + 0.01)
    assert await stub.PlaceHold(request, timeout=5) == first


BAD: dict[str, tuple[Change, str]] = {
    "no expiry": (lambda r: r.ClearField("expire_time"), "expire_time"),
    "expiry in the past": (lambda r: r.expire_time.CopyFrom(ahead(seconds=-1)), "expire_time"),
    "over fourteen days": (lambda r: r.expire_time.CopyFrom(ahead(days=14.01)), "expire_time"),
    "expiry of no calendar": (lambda r: setattr(r.expire_time, "seconds", 10**15), "expire_time"),
    "no reason": (lambda r: setattr(r, "reason", 0), "reason"),
    "unknown reason": (lambda r: setattr(r, "reason", 99), "reason"),
    "other without a note": (lambda r: setattr(r, "reason", enums.HOLD_REASON_OTHER), "note"),
    "note with a nul": (lambda r: setattr(r, "note", "a\x00"), "note"),
    "note too long": (lambda r: setattr(r, "note", "x" * 4001), "note"),
    "request_id no uuid": (lambda r: setattr(r, "request_id", "1"), "request_id"),
    "referral_id no uuid": (lambda r: setattr(r, "referral_id", "1"), "referral_id"),
}  # fmt: skip


@pytest.mark.parametrize("name", BAD)
async def test_a_hold_that_nobody_can_have_is_refused_by_field(intake: Intake, name: str) -> None:
    change, field = BAD[name]
    request = hold(await created(intake))
    change(request)
    error = await changes_nothing(intake, intake.casework().PlaceHold(request, timeout=5))
    assert error.kind is ErrorKind.INVALID
    assert field in {violation.field for violation in error.violations}
    assert all(len(violation.message.split()) >= 3 for violation in error.violations)


async def test_fourteen_days_are_allowed(intake: Intake) -> None:
    request = hold(await created(intake), expire_time=ahead(days=14))
    await intake.casework().PlaceHold(request, timeout=5)


async def test_a_platform_that_may_have_a_notice_cannot_be_held_back(intake: Intake) -> None:
    sent, question = await noticed(intake, 1), await asked(intake, 2)
    for referral_id, state in ((sent, "AWAITING_DECISION"), (question, "CLARIFICATION_REQUESTED")):
        error = await changes_nothing(
            intake, intake.casework().PlaceHold(hold(referral_id), timeout=5)
        )
        names_state_and_remedy(error, "HOLD_TOO_LATE", state)
        assert "withdraw" in error.message


async def test_a_closed_referral_is_neither_held_nor_released(intake: Intake) -> None:
    referral_id, stub = await created(intake), intake.casework()
    await closed(intake, referral_id)
    for call in (
        stub.PlaceHold(hold(referral_id), timeout=5),
        stub.ReleaseHold(release(referral_id), timeout=5),
    ):
        names_state_and_remedy(await changes_nothing(intake, call), "REFERRAL_CLOSED", "CLOSED")


async def test_a_renewal_needs_a_note_and_something_new(intake: Intake) -> None:
    referral_id, stub = await created(intake), intake.casework(BOB)
    await held(intake, referral_id, note="on watch")
    for note in ("", "  ", "on watch"):
        error = await changes_nothing(
            intake, stub.PlaceHold(hold(referral_id, note=note), timeout=5)
        )
        names_state_and_remedy(error, "HOLD_NOT_NEW", "ON_HOLD")
        assert error.violations[0].field == "note"
    request = hold(referral_id, note="the raid is on Friday", expire_time=ahead(days=9))
    await stub.PlaceHold(request, timeout=5)
    said = event_pb2.HoldDetail(reason=request.reason, expire_time=request.expire_time)
    await append(intake, referral_id, event("HOLD_RENEWED", hold=said))
    first, second = (await shown(intake, referral_id)).holds
    assert first.HasField("end_time")
    assert (second.owner, second.note, second.requested) == ("operator/bob", request.note, False)
    # The same reason with the same note as two renewals ago is new again.
    again = hold(referral_id, note="on watch")
    await stub.PlaceHold(again, timeout=5)


async def test_only_a_hold_is_released(intake: Intake) -> None:
    referral_id, stub = await in_review(intake), intake.casework()
    error = await changes_nothing(intake, stub.ReleaseHold(release(referral_id), timeout=5))
    names_state_and_remedy(error, "NOT_ON_HOLD", "IN_REVIEW")
    await held(intake, referral_id)
    answer = await stub.ReleaseHold(release(referral_id), timeout=5)
    assert answer.referral.state == enums.REFERRAL_STATE_ON_HOLD
    last = (await events_of(intake, referral_id))[-1]
    assert last.type == event_pb2.REFERRAL_EVENT_TYPE_HOLD_RELEASE_REQUESTED
    assert last.hold_ended.note == "the raid is over"
    item = await newest_item(intake)
    assert item["kind"] == "hold.released"
    said = event_pb2.HoldEndedDetail.FromString(item["payload"])
    assert (said.end, said.note) == (enums.HOLD_END_RELEASED, "")
    cost = referral_pb2.HoldCost(held_seconds=90, vanished=True, departure_passed=True)
    ended = event_pb2.HoldEndedDetail(end=enums.HOLD_END_RELEASED, cost=cost)
    await append(intake, referral_id, event("HOLD_ENDED", "IN_REVIEW", hold_ended=ended))
    (past,) = (await shown(intake, referral_id)).holds
    assert (past.end, past.cost) == (enums.HOLD_END_RELEASED, cost)


async def test_a_referrer_neither_places_nor_releases(intake: Intake) -> None:
    referral_id, stub = await created(intake), intake.casework("referrer/nca")
    for call in (
        stub.PlaceHold(hold(referral_id), timeout=5),
        stub.ReleaseHold(release(referral_id), timeout=5),
    ):
        assert (await changes_nothing(intake, call)).kind is ErrorKind.PERMISSION_DENIED
