"""What people decide: reviews and withdrawals, stored with the command for the workflow.

Each is one transaction: the event on record, the inbox item, and the answer under its
request_id, so that a retry gets the same answer and changes nothing.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from datetime import datetime
from typing import Any
from uuid import UUID

import asyncpg

from services.intake import record
from services.intake.accept import request_id_reused
from services.intake.domain import Event, decision_fits
from services.intake.wire import as_dict
from services.kernel import inbox
from services.kernel.errors import (
    DomainError,
    ErrorKind,
    FieldViolation,
    failed_precondition,
)
from services.kernel.ids import uuid7
from takedown.referral.v1 import enums_pb2, event_pb2


async def replayed(
    conn: asyncpg.Connection, caller: str, request_id: UUID, body: bytes
) -> bytes | None:
    """The stored answer of a request that was answered before, else None.

    Raises:
        DomainError: ALREADY_EXISTS when the request_id belongs to another body.
    """
    row = await conn.fetchrow(
        "SELECT body_sha256, answer FROM intake.commands WHERE caller = $1 AND request_id = $2",
        caller,
        request_id,
    )
    if row is None:
        return None
    if row["body_sha256"] != hashlib.sha256(body).digest():
        raise request_id_reused()
    return bytes(row["answer"])


async def remember(
    conn: asyncpg.Connection,
    caller: str,
    request_id: UUID,
    body: bytes,
    answer: bytes,
    now: datetime,
) -> None:
    await conn.execute(
        "INSERT INTO intake.commands VALUES ($1, $2, $3, $4, $5)",
        caller,
        request_id,
        hashlib.sha256(body).digest(),
        answer,
        now,
    )


async def decide_review(
    conn: asyncpg.Connection,
    row: Any,
    *,
    actor: str,
    decision: str,
    reason: str,
    note: str,
    traceparent: str,
    now: datetime,
) -> None:
    """Put a reviewer's decision on the record of a locked referral and tell the workflow.

    Raises:
        DomainError: FAILED_PRECONDITION with what can be done instead.
    """
    if not decision_fits(decision, reason):
        sentence = f"The reason {reason} does not fit the decision {decision}; choose another."
        raise DomainError(
            ErrorKind.INVALID,
            "REASON_DOES_NOT_FIT",
            sentence,
            violations=(FieldViolation("reason", "REASON_DOES_NOT_FIT", sentence),),
        )
    review = as_dict(row["detail"]).get("review", {})
    if row["state"] != "IN_REVIEW" or review.get("decision"):
        raise failed_precondition(
            "REVIEW_NOT_OPEN",
            f"No decision is waiting on this referral: it is {row['state']}. List the open work.",
        )
    detail = {
        "reviewId": review.get("reviewId", ""),
        "decision": f"REVIEW_DECISION_{decision}",
        "reason": f"REVIEW_REASON_{reason}",
        "note": note,
    }
    item_id = uuid7()
    event = Event(
        key=f"review/{item_id}",
        type="REVIEW_DECIDED",
        state="",
        actor=actor,
        occurred_at=now,
        detail_kind="review_decided",
        detail=detail,
    )
    await record.append(conn, row, [event], now)
    payload = event_pb2.ReviewDecidedDetail(
        review_id=review.get("reviewId", ""),
        decision=enums_pb2.ReviewDecision.Value(f"REVIEW_DECISION_{decision}"),
        reason=enums_pb2.ReviewReason.Value(f"REVIEW_REASON_{reason}"),
    )
    await _command(conn, row, item_id, "review.decided", payload.SerializeToString,
                   traceparent, now)  # fmt: skip


async def withdraw(
    conn: asyncpg.Connection,
    row: Any,
    *,
    referrer: str,
    actor: str,
    reason: str,
    traceparent: str,
    now: datetime,
) -> bool:
    """Take back what the caller submitted; True when that withdraws the referral itself.

    An operator (``referrer`` "") takes back every submission.

    Raises:
        DomainError: FAILED_PRECONDITION for a closed referral or a submission taken back.
    """
    if row["state"] == "CLOSED":
        raise failed_precondition(
            "REFERRAL_CLOSED",
            f"The referral is closed as {row['outcome']} and keeps its outcome; nothing is sent"
            " any more, so there is nothing to take back.",
        )
    taken = await conn.fetch(
        "UPDATE intake.submissions SET withdraw_time = $3"
        " WHERE referral_id = $1 AND ($2 = '' OR referrer = $2) AND withdraw_time IS NULL"
        " RETURNING submission_id",
        row["referral_id"],
        referrer,
        now,
    )
    if not taken:
        raise failed_precondition(
            "SUBMISSION_WITHDRAWN", "Your submission was taken back before; nothing is left."
        )
    left = await conn.fetchval(
        "SELECT count(*) FROM intake.submissions WHERE referral_id = $1 AND withdraw_time IS NULL",
        row["referral_id"],
    )
    item_id = uuid7()
    event = Event(
        key=f"withdrawal/{item_id}",
        type="SUBMISSION_WITHDRAWN" if left else "WITHDRAWAL_REQUESTED",
        state="",
        actor=actor,
        occurred_at=now,
        detail_kind="submission",
        detail={
            "submissionId": str(taken[0]["submission_id"]),
            "referrer": referrer,
            "reason": reason,
        },
    )
    await record.append(conn, row, [event], now)
    if left:
        return False
    payload = event_pb2.SubmissionDetail(submission_id=str(taken[0]["submission_id"]))
    await _command(conn, row, item_id, "withdrawal.requested", payload.SerializeToString,
                   traceparent, now)  # fmt: skip
    return True


async def _command(
    conn: asyncpg.Connection,
    row: Any,
    item_id: UUID,
    kind: str,
    payload: Callable[[], bytes],
    traceparent: str,
    now: datetime,
) -> None:
    item = inbox.NewItem(
        item_id=item_id,
        kind=kind,
        referral_id=row["referral_id"],
        payload=payload(),
        traceparent=row["traceparent"] or traceparent,
        priority=row["priority"],
        created_at=now,
    )
    await inbox.store_raw(conn, "intake", [item])
