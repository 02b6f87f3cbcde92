"""What the record means: the fold of events into a referral. Plain Python.

The projection that GetReferral shows is ``fold`` of the referral's events and nothing else;
``store`` applies the same function event by event, and the auditor folds them all again.
Details are protobuf JSON as dictionaries, so that this module needs no protobuf.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

from services.intake import life
from services.intake.events import Event as Event  # noqa: PLC0414 - known from here
from services.intake.life import instant

PRIORITIES: Final = {"IMMINENT_DEPARTURE": 0, "URGENT": 1, "ROUTINE": 2}
URGENCIES: Final = {value: name for name, value in PRIORITIES.items()}

REFER_REASONS: Final = frozenset(
    {"OFFER_CONFIRMED", "ACCOUNT_DEDICATED_TO_OFFERS", "PROMOTION_UNDER_COVER"}
)
REJECT_REASONS: Final = frozenset(
    {"NOT_AN_ADVERT", "PROTECTED_SPEECH", "INSUFFICIENT_EVIDENCE", "WRONG_CONTENT"}
)
# Referring these needs two people: their removal takes down far more than one advert, or the
# text reads as protected speech. The workflow sends them to review by the same lists
# (workflows/policy.py; a test holds them equal).
TWO_PEOPLE_KINDS: Final = frozenset({"ACCOUNT", "PAGE", "GROUP", "CHANNEL", "PLAYLIST"})
PROTECTED_SPEECH: Final = frozenset(
    {
        "SOLICITATION",
        "INFORMATION",
        "TESTIMONY",
        "REPORTING",
        "RESCUE",
        "ACADEMIC",
        "SATIRE",
        "GOVERNMENT_WARNING",
    }
)


@dataclass
class Projection:
    """Where a referral stands after its events."""

    state: str = "RECEIVED"
    outcome: str = ""
    priority: int = PRIORITIES["ROUTINE"]
    departure_time: datetime | None = None
    claim_time: datetime | None = None
    confirm_time: datetime | None = None
    # A short link that led somewhere: what the referral is about from then on.
    kind: str = ""
    detail: dict[str, Any] = field(default_factory=dict)
    last_sequence: int = 0

    def apply(self, event: Event) -> None:
        """Take one event in. Unknown types change the state alone: newer writers may exist."""
        self.last_sequence += 1
        if event.state:
            self.state = event.state
        handler = _HANDLERS.get(event.type)
        if handler is not None:
            handler(self, event)
        in_detail = life.HANDLERS.get(event.type)
        if in_detail is not None:
            in_detail(self.detail, event)


def fold(events: Iterable[Event], start: Projection | None = None) -> Projection:
    """The projection of ``events`` in their order."""
    projection = start or Projection()
    for event in events:
        projection.apply(event)
    return projection


def decision_fits(decision: str, reason: str) -> bool:
    """Whether a review's reason code belongs to its decision."""
    return reason in (REFER_REASONS if decision == "REFER" else REJECT_REASONS)


def needs_two_people(kind: str, detail: dict[str, Any]) -> bool:
    """Whether two people must decide to refer content of this kind with this assessment."""
    speech = str(detail.get("assessment", {}).get("speechAct", "")).removeprefix("SPEECH_ACT_")
    return kind in TWO_PEOPLE_KINDS or speech in PROTECTED_SPEECH


def _assessed(p: Projection, e: Event) -> None:
    p.detail["assessment"] = e.detail


def _notice(p: Projection, e: Event) -> None:
    """Prepared and delivered are two events of one notice: the later one completes it."""
    notices: list[dict[str, Any]] = p.detail.setdefault("notices", [])
    notice_id = e.detail.get("noticeId")
    for notice in notices:
        if notice.get("noticeId") == notice_id:
            notice.update(e.detail)
            return
    if notice_id:
        notices.append(dict(e.detail))


def _acknowledged(p: Projection, e: Event) -> None:
    notices: list[dict[str, Any]] = p.detail.get("notices", [])
    answered = e.detail.get("noticeId")
    for notice in notices:
        if notice.get("noticeId") == answered or (not answered and notice is notices[-1]):
            notice.setdefault("acknowledgeTime", e.occurred_at.isoformat())


def _observed(p: Projection, e: Event) -> None:
    p.detail["latestObservation"] = e.detail


def _claimed(p: Projection, e: Event) -> None:
    p.claim_time = e.occurred_at


def _confirmed(p: Projection, e: Event) -> None:
    p.confirm_time = e.occurred_at


def _closed(p: Projection, e: Event) -> None:
    p.outcome = str(e.detail.get("outcome", "")).removeprefix("OUTCOME_")
    p.detail["outcome"] = e.detail


def _withdrawal_sent(p: Projection, e: Event) -> None:
    for notice in p.detail.get("notices", []):
        notice.setdefault("withdrawTime", e.occurred_at.isoformat())


def _urgency_raised(p: Projection, e: Event) -> None:
    urgency = str(e.detail.get("urgency", "")).removeprefix("URGENCY_")
    p.priority = min(p.priority, PRIORITIES.get(urgency, p.priority))
    departure = instant(e.detail.get("departureTime"))
    if departure is None:
        return
    # Somebody has said when it leaves: what the text seemed to say is settled. Of several
    # departures to come the first counts; one that has passed counts no more.
    p.detail.pop("proposedDepartureTime", None)
    known = p.departure_time
    if known is None or known <= e.occurred_at or departure < known:
        p.departure_time = departure


def _urgency_lapsed(p: Projection, e: Event) -> None:
    """Nothing is left to hurry for; the departure stays on record as evidence."""
    p.priority = PRIORITIES["ROUTINE"]


def _departure_proposed(p: Projection, e: Event) -> None:
    if p.departure_time is None and e.detail.get("departureTime"):
        p.detail["proposedDepartureTime"] = e.detail["departureTime"]


def _short_link_resolved(p: Projection, e: Event) -> None:
    p.kind = str(e.detail.get("resolvedKind", "")).removeprefix("CONTENT_KIND_")


_HANDLERS: Final[dict[str, Callable[[Projection, Event], None]]] = {
    "ASSESSED": _assessed,
    "NOTICE_PREPARED": _notice,
    "NOTICE_DELIVERED": _notice,
    "ACKNOWLEDGED": _acknowledged,
    "OBSERVED": _observed,
    "REMOVAL_CLAIMED": _claimed,
    "REMOVAL_CONFIRMED": _confirmed,
    "CLOSED": _closed,
    "WITHDRAWAL_SENT": _withdrawal_sent,
    "URGENCY_RAISED": _urgency_raised,
    "URGENCY_LAPSED": _urgency_lapsed,
    "DEPARTURE_PROPOSED": _departure_proposed,
    "SHORT_LINK_RESOLVED": _short_link_resolved,
}
