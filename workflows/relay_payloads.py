"""What an inbox item's payload means for a workflow: never the words, only the facts."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Final

from takedown.referral.v1 import enums_pb2, event_pb2, referral_pb2
from workflows import bank_holidays, contracts
from workflows.contracts import Command, StartReferral
from workflows.delivered import short_name, time_text


def start(payload: bytes, time_scale: float) -> StartReferral:
    """The start of a referral's workflow from its bare form, with the hold it came with."""
    bare = referral_pb2.Referral.FromString(payload)
    hold = bare.holds[0] if bare.holds else referral_pb2.Hold()
    return StartReferral(
        referral_id=bare.referral_id,
        platform=bare.content.platform,
        kind=short_name(enums_pb2.ContentKind.Name(bare.content.kind), "CONTENT_KIND_"),
        urgency=short_name(enums_pb2.Urgency.Name(bare.urgency), "URGENCY_"),
        departure_time=time_text(bare, "departure_time"),
        test=bare.test,
        time_scale=time_scale,
        version=contracts.VERSION,
        hold_until=time_text(hold, "expire_time"),
        hold_reason=short_name(enums_pb2.HoldReason.Name(hold.reason), "HOLD_REASON_"),
        bank_holidays=bank_holidays.around(datetime.now(UTC).date()),
    )


def _review(payload: bytes) -> Command:
    decided = event_pb2.ReviewDecidedDetail.FromString(payload)
    decision = enums_pb2.ReviewDecision.Name(decided.decision)
    reason = enums_pb2.ReviewReason.Name(decided.reason)
    return Command(
        actor="operator",
        value=short_name(decision, "REVIEW_DECISION_"),
        reason=short_name(reason, "REVIEW_REASON_"),
    )


def _withdrawal(payload: bytes) -> Command:
    event_pb2.SubmissionDetail.FromString(payload)
    return Command(actor="referrer")


def _urgency(payload: bytes) -> Command:
    bare = referral_pb2.Referral.FromString(payload)
    urgency = short_name(enums_pb2.Urgency.Name(bare.urgency), "URGENCY_")
    return Command("referrer", urgency, departure_time=time_text(bare, "departure_time"))


def _hold(payload: bytes) -> Command:
    hold = event_pb2.HoldDetail.FromString(payload)
    reason = short_name(enums_pb2.HoldReason.Name(hold.reason), "HOLD_REASON_")
    return Command("operator", reason=reason, until=time_text(hold, "expire_time"))


def _release(payload: bytes) -> Command:
    ended = event_pb2.HoldEndedDetail.FromString(payload)
    return Command("operator", value=short_name(enums_pb2.HoldEnd.Name(ended.end), "HOLD_END_"))


def _clarification(payload: bytes) -> Command:
    answered = event_pb2.ClarificationAnsweredDetail.FromString(payload)
    return Command("operator", subject=answered.clarification_id)


def _escalation(payload: bytes) -> Command:
    event_pb2.EscalatedDetail.FromString(payload)
    return Command("operator")


COMMANDS: Final[dict[str, Callable[[bytes], Command]]] = {
    contracts.KIND_REVIEW_DECIDED: _review,
    contracts.KIND_WITHDRAWAL_REQUESTED: _withdrawal,
    contracts.KIND_URGENCY_RAISED: _urgency,
    contracts.KIND_HOLD_PLACED: _hold,
    contracts.KIND_HOLD_RELEASED: _release,
    contracts.KIND_CLARIFICATION_ANSWERED: _clarification,
    contracts.KIND_ESCALATION_REQUESTED: _escalation,
}
