"""What a platform's answer means for a referral: pure, applied by the workflow alone.

An answer that is impossible in the state it meets is noted on the record and changes
nothing else (docs/lifecycle.md, always true).
"""

from __future__ import annotations

from dataclasses import asdict
from datetime import datetime
from typing import Any

from workflows.contracts import PlatformAnswer
from workflows.lifecycle import TABLE, Event, State
from workflows.progress import Progress, stamp

_MOVES = {
    "ACKNOWLEDGEMENT": (Event.ACKNOWLEDGED, "ACKNOWLEDGED"),
    "REMOVAL_CLAIM": (Event.REMOVAL_CLAIMED, "REMOVAL_CLAIMED"),
}
# What only a workflow of version 2 acts on; an older one notes it.
_MOVES_SINCE_2 = {
    "CLARIFICATION_REQUEST": (Event.CLARIFICATION_ASKED, "CLARIFICATION_REQUESTED"),
    "REVERSAL": (Event.REVERSED, "REVERSED"),
}
_DECISIONS = {
    "REMOVE": Event.REMOVAL_DECIDED,
    "RESTRICT": Event.RESTRICTED,
    "DECLINE": Event.DECLINED,
}


def apply_answer(progress: Progress, answer: PlatformAnswer, now: datetime) -> Event | None:
    """Record the answer and move the referral as far as the table allows.

    Returns:
        The event by which the caller must close the referral, or None.
    """
    if not progress.notified and (answer.notice_id or progress.whole_life):
        # Nothing has been sent, so it answers nothing of ours, whatever it was matched by.
        _note(progress, answer, now, "unknown_notice")
        return None
    event, kind = _meaning(progress, answer)
    if event is None or event not in TABLE[progress.state]:
        _absorb(progress, answer, now, event)
        return None
    ends = TABLE[progress.state][event] is State.CLOSED
    if event is Event.ACKNOWLEDGED:
        progress.waiting_since = stamp(now)
    if event in (Event.REMOVAL_CLAIMED, Event.REMOVAL_DECIDED):
        progress.verifying_since = stamp(now)
    if event is Event.CLARIFICATION_ASKED:
        _asked(progress, answer, now)
    _remember(progress, answer, event, now)
    _fact(progress, answer, now, kind, None if ends else event)
    return event if ends else None


def _asked(progress: Progress, answer: PlatformAnswer, now: datetime) -> None:
    """The platform's clock stands still from here on; a question also says that it has it."""
    if progress.state is not State.AWAITING_DECISION:
        progress.waiting_since = stamp(now)
    progress.clarification_id = answer.event_id
    progress.clarification_since = progress.late_since = stamp(now)
    progress.late_rounds = 0


def _fact(
    progress: Progress, answer: PlatformAnswer, now: datetime, kind: str, by: Event | None
) -> None:
    progress.record(
        now,
        kind,
        by=by,
        detail_kind="platform_event",
        detail=platform_event(progress.platform, answer),
        occurred_at=answer.occurred_at,
    )


def _meaning(progress: Progress, answer: PlatformAnswer) -> tuple[Event | None, str]:
    if answer.type == "DECISION":
        return _DECISIONS.get(answer.decision), "DECIDED"
    if progress.whole_life and answer.type in _MOVES_SINCE_2:
        return _MOVES_SINCE_2[answer.type]
    return _MOVES.get(answer.type, (None, ""))


def _absorb(progress: Progress, answer: PlatformAnswer, now: datetime, event: Event | None) -> None:
    """A second fact that moves nothing still counts: a claim while verifying a decision."""
    verifying = bool(progress.verifying_since)
    if event is Event.REMOVAL_CLAIMED and verifying and not progress.claimed_at:
        _remember(progress, answer, event, now)
        _fact(progress, answer, now, "REMOVAL_CLAIMED", None)
        return
    if event is Event.REMOVAL_DECIDED and verifying and not progress.decision:
        _remember(progress, answer, event, now)
        _fact(progress, answer, now, "DECIDED", None)
        return
    if event is Event.CLARIFICATION_ASKED and progress.state is State.CLARIFICATION_REQUESTED:
        # It asks something else before it was answered: the newest question is the open one.
        progress.clarification_id = answer.event_id
        _fact(progress, answer, now, "CLARIFICATION_REQUESTED", None)
        return
    repeated = event in (Event.REMOVAL_CLAIMED, Event.ACKNOWLEDGED, Event.REMOVAL_DECIDED)
    _note(progress, answer, now, "repeated" if repeated else "impossible_in_state")


def _remember(progress: Progress, answer: PlatformAnswer, event: Event, now: datetime) -> None:
    if event is Event.REMOVAL_CLAIMED:
        progress.claimed_at = stamp(now)
    if event is Event.REMOVAL_DECIDED:
        progress.removal_decided = True
    if event is Event.REVERSED:
        progress.reversed = True
        progress.decision = _decided("DECLINE", answer) | {"visibility": ""}
    elif answer.decision:
        progress.decision = _decided(answer.decision, answer)


def _decided(kind: str, answer: PlatformAnswer) -> dict[str, Any]:
    return {
        "kind": kind,
        "decline_reason": answer.decline_reason,
        "visibility": answer.visibility,
        "account_action": answer.account_action,
        "countries": list(answer.countries),
    }


def _note(progress: Progress, answer: PlatformAnswer, now: datetime, reason: str) -> None:
    progress.record(
        now,
        "PLATFORM_EVENT_NOTED",
        detail_kind="platform_event_noted",
        detail={"platformEvent": platform_event(progress.platform, answer), "reason": reason},
        occurred_at=answer.occurred_at,
    )


def platform_event(platform: str, answer: PlatformAnswer) -> dict[str, Any]:
    """The protobuf JSON of takedown.referral.v1.PlatformEvent, without the platform's words."""
    facts = asdict(answer)
    event: dict[str, Any] = {
        "platform": platform,
        "eventId": facts["event_id"],
        "type": f"PLATFORM_EVENT_TYPE_{answer.type}",
        "noticeId": answer.notice_id,
        "platformReference": answer.platform_reference,
        "occurTime": answer.occurred_at,
    }
    if answer.decision:
        event["decision"] = {
            "kind": f"PLATFORM_DECISION_KIND_{answer.decision}",
            "declineReason": f"DECLINE_REASON_{answer.decline_reason or 'UNSPECIFIED'}",
            "visibility": f"VISIBILITY_{answer.visibility or 'UNSPECIFIED'}",
            "accountAction": f"ACCOUNT_ACTION_{answer.account_action or 'UNSPECIFIED'}",
            "countries": list(answer.countries),
        }
    return event
