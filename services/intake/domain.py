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

PRIORITIES: Final = {"IMMINENT_DEPARTURE": 0, "URGENT": 1, "ROUTINE": 2}
URGENCIES: Final = {value: name for name, value in PRIORITIES.items()}

REFER_REASONS: Final = frozenset(
    {"OFFER_CONFIRMED", "ACCOUNT_DEDICATED_TO_OFFERS", "PROMOTION_UNDER_COVER"}
)
REJECT_REASONS: Final = frozenset(
    {"NOT_AN_ADVERT", "PROTECTED_SPEECH", "INSUFFICIENT_EVIDENCE", "WRONG_CONTENT"}
)


@dataclass(frozen=True, slots=True)
class Event:
    """One event as it is on record; ``state`` is the state after it, "" for unchanged."""

    key: str
    type: str
    state: str
    actor: str
    occurred_at: datetime
    detail_kind: str = ""
    detail: dict[str, Any] = field(default_factory=dict)
    trace_id: str = ""


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


def fold(events: Iterable[Event], start: Projection | None = None) -> Projection:
    """The projection of ``events`` in their order."""
    projection = start or Projection()
    for event in events:
        projection.apply(event)
    return projection


def decision_fits(decision: str, reason: str) -> bool:
    """Whether a review's reason code belongs to its decision."""
    return reason in (REFER_REASONS if decision == "REFER" else REJECT_REASONS)


def _instant(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text) if text else None


def _assessed(p: Projection, e: Event) -> None:
    p.detail["assessment"] = e.detail


def _review_requested(p: Projection, e: Event) -> None:
    p.detail["review"] = {**e.detail, "requestTime": e.occurred_at.isoformat()}


def _review_decided(p: Projection, e: Event) -> None:
    p.detail["review"] = {
        **p.detail.get("review", {}),
        **e.detail,
        "decidedBy": e.actor,
        "decideTime": e.occurred_at.isoformat(),
    }


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
    departure = _instant(e.detail.get("departureTime"))
    if departure is not None and (p.departure_time is None or departure < p.departure_time):
        p.departure_time = departure


def _short_link_resolved(p: Projection, e: Event) -> None:
    p.kind = str(e.detail.get("resolvedKind", "")).removeprefix("CONTENT_KIND_")


_HANDLERS: Final[dict[str, Callable[[Projection, Event], None]]] = {
    "ASSESSED": _assessed,
    "REVIEW_REQUESTED": _review_requested,
    "REVIEW_DECIDED": _review_decided,
    "NOTICE_PREPARED": _notice,
    "NOTICE_DELIVERED": _notice,
    "ACKNOWLEDGED": _acknowledged,
    "OBSERVED": _observed,
    "REMOVAL_CLAIMED": _claimed,
    "REMOVAL_CONFIRMED": _confirmed,
    "CLOSED": _closed,
    "WITHDRAWAL_SENT": _withdrawal_sent,
    "URGENCY_RAISED": _urgency_raised,
    "SHORT_LINK_RESOLVED": _short_link_resolved,
}
