"""One referral as people read it: a name and a value a line."""

from __future__ import annotations

from google.protobuf.message import Message

from services.cli.output import word
from takedown.referral.v1 import enums_pb2 as enums
from takedown.referral.v1 import referral_pb2


def facts(referral: referral_pb2.Referral) -> list[tuple[str, str]]:
    """Where it stands; lines without a value are part of it."""
    seen = referral.latest_observation
    availability = word(enums.Availability, seen.availability, "AVAILABILITY_")
    return [
        ("referral", referral.referral_id),
        ("state", word(enums.ReferralState, referral.state, "REFERRAL_STATE_")),
        ("outcome", word(enums.Outcome, referral.outcome.outcome, "OUTCOME_")),
        ("explanation", referral.outcome.explanation),
        ("content", referral.content.canonical_url),
        ("platform", referral.content.platform),
        ("urgency", word(enums.Urgency, referral.urgency, "URGENCY_")),
        ("notices sent", str(len(referral.notices))),
        ("the platform claims removal", moment_of(referral, "claim_time")),
        ("we last saw", f"{availability} ({seen.marker})" if seen.marker else ""),
        ("removal confirmed", moment_of(referral, "confirm_time")),
        *_life(referral),
        ("trace", referral.trace_id),
    ]


def _life(referral: referral_pb2.Referral) -> list[tuple[str, str]]:
    """What happened beside the way from notice to removal; nothing where nothing did."""
    counted = (("contradicted", "contradictions"), ("reappeared", "reappearances"))
    facts = [(name, f"{n} times") for name, of in counted if (n := getattr(referral, of))]
    level = word(enums.EscalationLevel, referral.escalation_level, "ESCALATION_LEVEL_")
    facts += [("escalated to", level)] if level else []
    if proposed := moment_of(referral, "proposed_departure_time"):
        facts.append(("may leave", f"{proposed}; `takedown departure confirm` confirms it"))
    facts += [("reversed by the platform", moment_of(referral.reversal, "time"))] * (
        referral.HasField("reversal")
    )
    facts += [("hold", _hold_line(hold)) for hold in referral.holds]
    for asked in referral.clarifications:
        facts.append(("the platform asks", asked.question or asked.clarification_id))
        facts.append(("answer", asked.answer or "none yet; `takedown clarify` gives one"))
    return facts


def _hold_line(hold: referral_pb2.Hold) -> str:
    reason = word(enums.HoldReason, hold.reason, "HOLD_REASON_")
    line = f"{reason}, {hold.owner}, until {hold.expire_time.ToJsonString()}"
    if hold.requested:
        return f"{line} (refused)" if hold.HasField("end_time") else f"{line} (asked for)"
    if not hold.HasField("end_time"):
        return line
    end = word(enums.HoldEnd, hold.end, "HOLD_END_") or "renewed"
    cost = f", held {hold.cost.held_seconds} s" if hold.HasField("cost") else ""
    lost = ", gone meanwhile" if hold.cost.vanished else ""
    late = ", departure passed" if hold.cost.departure_passed else ""
    return f"{line} ({end}{cost}{lost}{late})"


def moment_of(referral: Message, name: str) -> str:
    if not referral.HasField(name):
        return ""
    stamp: str = getattr(referral, name).ToJsonString()
    return stamp
