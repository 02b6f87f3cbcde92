"""How holds, questions, reviews and reversals fold into a referral's detail. Plain Python.

Each function takes the projection's detail (protobuf JSON of a Referral) and one event, and
changes the detail in place. ``domain`` says which event goes where.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any, Final

from services.intake.events import Event

Detail = dict[str, Any]

_CLAIM: Final = ("claimedBy", "claimExpireTime")
_LADDER: Final = ("PLATFORM_CONTACT", "REFERRER_LIAISON", "HEAD_OF_UNIT")
_OURS: Final = "spiffe://takedown.internal/service/"


def instant(text: str | None) -> datetime | None:
    """A moment of protobuf JSON; None for an empty one."""
    return datetime.fromisoformat(text) if text else None


def hold_in_force(detail: Detail) -> Detail | None:
    """The hold that keeps the notice back now; None when there is none."""
    for hold in reversed(detail.get("holds", [])):
        if not hold.get("requested") and "endTime" not in hold:
            found: Detail = hold
            return found
    return None


def hold_asked_for(detail: Detail) -> Detail | None:
    """The newest hold that was asked for and that the workflow has not answered yet."""
    waiting = _waiting(detail)
    return waiting[-1] if waiting else None


def open_question(detail: Detail) -> Detail | None:
    """What the platform asked last, unless it is answered: the newest question is the open one."""
    asked: list[Detail] = detail.get("clarifications", [])
    return asked[-1] if asked and not asked[-1].get("answer") else None


def _waiting(detail: Detail) -> list[Detail]:
    holds: list[Detail] = detail.get("holds", [])
    return [hold for hold in holds if hold.get("requested") and "endTime" not in hold]


def _review_requested(detail: Detail, e: Event) -> None:
    detail["review"] = {**e.detail, "requestTime": e.occurred_at.isoformat()}


def _review_claimed(detail: Detail, e: Event) -> None:
    review = detail.setdefault("review", {})
    review["claimedBy"] = e.detail.get("reviewer", "") or e.actor
    review["claimExpireTime"] = e.detail.get("expireTime")


def _review_first_decided(detail: Detail, e: Event) -> None:
    """The second person decides from here on, so the first one's claim is over."""
    review = detail.setdefault("review", {})
    review |= {"firstDecidedBy": e.actor, "firstDecideTime": e.occurred_at.isoformat()}
    for name in _CLAIM:
        review.pop(name, None)


def _review_decided(detail: Detail, e: Event) -> None:
    kept = {name: v for name, v in detail.get("review", {}).items() if name not in _CLAIM}
    detail["review"] = {
        **kept,
        **e.detail,
        "decidedBy": e.actor,
        "decideTime": e.occurred_at.isoformat(),
    }


def _hold_requested(detail: Detail, e: Event) -> None:
    detail.setdefault("holds", []).append({**e.detail, "requested": True})


def _hold_placed(detail: Detail, e: Event) -> None:
    """The workflow carries neither owner nor note: what was asked for knows them."""
    hold = _asked(detail, e) or {}
    hold.pop("requested", None)
    hold |= {**e.detail, "placeTime": e.occurred_at.isoformat()}
    # In force from now on, so the last of those that are or were.
    holds = [other for other in detail.get("holds", []) if other is not hold]
    waiting = [other for other in holds if other.get("requested") and "endTime" not in other]
    detail["holds"] = [h for h in holds if h not in waiting] + [hold, *waiting]


def _hold_renewed(detail: Detail, e: Event) -> None:
    """The hold in force ends without an end of its own: another one goes on from it."""
    before = hold_in_force(detail)
    if before is not None:
        before["endTime"] = e.occurred_at.isoformat()
    _hold_placed(detail, e)


def _asked(detail: Detail, e: Event) -> Detail | None:
    """Which request a hold answers: the one with its reason and expiry, else the oldest."""
    waiting = _waiting(detail)
    wanted = (e.detail.get("reason"), instant(e.detail.get("expireTime")))
    for hold in waiting:
        if (hold.get("reason"), instant(hold.get("expireTime"))) == wanted:
            return hold
    return waiting[0] if waiting else None


def _hold_ended(detail: Detail, e: Event) -> None:
    hold = hold_in_force(detail)
    if hold is not None:
        hold |= {**e.detail, "endTime": e.occurred_at.isoformat()}


