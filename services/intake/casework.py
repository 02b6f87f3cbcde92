"""What people ask for: the command stored with the event, and withdrawals.

Each is one transaction: the event on record, the inbox item, and the answer under its
request_id, so that a retry gets the same answer and changes nothing.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import asyncpg
from google.protobuf.message import Message

from services.intake import record
from services.intake.domain import PRIORITIES
from services.intake.events import Event
from services.intake.submission import request_id_reused
from services.kernel import inbox
from services.kernel.errors import DomainError, failed_precondition
from services.kernel.ids import uuid7
from takedown.referral.v1 import event_pb2


@dataclass(frozen=True, slots=True)
class Caller:
    """Who asks, and when. ``actor`` is the whole SPIFFE id, ``short`` its role/name."""

    actor: str
    short: str
    now: datetime
    traceparent: str
    trace_id: str = ""


async def put_on_record(
    conn: asyncpg.Connection,
    row: Any,
    caller: Caller,
    name: str,
    detail_kind: str = "",
    detail: dict[str, Any] | None = None,
) -> UUID:
    """Append a person's event to a locked referral without moving it; the id of the command."""
    item_id = uuid7()
    event = Event(
        key=f"command/{item_id}",
        type=name,
        state="",
        actor=caller.actor,
        occurred_at=caller.now,
        detail_kind=detail_kind,
        detail=detail or {},
        trace_id=caller.trace_id,
    )
    await record.append(conn, row, [event], caller.now)
    return item_id


def closed(row: Any, consequence: str) -> DomainError:
    """FAILED_PRECONDITION for a command on a closed referral."""
    return failed_precondition(
        "REFERRAL_CLOSED",
        f"The referral is CLOSED as {row['outcome']} and keeps its outcome; {consequence}",
    )


def body_of(request: Message) -> bytes:
    """A request as its digest is taken: two methods may have requests of the same bytes."""
    name = request.DESCRIPTOR.full_name.encode()
    return name + b"\x00" + request.SerializeToString(deterministic=True)


async def replayed(
    conn: asyncpg.Connection, caller: str, request_id: UUID, body: bytes
) -> bytes | None:
    """The stored answer of a request that was answered before, else None.

    Until the transaction ends nobody else answers this request.

    Raises:
        DomainError: ALREADY_EXISTS when the request_id belongs to another body.
    """
    await conn.execute(
        "SELECT pg_advisory_xact_lock(hashtextextended($1, 0))", f"{caller} {request_id}"
    )
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
    """Keep an answer for whoever asks the same again; the first one is kept."""
    await conn.execute(
        "INSERT INTO intake.commands VALUES ($1, $2, $3, $4, $5) ON CONFLICT DO NOTHING",
        caller,
        request_id,
        hashlib.sha256(body).digest(),
        answer,
        now,
    )


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
        raise closed(row, "nothing is sent any more, so there is nothing to take back.")
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
    await send(conn, row, item_id, "withdrawal.requested", payload.SerializeToString,
               traceparent, now)  # fmt: skip
    return True


async def send(
    conn: asyncpg.Connection,
    row: Any,
    item_id: UUID,
    kind: str,
    payload: Callable[[], bytes],
    traceparent: str,
    now: datetime,
    priority: int | None = None,
) -> None:
    """Leave a command for the workflow in the inbox; ``priority`` is the referral's, else given.

    What a person asks never waits behind bulk, and neither does the start that it needs.
    """
    wanted = min(row["priority"] if priority is None else priority, PRIORITIES["URGENT"])
    item = inbox.NewItem(
        item_id=item_id,
        kind=kind,
        referral_id=row["referral_id"],
        payload=payload(),
        traceparent=row["traceparent"] or traceparent,
        priority=wanted,
        created_at=now,
    )
    await inbox.store_raw(conn, "intake", [item])
    await inbox.hurry(conn, "intake", [(row["referral_id"], wanted)])
