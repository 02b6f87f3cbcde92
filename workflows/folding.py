"""What each event on record says of the workflow's progress. Pure.

The mirror of ``dispatch``, ``holding``, ``removal``, ``answers`` and ``ladder``: they note an
event where they change the progress, and here the event changes it in the same way. A property
test holds the two against each other. Where an event's own time is another clock's (a
platform's, an observer's), the time of recording stands for it: never earlier than when we
acted, so that no deadline comes early.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final
from uuid import UUID

from services.kernel.ids import notice_id_text
from workflows import ladder
from workflows.lifecycle import State
from workflows.progress import Progress, instant, stamp

_OURS: Final = re.compile(r"w/(\d{1,9})(?:/|$)")


@dataclass(frozen=True, slots=True)
class _Fact:
    before: State
    detail: dict[str, Any]
    # By the clock of whoever reports it, and by ours.
    occurred: datetime
    recorded: datetime


def take(
    progress: Progress, kind: str, before: State, detail: dict[str, Any],
    occurred: datetime, recorded: datetime,
) -> None:  # fmt: skip
    """Take one event in; ``progress.state`` is the state after it already."""
    fact = _Fact(before, detail, occurred.astimezone(UTC), recorded.astimezone(UTC))
    if before is State.CLARIFICATION_REQUESTED is not progress.state:
        foreign = kind in _FOREIGN
        progress.run_the_platforms_clock(fact.recorded if foreign else fact.occurred)
    if before is State.NOTIFYING is not progress.state and kind != "NOTICE_DELIVERED":
        _leave_notifying(progress, fact)
    handler = _HANDLERS.get(kind)
    if handler is not None:
        handler(progress, fact)


def short(name: Any, prefix: str) -> str:
    """An enum's name without its prefix; "" for unspecified or absent."""
    found = str(name or "").removeprefix(prefix)
    return "" if found == "UNSPECIFIED" else found


def number_of(key: str) -> int:
    """The number in a key of the workflow's, w/<number> or w/<number>/<type>/<subject>; else 0."""
    match = _OURS.match(key)
    return int(match[1]) if match else 0


def item_of(key: str) -> str:
    """The inbox item that an event's key ends in; "" when it names none."""
    _, _, last = key.rpartition("/")
    try:
        return str(UUID(last))
    except ValueError:
        return ""


def _leave_notifying(p: Progress, fact: _Fact) -> None:
    """An answer may overtake the record of our sending: it has the notice from then on."""
    if p.prepared_at:
        p.delivered_at = p.waiting_since = stamp(fact.recorded)
        p.loop_since = p.loop_since or p.delivered_at
    p.prepared_at = ""


def _noted(p: Progress, fact: _Fact) -> None:
    """Answered while it was being sent: the platform had a notice by then."""
    if p.prepared_at:
        p.loop_since = p.loop_since or stamp(fact.recorded)


def _urgency_raised(p: Progress, fact: _Fact) -> None:
    departure = instant(fact.detail.get("departureTime", ""))
    urgency = short(fact.detail.get("urgency"), "URGENCY_") or p.urgency
    p.raise_urgency(fact.recorded, urgency, departure.isoformat() if departure else "")


def _urgency_lapsed(p: Progress, _: _Fact) -> None:
    p.urgency = "ROUTINE"


def _link_resolved(p: Progress, fact: _Fact) -> None:
    p.kind = short(fact.detail.get("resolvedKind"), "CONTENT_KIND_") or p.kind


def _review_requested(p: Progress, fact: _Fact) -> None:
    p.review_since = p.late_since = stamp(fact.occurred)
    p.late_rounds = 0


def _hold_placed(p: Progress, fact: _Fact) -> None:
    p.held_from, p.held_since = str(fact.before), stamp(fact.occurred)
    p.hold_looks, p.vanished_at = 0, ""
    _hold_renewed(p, fact)


def _hold_renewed(p: Progress, fact: _Fact) -> None:
    p.hold_until = fact.detail.get("expireTime", "")
    p.hold_reason = short(fact.detail.get("reason"), "HOLD_REASON_")


def _hold_ended(p: Progress, fact: _Fact) -> None:
    if fact.detail.get("end") == "HOLD_END_CLOSED":
        # Counted because the referral ends: until it has ended, the hold holds.
        return
    p.held_since = p.hold_until = p.hold_reason = ""


def _prepared(p: Progress, fact: _Fact) -> None:
    p.notice_number = int(fact.detail.get("number", p.notice_number + 1))
    p.notice_id = notice_id_text(p.referral_id, p.notice_number)
    p.forget_answers()
    prepared = instant(fact.detail.get("prepareTime", ""))
    p.prepared_at = stamp(prepared or fact.occurred)


def _delivered(p: Progress, fact: _Fact) -> None:
    p.delivered_at = p.waiting_since = stamp(fact.occurred)
    p.prepared_at = ""
    p.loop_since = p.loop_since or p.delivered_at


def _acknowledged(p: Progress, fact: _Fact) -> None:
    p.waiting_since = stamp(fact.recorded)