def _command_refused(detail: Detail, e: Event) -> None:
    """A refusal by intake itself answers nothing that was put on record before."""
    if not e.actor.startswith(_OURS):
        return
    command = e.detail.get("command")
    if command == "hold" and (waiting := _waiting(detail)):
        waiting[0]["endTime"] = e.occurred_at.isoformat()
    if command == "clarification":
        # The platform never got it: the question is open again.
        for question in reversed(detail.get("clarifications", [])):
            if question.get("answer") and "deliverTime" not in question:
                for name in ("answer", "answeredBy", "answerTime"):
                    question.pop(name, None)
                return


def _asked_by_platform(detail: Detail, e: Event) -> None:
    asked: list[Detail] = detail.setdefault("clarifications", [])
    question_id = e.detail.get("eventId", "")
    if any(known.get("clarificationId") == question_id for known in asked):
        return
    question = {
        "clarificationId": question_id,
        "noticeId": e.detail.get("noticeId", ""),
        "question": e.detail.get("message", ""),
        "askTime": e.occurred_at.isoformat(),
    }
    asked.append(question)


def _answered(detail: Detail, e: Event) -> None:
    question = _question(detail, e)
    if question is not None:
        question["answer"] = e.detail.get("answer", "")
        question["answeredBy"] = e.actor
        question["answerTime"] = e.occurred_at.isoformat()


def _answer_delivered(detail: Detail, e: Event) -> None:
    question = _question(detail, e)
    if question is not None:
        question["deliverTime"] = e.occurred_at.isoformat()


def _question(detail: Detail, e: Event) -> Detail | None:
    asked_for = e.detail.get("clarificationId")
    for question in detail.get("clarifications", []):
        if question.get("clarificationId") == asked_for:
            found: Detail = question
            return found
    return None


def _contradicted(detail: Detail, e: Event) -> None:
    counted = int(detail.get("contradictions", 0)) + 1
    detail["contradictions"] = max(counted, int(e.detail.get("count", 0)))


def _reappeared(detail: Detail, e: Event) -> None:
    detail["reappearances"] = int(detail.get("reappearances", 0)) + 1


def _removal_confirmed(detail: Detail, e: Event) -> None:
    """The first removal is kept, however often the content comes back after it."""
    detail.setdefault("firstRemovalTime", e.occurred_at.isoformat())


def _reversed(detail: Detail, e: Event) -> None:
    """A closed referral keeps its outcome and says beside it that the platform took it back."""
    reversal = {
        "platformEventId": e.detail.get("eventId", ""),
        "time": e.occurred_at.isoformat(),
        "exampleDisputed": True,
    }
    detail.setdefault("reversal", reversal)
    if "outcome" in detail:
        detail["outcome"] = {**detail["outcome"], "reversed": True}


def _escalated(detail: Detail, e: Event) -> None:
    """The highest step taken so far."""
    steps = [f"ESCALATION_LEVEL_{name}" for name in _LADDER]
    level, reached = e.detail.get("level"), detail.get("escalationLevel")
    if level in steps and (reached not in steps or steps.index(level) > steps.index(reached)):
        detail["escalationLevel"] = level


HANDLERS: Final[dict[str, Callable[[Detail, Event], None]]] = {
    "REVIEW_REQUESTED": _review_requested,
    "REVIEW_CLAIMED": _review_claimed,
    "REVIEW_FIRST_DECIDED": _review_first_decided,
    "REVIEW_DECIDED": _review_decided,
    "HOLD_REQUESTED": _hold_requested,
    "HOLD_PLACED": _hold_placed,
    "HOLD_RENEWED": _hold_renewed,
    "HOLD_ENDED": _hold_ended,
    "COMMAND_REFUSED": _command_refused,
    "CLARIFICATION_REQUESTED": _asked_by_platform,
    "CLARIFICATION_ANSWERED": _answered,
    "CLARIFICATION_DELIVERED": _answer_delivered,
    "CONTRADICTED": _contradicted,
    "REAPPEARED": _reappeared,
    "REMOVAL_CONFIRMED": _removal_confirmed,
    "REVERSED": _reversed,
    "ESCALATED": _escalated,
}
