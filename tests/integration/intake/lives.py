"""Referrals brought to where a test needs them, through the services' own calls."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

from google.protobuf.timestamp_pb2 import Timestamp

from services.kernel.errors import DomainError, ErrorKind
from takedown.intake.v1 import casework_service_pb2 as casework_pb
from takedown.intake.v1 import record_service_pb2 as record_pb
from takedown.intake.v1 import referral_service_pb2 as pb
from takedown.referral.v1 import assessment_pb2, event_pb2, notice_pb2, referral_pb2
from takedown.referral.v1 import enums_pb2 as enums
from takedown.referral.v1 import platform_event_pb2 as platform_pb
from tests.integration.intake.serving import Intake, submission
from tests.integration.refusing import refused

WORKER = "spiffe://takedown.internal/service/worker"
ANN, BOB = "operator/ann", "operator/bob"
NCA, MET = "referrer/nca", "referrer/met-police"


def spiffe(who: str) -> str:
    return f"spiffe://takedown.internal/{who}"


def ahead(**step: float) -> Timestamp:
    """A timestamp from now on."""
    stamp = Timestamp()
    stamp.FromDatetime(datetime.now(UTC) + timedelta(**step))
    return stamp


def event(name: str, state: str = "", **detail: Any) -> record_pb.NewEvent:
    """An event of the worker's."""
    made = event_pb2.ReferralEvent(
        type=event_pb2.ReferralEventType.Value(f"REFERRAL_EVENT_TYPE_{name}"),
        state=enums.ReferralState.Value(f"REFERRAL_STATE_{state or 'UNSPECIFIED'}"),
        actor=WORKER,
        **detail,
    )
    made.occur_time.FromDatetime(datetime.now(UTC))
    return record_pb.NewEvent(event_key=f"{name}/{uuid4()}", event=made)


async def append(intake: Intake, referral_id: str, *events: record_pb.NewEvent) -> None:
    await intake.record().AppendEvents(
        record_pb.AppendEventsRequest(referral_id=referral_id, events=events), timeout=5
    )


async def created(intake: Intake, number: int = 1, who: str = NCA, **changes: Any) -> str:
    answer = await intake.referrals(who).SubmitReferral(submission(number, **changes), timeout=20)
    return str(answer.referral.referral_id)


async def in_review(intake: Intake, number: int = 1, speech: str = "OFFER", **changes: Any) -> str:
    referral_id = await created(intake, number, **changes)
    assessed = assessment_pb2.Assessment(speech_act=enums.SpeechAct.Value(f"SPEECH_ACT_{speech}"))
    asked = event_pb2.ReviewRequestedDetail(review_id="review-1", reasons=["not sure"])
    await append(
        intake,
        referral_id,
        event("ASSESSED", assessment=assessed),
        event("REVIEW_REQUESTED", "IN_REVIEW", review_requested=asked),
    )
    return referral_id


async def noticed(intake: Intake, number: int = 1, **changes: Any) -> str:
    """Acknowledged by the platform, which has one notice."""
    referral_id = await created(intake, number, **changes)
    notice = notice_pb2.Notice(notice_id=str(uuid4()), number=1, platform="x")
    await append(
        intake,
        referral_id,
        event("NOTICE_PREPARED", "NOTIFYING", notice=notice),
        event("NOTICE_DELIVERED", "AWAITING_ACKNOWLEDGEMENT", notice=notice),
        event("ACKNOWLEDGED", "AWAITING_DECISION"),
    )
    return referral_id


async def asked(intake: Intake, number: int = 1, question: str = "q-1", **changes: Any) -> str:
    """The platform has asked something."""
    referral_id = await noticed(intake, number, **changes)
    said = spoken(question, "CLARIFICATION_REQUEST")
    await append(
        intake, referral_id, event("CLARIFICATION_REQUESTED", "CLARIFICATION_REQUESTED",
                                   platform_event=said),
    )  # fmt: skip
    return referral_id


def spoken(event_id: str, name: str) -> platform_pb.PlatformEvent:
    """What the platform said, with its words."""
    said = platform_pb.PlatformEvent(
        platform="x",
        event_id=event_id,
        type=enums.PlatformEventType.Value(f"PLATFORM_EVENT_TYPE_{name}"),
        message="Which of the two accounts?",
    )
    said.occur_time.FromDatetime(datetime.now(UTC))
    return said


async def closed(intake: Intake, referral_id: str) -> None:
    outcome = referral_pb2.OutcomeDetail(outcome=enums.OUTCOME_REMOVED)
    await append(intake, referral_id, event("CLOSED", "CLOSED", closed=outcome))


async def held(intake: Intake, referral_id: str, note: str = "", who: str = ANN) -> None:
    """On hold, as asked for and as the workflow answers it."""
    request = hold(referral_id, note=note)
    await intake.casework(who).PlaceHold(request, timeout=5)
    said = event_pb2.HoldDetail(reason=request.reason, expire_time=request.expire_time)
    await append(intake, referral_id, event("HOLD_PLACED", "ON_HOLD", hold=said))


def hold(referral_id: str, **changes: Any) -> casework_pb.PlaceHoldRequest:
    values: dict[str, Any] = {
        "referral_id": referral_id,
        "request_id": str(uuid4()),
        "reason": enums.HOLD_REASON_SURVEILLANCE,
        "expire_time": ahead(days=3),
    }
    return casework_pb.PlaceHoldRequest(**{**values, **changes})


def decision(referral_id: str, **changes: Any) -> casework_pb.DecideReviewRequest:
    values: dict[str, Any] = {
        "referral_id": referral_id,
        "request_id": str(uuid4()),
        "decision": enums.REVIEW_DECISION_REFER,
        "reason": enums.REVIEW_REASON_OFFER_CONFIRMED,
    }
    return casework_pb.DecideReviewRequest(**{**values, **changes})


async def shown(intake: Intake, referral_id: str, who: str = ANN) -> Any:
    request = pb.GetReferralRequest(referral_id=referral_id)
    return (await intake.referrals(who).GetReferral(request, timeout=5)).referral


async def events_of(intake: Intake, referral_id: str) -> list[Any]:
    request = pb.ListReferralEventsRequest(referral_id=referral_id, page_size=1000)
    return list((await intake.referrals(ANN).ListReferralEvents(request, timeout=5)).events)


async def newest_item(intake: Intake) -> Any:
    """The inbox item that was stored last: (kind, payload, priority, referral_id)."""
    connection = await intake.sql()
    try:
        return await connection.fetchrow(
            "SELECT kind, payload, priority, referral_id::text, item_id::text"
            " FROM intake.inbox_items ORDER BY created_at DESC, item_id DESC LIMIT 1"
        )
    finally:
        await connection.close()


async def changes_nothing(intake: Intake, call: Any) -> DomainError:
    """The refusal of ``call``, which left everything stored as it was."""
    before = await intake.counts()
    error = await refused(call)
    assert await intake.counts() == before
    return error


def names_state_and_remedy(error: DomainError, reason: str, state: str) -> None:
    assert (error.kind, error.reason) == (ErrorKind.FAILED_PRECONDITION, reason)
    assert state in error.message
    assert len(error.message.split()) >= 8
