"""A workflow that remembers otherwise than what it recorded: the record goes on and says so."""

from __future__ import annotations

from typing import Any

from takedown.intake.v1 import record_service_pb2 as record_pb
from takedown.intake.v1 import referral_service_pb2 as pb
from takedown.referral.v1 import enums_pb2 as enums
from takedown.referral.v1 import event_pb2, referral_pb2
from tests.integration.intake.lives import created, event
from tests.integration.intake.serving import Intake


def numbered(number: int, name: str, state: str, before: str, **detail: Any) -> record_pb.NewEvent:
    made = event(name, state, **detail)
    made.event_key = f"w/{number}/{name}"
    made.state_before = enums.ReferralState.Value(f"REFERRAL_STATE_{before}")
    return made


async def _append(
    intake: Intake, referral_id: str, *events: record_pb.NewEvent
) -> record_pb.AppendEventsResponse:
    request = record_pb.AppendEventsRequest(referral_id=referral_id, events=events)
    answer: record_pb.AppendEventsResponse = await intake.record().AppendEvents(request, timeout=5)
    return answer


async def _events(intake: Intake, referral_id: str) -> list[tuple[str, str]]:
    asked = pb.ListReferralEventsRequest(referral_id=referral_id)
    answer = await intake.referrals("operator/ann").ListReferralEvents(asked, timeout=5)
    return [
        (
            event_pb2.ReferralEventType.Name(item.type).removeprefix("REFERRAL_EVENT_TYPE_"),
            enums.ReferralState.Name(item.state).removeprefix("REFERRAL_STATE_"),
        )
        for item in answer.events
    ]


def _closed(outcome: str) -> dict[str, Any]:
    return {"closed": referral_pb2.OutcomeDetail(outcome=enums.Outcome.Value(f"OUTCOME_{outcome}"))}


async def test_the_same_events_again_change_nothing(intake: Intake) -> None:
    referral_id = await created(intake)
    first = numbered(1, "REVIEW_REQUESTED", "IN_REVIEW", "RECEIVED")
    await _append(intake, referral_id, first)
    answer = await _append(intake, referral_id, first)
    assert list(answer.repeated_keys) == ["w/1/REVIEW_REQUESTED"]
    assert len(await _events(intake, referral_id)) == 2


async def test_another_event_under_a_number_that_is_taken_resumes_where_it_says(
    intake: Intake,
) -> None:
    referral_id = await created(intake)
    await _append(intake, referral_id, numbered(1, "REVIEW_REQUESTED", "IN_REVIEW", "RECEIVED"))
    held = numbered(1, "HOLD_PLACED", "ON_HOLD", "RECEIVED")
    for _ in range(2):
        await _append(intake, referral_id, held)
    assert await _events(intake, referral_id) == [
        ("RECEIVED", "RECEIVED"),
        ("REVIEW_REQUESTED", "IN_REVIEW"),
        ("RESUMED", "RECEIVED"),
        ("HOLD_PLACED", "ON_HOLD"),
    ]


async def test_what_is_closed_keeps_its_outcome_whatever_the_workflow_says_later(
    intake: Intake,
) -> None:
    referral_id = await created(intake)
    done = numbered(1, "CLOSED", "CLOSED", "RECEIVED", **_closed("WITHDRAWN"))
    assert (await _append(intake, referral_id, done)).outcome == enums.OUTCOME_WITHDRAWN
    other = numbered(1, "REVIEW_REQUESTED", "IN_REVIEW", "RECEIVED")
    end = numbered(2, "CLOSED", "CLOSED", "IN_REVIEW", **_closed("REJECTED"))
    answer = await _append(intake, referral_id, other, end)
    assert answer.outcome == enums.OUTCOME_WITHDRAWN
    assert await _events(intake, referral_id) == [
        ("RECEIVED", "RECEIVED"),
        ("CLOSED", "CLOSED"),
        ("REVIEW_REQUESTED", "CLOSED"),
    ]
    shown = await intake.referrals("operator/ann").GetReferral(
        pb.GetReferralRequest(referral_id=referral_id), timeout=5
    )
    assert shown.referral.outcome.outcome == enums.OUTCOME_WITHDRAWN
