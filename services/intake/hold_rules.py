"""When a deconfliction hold may be asked for. Plain Python; the workflow has the last word.

Source of the rules: docs/lifecycle.md, holds. A hold always ends: its expiry is mandatory.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from services.intake import life
from services.kernel.errors import DomainError, ErrorKind, FieldViolation

LONGEST: Final = timedelta(days=14)
# Before a platform may have a notice.
STATES: Final = frozenset({"RECEIVED", "IN_REVIEW", "NOTIFYING"})


@dataclass(frozen=True, slots=True)
class HoldWish:
    """A hold as somebody asks for it; ``reason`` is the short name of the enum."""

    owner: str
    reason: str
    note: str
    expires_at: datetime

    def detail(self) -> dict[str, Any]:
        """Protobuf JSON of a HoldDetail."""
        return {
            "owner": self.owner,
            "reason": f"HOLD_REASON_{self.reason}",
            "note": self.note,
            "expireTime": self.expires_at.isoformat(),
        }


def violations(wish: HoldWish, now: datetime, prefix: str = "") -> list[FieldViolation]:
    """What is wrong with the wish itself, whatever the referral's state."""
    found = []
    if wish.reason == "OTHER" and not wish.note.strip():
        sentence = "A hold for another reason needs a note that says which; add one."
        found.append(FieldViolation(f"{prefix}note", "REQUIRED", sentence))
    if wish.expires_at <= now:
        sentence = "The hold would end in the past; give a time to come."
        found.append(FieldViolation(f"{prefix}expire_time", "IN_THE_PAST", sentence))
    elif wish.expires_at - now > LONGEST:
        sentence = (
            f"A hold lasts at most {LONGEST.days} days; give an earlier end and renew the hold"
            " when it is still needed then."
        )
        found.append(FieldViolation(f"{prefix}expire_time", "TOO_FAR_AHEAD", sentence))
    return found


def check(wish: HoldWish, now: datetime, prefix: str = "") -> None:
    """Raises DomainError INVALID with one violation per field."""
    found = violations(wish, now, prefix)
    if found:
        message = " ".join(violation.message for violation in found)
        raise DomainError(ErrorKind.INVALID, "INVALID_FIELD", message, violations=tuple(found))


def check_possible(
    wish: HoldWish, state: str, outcome: str, detail: dict[str, Any], prefix: str = ""
) -> None:
    """Whether the referral can be held, or its hold renewed, where it stands.

    Raises:
        DomainError: FAILED_PRECONDITION with the state and what can be done instead.
    """
    if state == "CLOSED":
        raise _refused(
            "REFERRAL_CLOSED",
            f"The referral is CLOSED as {outcome} and keeps its outcome; nothing is sent any"
            " more, so there is nothing to hold.",
        )
    if state != "ON_HOLD" and not _before_a_notice(state, detail):
        raise _refused(
            "HOLD_TOO_LATE",
            f"The referral is {state}: the platform may have a notice already, so nothing can be"
            " held back; withdraw the referral instead.",
        )
    held = life.hold_asked_for(detail) or life.hold_in_force(detail)
    if held is not None:
        _check_new(wish, state, held, prefix)


def _before_a_notice(state: str, detail: dict[str, Any]) -> bool:
    return state in STATES and not detail.get("notices")


def _check_new(wish: HoldWish, state: str, held: dict[str, Any], prefix: str) -> None:
    """A renewal says what is new: nobody holds content for ever by repeating one reason."""
    same = (held.get("reason"), held.get("note", "")) == (f"HOLD_REASON_{wish.reason}", wish.note)
    if wish.note.strip() and not same:
        return
    sentence = (
        f"The referral is {state} and has a hold; renewing it needs a note, and a reason or note"
        " other than the hold's own: say what is new, or let the hold end."
    )
    raise DomainError(
        ErrorKind.FAILED_PRECONDITION,
        "HOLD_NOT_NEW",
        sentence,
        violations=(FieldViolation(f"{prefix}note", "HOLD_NOT_NEW", sentence),),
    )


def check_release(state: str, outcome: str, detail: dict[str, Any]) -> None:
    """Raises DomainError FAILED_PRECONDITION unless there is a hold to release."""
    if state == "CLOSED":
        raise _refused(
            "REFERRAL_CLOSED",
            f"The referral is CLOSED as {outcome}: no hold is in force, and none can be.",
        )
    asked = _before_a_notice(state, detail) and life.hold_asked_for(detail) is not None
    if state != "ON_HOLD" and not asked:
        raise _refused(
            "NOT_ON_HOLD",
            f"The referral is {state}: no hold is in force, so there is none to release; it goes"
            " on by itself.",
        )


def _refused(reason: str, sentence: str) -> DomainError:
    return DomainError(ErrorKind.FAILED_PRECONDITION, reason, sentence)