def _asked(p: Progress, fact: _Fact) -> None:
    p.clarification_id = str(fact.detail.get("eventId", ""))
    if fact.before is State.CLARIFICATION_REQUESTED:
        return
    now = stamp(fact.recorded)
    if fact.before is not State.AWAITING_DECISION:
        p.waiting_since = now
    p.clarification_since = p.late_since = now
    p.late_rounds = 0


def _claimed(p: Progress, fact: _Fact) -> None:
    p.claimed_at = stamp(fact.recorded)
    _now_verifying(p, fact)


def _decided(p: Progress, fact: _Fact) -> None:
    said = fact.detail.get("decision", {})
    kind = short(said.get("kind"), "PLATFORM_DECISION_KIND_")
    p.removal_decided = p.removal_decided or kind == "REMOVE"
    p.decision = {
        "kind": kind,
        "decline_reason": short(said.get("declineReason"), "DECLINE_REASON_"),
        "visibility": short(said.get("visibility"), "VISIBILITY_"),
        "account_action": short(said.get("accountAction"), "ACCOUNT_ACTION_"),
        "countries": list(said.get("countries", [])),
    }
    _now_verifying(p, fact)


def _now_verifying(p: Progress, fact: _Fact) -> None:
    if p.state is State.VERIFYING_REMOVAL is not fact.before:
        p.verifying_since = stamp(fact.recorded)


def _observed(p: Progress, fact: _Fact) -> None:
    _now_verifying(p, fact)
    if p.state is not State.ON_HOLD:
        return
    p.hold_looks += 1
    if fact.detail.get("countsAsGone"):
        p.vanished_at = p.vanished_at or stamp(fact.recorded)
    elif fact.detail.get("visible") == "VISIBLE_YES":
        p.vanished_at = ""


def _confirmed(p: Progress, fact: _Fact) -> None:
    p.basis = short(fact.detail.get("removalBasis"), "REMOVAL_BASIS_")
    p.removed_by = short(fact.detail.get("removedBy"), "REMOVED_BY_")
    now = stamp(fact.occurred)
    p.first_removal_at = p.first_removal_at or now
    p.final_removal_at = p.monitoring_since = now


def _contradicted(p: Progress, fact: _Fact) -> None:
    p.contradictions = max(p.contradictions + 1, int(fact.detail.get("count", 0)))
    p.contradicted_at = stamp(fact.occurred)


def _reappeared(p: Progress, _: _Fact) -> None:
    p.reappearances += 1
    p.loop_base, p.rungs = p.notice_number, 0
    p.loop_since, p.patient = "", False


def _deadline_passed(p: Progress, fact: _Fact) -> None:
    step = fact.detail.get("nextStep")
    if step == "renotice":
        p.rungs += 1
    elif step == "remind":
        p.late_rounds += 1
        p.late_since = stamp(fact.occurred)
    elif step == "wait":
        _wait_on(p, stamp(fact.occurred))


def _wait_on(p: Progress, now: str) -> None:
    p.patient, p.waiting_since = True, now
    p.verifying_since = now if p.verifying_since else ""
    p.contradicted_at = now if p.contradicted_at else ""


def _escalated(p: Progress, fact: _Fact) -> None:
    level = short(fact.detail.get("level"), "ESCALATION_LEVEL_")
    if level not in ladder.LEVELS:
        return
    reached = p.escalation_level
    if not reached or ladder.LEVELS.index(level) > ladder.LEVELS.index(reached):
        p.escalation_level = level
    ladder.remind(p, fact.occurred, level, str(fact.detail.get("deadline", "")))


def _reminded(p: Progress, fact: _Fact) -> None:
    level = short(fact.detail.get("level"), "ESCALATION_LEVEL_")
    for reminder in p.reminders:
        if (reminder.level, reminder.deadline) == (level, fact.detail.get("deadline", "")):
            p.reminders.remove(reminder)
            return


_FOREIGN: Final = frozenset({"OBSERVED", "DECIDED", "REMOVAL_CLAIMED", "ACKNOWLEDGED"})
_HANDLERS: Final[dict[str, Callable[[Progress, _Fact], None]]] = {
    "URGENCY_RAISED": _urgency_raised,
    "URGENCY_LAPSED": _urgency_lapsed,
    "SHORT_LINK_RESOLVED": _link_resolved,
    "REVIEW_REQUESTED": _review_requested,
    "HOLD_PLACED": _hold_placed,
    "HOLD_RENEWED": _hold_renewed,
    "HOLD_ENDED": _hold_ended,
    "NOTICE_PREPARED": _prepared,
    "NOTICE_DELIVERED": _delivered,
    "ACKNOWLEDGED": _acknowledged,
    "CLARIFICATION_REQUESTED": _asked,
    "REMOVAL_CLAIMED": _claimed,
    "DECIDED": _decided,
    "PLATFORM_EVENT_NOTED": _noted,
    "OBSERVED": _observed,
    "REMOVAL_CONFIRMED": _confirmed,
    "CONTRADICTED": _contradicted,
    "REAPPEARED": _reappeared,
    "DEADLINE_PASSED": _deadline_passed,
    "ESCALATED": _escalated,
    "REMINDER_SENT": _reminded,
}
