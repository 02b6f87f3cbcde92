"""A submission may begin with a hold: nothing goes to the platform before it ends."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from services.kernel.errors import ErrorKind
from takedown.intake.v1 import referral_service_pb2 as pb
from takedown.referral.v1 import enums_pb2 as enums
from takedown.referral.v1 import event_pb2, referral_pb2
from tests.integration.intake.lives import (
    ANN,
    MET,
    NCA,
    ahead,
    append,
    changes_nothing,
    created,
    event,
    events_of,
    held,
    in_review,
    newest_item,
    noticed,
    shown,
    spiffe,
)
from tests.integration.intake.serving import Intake, submission


def wish(**changes: Any) -> pb.SubmittedHold:
    values: dict[str, Any] = {
        "reason": enums.HOLD_REASON_LIVE_INVESTIGATION,
        "note": "arrests on Monday",
        "expire_time": ahead(days=5),
    }
    return pb.SubmittedHold(**{**values, **changes})


async def test_a_new_referral_has_its_hold_as_event_two_and_starts_with_it(intake: Intake) -> None:
    request = submission(hold=wish())
    answer = await intake.referrals().SubmitReferral(request, timeout=5)
    referral = answer.referral
    (hold,) = referral.holds
    assert (hold.owner, hold.note, hold.requested) == (NCA, "arrests on Monday", True)
    assert (referral.state, referral.last_sequence) == (enums.REFERRAL_STATE_RECEIVED, 2)
    first, second = await events_of(intake, referral.referral_id)
    assert (first.sequence, first.type) == (1, event_pb2.REFERRAL_EVENT_TYPE_RECEIVED)
    assert (second.sequence, second.type) == (2, event_pb2.REFERRAL_EVENT_TYPE_HOLD_REQUESTED)
    assert (second.hold.owner, second.hold.note, second.actor) == (NCA, hold.note, spiffe(NCA))
    assert (await shown(intake, referral.referral_id)).holds[0] == hold
    item = await newest_item(intake)
    assert item["kind"] == "referral.accepted"
    (said,) = referral_pb2.Referral.FromString(item["payload"]).holds
    assert (said.owner, said.reason, said.requested) == (NCA, hold.reason, True)
    assert (said.expire_time, said.note) == (hold.expire_time, "")
    again = await intake.referrals().SubmitReferral(request, timeout=5)
    assert again.disposition == pb.DISPOSITION_REPLAYED
    assert again.referral == referral


async def test_the_hold_is_part_of_what_was_asked(intake: Intake) -> None:
    request = submission(hold=wish())
    await intake.referrals().SubmitReferral(request, timeout=5)
    request.hold.note = "another note"
    error = await changes_nothing(intake, intake.referrals().SubmitReferral(request, timeout=5))
    assert error.reason == "REQUEST_ID_REUSED"


async def test_a_hold_that_joins_in_time_becomes_a_command(intake: Intake) -> None:
    referral_id = await in_review(intake)
    answer = await intake.referrals(MET).SubmitReferral(submission(hold=wish()), timeout=5)
    assert answer.disposition == pb.DISPOSITION_JOINED
    (hold,) = (await shown(intake, referral_id)).holds
    assert (hold.owner, hold.requested) == (MET, True)
    kinds = [e.type for e in await events_of(intake, referral_id)][-2:]
    assert kinds == [
        event_pb2.REFERRAL_EVENT_TYPE_SUBMISSION_JOINED,
        event_pb2.REFERRAL_EVENT_TYPE_HOLD_REQUESTED,
    ]
    item = await newest_item(intake)
    assert (item["kind"], item["referral_id"]) == ("hold.placed", referral_id)
    said = event_pb2.HoldDetail.FromString(item["payload"])
    assert (said.owner, said.note) == (MET, "")


async def test_a_hold_that_joins_too_late_leaves_the_submission_and_says_why(
    intake: Intake,
) -> None:
    referral_id = await noticed(intake)
    before = (await intake.counts())["inbox_items"]
    answer = await intake.referrals(MET).SubmitReferral(submission(hold=wish()), timeout=5)
    assert answer.disposition == pb.DISPOSITION_JOINED
    last = (await events_of(intake, referral_id))[-1]
    assert last.type == event_pb2.REFERRAL_EVENT_TYPE_COMMAND_REFUSED
    assert last.command_refused.command == "hold"
    assert "AWAITING_DECISION" in last.command_refused.reason
    assert "withdraw" in last.command_refused.reason
    after = await shown(intake, referral_id)
    assert not after.holds
    assert len(after.submissions) == 2
    assert (await intake.counts())["inbox_items"] == before


async def test_a_hold_that_joins_a_held_referral_renews_it_only_with_something_new(
    intake: Intake,
) -> None:
    referral_id = await created(intake)
    await held(intake, referral_id, note="arrests on Monday")
    same = wish(reason=enums.HOLD_REASON_SURVEILLANCE)
    await intake.referrals(MET).SubmitReferral(submission(hold=same), timeout=5)
    last = (await events_of(intake, referral_id))[-1]
    assert last.type == event_pb2.REFERRAL_EVENT_TYPE_COMMAND_REFUSED
    await intake.referrals(MET).SubmitReferral(submission(hold=wish(note="new")), timeout=5)
    last = (await events_of(intake, referral_id))[-1]
    assert last.type == event_pb2.REFERRAL_EVENT_TYPE_HOLD_REQUESTED


async def test_creating_and_joining_with_holds_in_one_batch_keeps_every_event(
    intake: Intake,
) -> None:
    urgent = enums.URGENCY_IMMINENT_DEPARTURE
    items = [
        submission(1, hold=wish(note="first")),
        submission(1),
        submission(1, hold=wish(note="second"), urgency=urgent, departure_time=ahead(hours=5)),
        submission(2),
        submission(2, hold=wish(note="third")),
    ]
    request = pb.BatchSubmitReferralsRequest(requests=items)
    answer = await intake.referrals().BatchSubmitReferrals(request, timeout=10)
    ids = [result.response.referral.referral_id for result in answer.results]
    assert len(set(ids)) == 2
    first = await events_of(intake, ids[0])
    names = [event_pb2.ReferralEventType.Name(e.type)[len("REFERRAL_EVENT_TYPE_") :] for e in first]
    assert names == [
        "RECEIVED", "HOLD_REQUESTED", "SUBMISSION_JOINED", "SUBMISSION_JOINED", "URGENCY_RAISED",
        "HOLD_REQUESTED",
    ]  # fmt: skip
    assert [e.sequence for e in first] == [1, 2, 3, 4, 5, 6]
    assert [h.note for h in (await shown(intake, ids[0])).holds] == ["first", "second"]
    assert [h.note for h in (await shown(intake, ids[3])).holds] == ["third"]


async def test_a_later_departure_counts_once_the_first_has_passed(intake: Intake) -> None:
    urgent = enums.URGENCY_IMMINENT_DEPARTURE
    referral_id = await created(intake, urgency=urgent, departure_time=ahead(seconds=0.3))
    lapsed = event("URGENCY_LAPSED")
    lapsed.event.occur_time.CopyFrom(ahead(seconds=0.3))
    proposed = event_pb2.DepartureProposedDetail(departure_time=ahead(hours=3))
    await append(
        intake, referral_id, lapsed, event("DEPARTURE_PROPOSED", departure_proposed=proposed)
    )
    until = (await shown(intake, referral_id)).departure_time.ToDatetime()
    while ahead().ToDatetime() <= until:
        await shown(intake, referral_id)
    again = submission(urgency=urgent, departure_time=ahead(hours=7))
    await intake.referrals(MET).SubmitReferral(again, timeout=5)
    after = await shown(intake, referral_id)
    assert after.urgency == urgent
    assert (after.departure_time.ToDatetime() - until).total_seconds() > 6 * 3600
    assert not after.HasField("proposed_departure_time")


async def test_the_words_of_a_hold_are_its_owners_and_the_operators(intake: Intake) -> None:
    referral_id = await created(intake, hold=wish())
    joined = await intake.referrals(MET).SubmitReferral(submission(), timeout=5)
    listed = await intake.referrals(MET).ListReferrals(pb.ListReferralsRequest(), timeout=5)
    seen = [
        joined.referral,
        listed.referrals[0],
        await shown(intake, referral_id, MET),
    ]
    for referral in seen:
        (hold,) = referral.holds
        assert (hold.owner, hold.note) == (NCA, "")
        assert hold.reason == enums.HOLD_REASON_LIVE_INVESTIGATION
    request = pb.ListReferralEventsRequest(referral_id=referral_id)
    events = await intake.referrals(MET).ListReferralEvents(request, timeout=5)
    assert not any(e.hold.note for e in events.events)
    for who in (NCA, ANN):
        assert (await shown(intake, referral_id, who)).holds[0].note == "arrests on Monday"
    operator = await intake.referrals(ANN).SubmitReferral(submission(), timeout=5)
    assert operator.referral.holds[0].note == "arrests on Monday"


Change = Callable[[pb.SubmittedHold], Any]
BAD: dict[str, tuple[Change, str]] = {
    "no expiry": (lambda h: h.ClearField("expire_time"), "hold.expire_time"),
    "expiry in the past": (lambda h: h.expire_time.CopyFrom(ahead(seconds=-1)), "hold.expire_time"),
    "over fourteen days": (lambda h: h.expire_time.CopyFrom(ahead(days=15)), "hold.expire_time"),
    "expiry of no calendar": (
        lambda h: setattr(h.expire_time, "seconds", 10**15), "hold.expire_time"),
    "no reason": (lambda h: setattr(h, "reason", 0), "hold.reason"),
    "unknown reason": (lambda h: setattr(h, "reason", 99), "hold.reason"),
    "note too long": (lambda h: setattr(h, "note", "x" * 4001), "hold.note"),
    "note with a nul": (lambda h: setattr(h, "note", "\x00"), "hold.note"),
}  # fmt: skip


@pytest.mark.parametrize("name", BAD)
async def test_a_hold_that_nobody_can_have_refuses_the_submission(
    intake: Intake, name: str
) -> None:
    change, field = BAD[name]
    request = submission(hold=wish())
    change(request.hold)
    error = await changes_nothing(intake, intake.referrals().SubmitReferral(request, timeout=5))
    assert error.kind is ErrorKind.INVALID
    assert field in {violation.field for violation in error.violations}
    other = submission(hold=wish(reason=enums.HOLD_REASON_OTHER, note=" "))
    error = await changes_nothing(intake, intake.referrals().SubmitReferral(other, timeout=5))
    assert error.violations[0].field == "hold.note"
