"""Deconfliction holds: a person's wish on record, and the command for the workflow."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import asyncpg

from services.intake import casework, hold_rules, record
from services.intake.casework import Caller
from services.intake.hold_rules import HoldWish
from services.intake.submission import NewSubmission
from services.intake.wire import as_dict
from services.kernel.errors import DomainError
from takedown.referral.v1 import enums_pb2, event_pb2


async def place(conn: asyncpg.Connection, row: Any, caller: Caller, wish: HoldWish) -> None:
    """Ask for a hold on a locked referral, or for the renewal of the one it has.

    Raises:
        DomainError: INVALID for a wish that nobody can have; FAILED_PRECONDITION with the state
            and what can be done instead.
    """
    hold_rules.check(wish, caller.now)
    hold_rules.check_possible(wish, row["state"], row["outcome"], as_dict(row["detail"]))
    item_id = await casework.put_on_record(
        conn, row, caller, "HOLD_REQUESTED", "hold", wish.detail()
    )
    await casework.send(
        conn, row, item_id, "hold.placed", payload(wish).SerializeToString,
        caller.traceparent, caller.now,
    )  # fmt: skip


def payload(wish: HoldWish) -> event_pb2.HoldDetail:
    """The hold as the workflow may know it: without the note."""
    bare = event_pb2.HoldDetail(
        owner=wish.owner, reason=enums_pb2.HoldReason.Value(f"HOLD_REASON_{wish.reason}")
    )
    bare.expire_time.FromDatetime(wish.expires_at)
    return bare


async def ask_on_joining(
    conn: asyncpg.Connection, referral_id: UUID, item: NewSubmission, wish: HoldWish
) -> None:
    """The hold of a submission that joined an open referral; why not, where it is too late.

    The submission joins in either case.
    """
    row = await record.lock(conn, referral_id)
    caller = Caller(item.actor, wish.owner, item.received_at, item.traceparent, item.trace_id)
    try:
        await place(conn, row, caller, wish)
    except DomainError as refused:
        detail = {"command": "hold", "reason": refused.message}
        await casework.put_on_record(
            conn, row, caller, "COMMAND_REFUSED", "command_refused", detail
        )


async def release(conn: asyncpg.Connection, row: Any, caller: Caller, note: str) -> None:
    """Ask for the end of a locked referral's hold.

    Raises:
        DomainError: FAILED_PRECONDITION when there is no hold to release.
    """
    hold_rules.check_release(row["state"], row["outcome"], as_dict(row["detail"]))
    detail = {"end": "HOLD_END_RELEASED", "note": note}
    item_id = await casework.put_on_record(
        conn, row, caller, "HOLD_RELEASE_REQUESTED", "hold_ended", detail
    )
    bare = event_pb2.HoldEndedDetail(end=enums_pb2.HOLD_END_RELEASED)
    await casework.send(
        conn, row, item_id, "hold.released", bare.SerializeToString,
        caller.traceparent, caller.now,
    )  # fmt: skip
