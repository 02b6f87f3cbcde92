"""Reviews: claims, decisions, and the two people that some of them need.

Everything happens on the referral's locked row, so that of two reviewers at once the second
sees what the first has done.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any, Final

import asyncpg

from services.intake import casework
from services.intake.casework import Caller
from services.intake.domain import decision_fits, needs_two_people
from services.intake.life import instant
from services.intake.wire import as_dict
from services.kernel.errors import (
    DomainError,
    ErrorKind,
    FieldViolation,
    failed_precondition,
)
from takedown.referral.v1 import enums_pb2, event_pb2

LEASE: Final = timedelta(minutes=10)


async def claim(conn: asyncpg.Connection, row: Any, caller: Caller) -> None:
    """Take the open review of a locked referral for ten minutes, or extend one's own claim.

    Raises:
        DomainError: FAILED_PRECONDITION when nothing is to be decided or somebody else decides.
    """
    _open_for(row, caller)
    detail = {"reviewer": caller.actor, "expireTime": (caller.now + LEASE).isoformat()}
    await casework.put_on_record(conn, row, caller, "REVIEW_CLAIMED", "review_claimed", detail)


async def decide(
    conn: asyncpg.Connection,
    row: Any,
    caller: Caller,
    *,
    decision: str,
    reason: str,
    note: str,
) -> None:
    """Put a reviewer's decision on the record of a locked referral and tell the workflow.

    The first of two decisions to refer is recorded and nothing is told to anybody.

    Raises:
        DomainError: INVALID for a reason that does not fit; FAILED_PRECONDITION with the state
            and what can be done instead.
    """
    if not decision_fits(decision, reason):
        raise _does_not_fit(decision, reason)
    review = _open_for(row, caller)
    two = decision == "REFER" and needs_two_people(row["kind"], as_dict(row["detail"]))
    if two and review.get("firstDecidedBy") == caller.actor:
        raise failed_precondition(
            "SECOND_REVIEWER_NEEDED",
            f"The referral is {row['state']} and waits for a second person: you decided to refer"
            " it first. Leave it to another reviewer, or reject it.",
        )
    detail = {
        "reviewId": review.get("reviewId", ""),
        "decision": f"REVIEW_DECISION_{decision}",
        "reason": f"REVIEW_REASON_{reason}",
        "note": note,
    }
    first = two and not review.get("firstDecidedBy")
    name = "REVIEW_FIRST_DECIDED" if first else "REVIEW_DECIDED"
    item_id = await casework.put_on_record(conn, row, caller, name, "review_decided", detail)
    if first:
        return
    payload = event_pb2.ReviewDecidedDetail(
        review_id=review.get("reviewId", ""),
        decision=enums_pb2.ReviewDecision.Value(f"REVIEW_DECISION_{decision}"),
        reason=enums_pb2.ReviewReason.Value(f"REVIEW_REASON_{reason}"),
    )
    await casework.send(
        conn, row, item_id, "review.decided", payload.SerializeToString,
        caller.traceparent, caller.now,
    )  # fmt: skip


def _open_for(row: Any, caller: Caller) -> dict[str, Any]:
    """The open review, if nobody else is deciding it."""
    review: dict[str, Any] = as_dict(row["detail"]).get("review", {})
    if row["state"] != "IN_REVIEW" or review.get("decision"):
        raise failed_precondition("REVIEW_NOT_OPEN", _why_not_open(row, review))
    until = instant(review.get("claimExpireTime"))
    if until is not None and until > caller.now and review.get("claimedBy") != caller.actor:
        raise _claimed(review["claimedBy"], until)
    return review


def _why_not_open(row: Any, review: dict[str, Any]) -> str:
    start = f"No decision is waiting on this referral: it is {row['state']}"
    if row["state"] == "ON_HOLD":
        return f"{start}. Release the hold first, or wait until it ends."
    if review.get("decision"):
        return f"{start} and its review is decided. List the open work."
    return f"{start}. List the open work."


def _claimed(by: str, until: datetime) -> DomainError:
    who = by.partition("takedown.internal/")[2] or by
    return failed_precondition(
        "REVIEW_CLAIMED",
        f"The referral is IN_REVIEW and {who} is deciding it until"
        f" {until.isoformat(timespec='seconds')}. Take other work, or come back after that.",
    )


def _does_not_fit(decision: str, reason: str) -> DomainError:
    sentence = f"The reason {reason} does not fit the decision {decision}; choose another."
    return DomainError(
        ErrorKind.INVALID,
        "REASON_DOES_NOT_FIT",
        sentence,
        violations=(FieldViolation("reason", "REASON_DOES_NOT_FIT", sentence),),
    )
