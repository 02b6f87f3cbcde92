"""Campaigns: what belongs to them, and acting on all of it with a result for each.

An action is fixed in one transaction (which referrals it is about), then each referral is a
transaction of its own, so that one that cannot be acted on spoils no other. A retry with the
same request_id goes on where the call before it was cut off.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID, uuid5

import asyncpg
from sqlalchemy.ext.asyncio import AsyncEngine

from services.intake import casework, hold_rules, holds, record, submission, wire
from services.intake.casework import Caller
from services.intake.hold_rules import HoldWish
from services.kernel import db
from services.kernel.errors import (
    DomainError,
    ErrorKind,
    FieldViolation,
    failed_precondition,
    not_found,
)
from services.kernel.grpc_errors import to_status
from services.kernel.moments import moment
from takedown.intake.v1 import casework_service_pb2 as pb
from takedown.referral.v1 import enums_pb2 as enums

# Above this a second operator approves (docs/lifecycle.md, campaigns).
ALONE: Final = 20
APPROVAL_LASTS: Final = timedelta(hours=24)
Row = Mapping[str, Any]


def check(request: pb.ActOnCampaignRequest, owner: str, now: datetime) -> None:
    """Refuse what no referral could take.

    Raises:
        DomainError: INVALID naming each field.
    """
    submission.refuse_unstorable({"note": request.note})
    found = []
    if request.action == enums.CAMPAIGN_ACTION_WITHDRAW and not request.note.strip():
        found.append(_missing("note", "Say why the campaign is withdrawn."))
    if request.action == enums.CAMPAIGN_ACTION_PLACE_HOLD:
        if not request.hold_reason:
            found.append(_missing("hold_reason", "A hold needs a reason; choose one."))
        if not request.HasField("expire_time"):
            found.append(_missing("expire_time", "A hold needs an end; give expire_time."))
        if not found:
            found += hold_rules.violations(wish(request, owner), now)
    if found:
        message = " ".join(violation.message for violation in found)
        raise DomainError(ErrorKind.INVALID, "INVALID_FIELD", message, violations=tuple(found))


def wish(request: pb.ActOnCampaignRequest, owner: str) -> HoldWish:
    return HoldWish(
        owner=owner,
        reason=enums.HoldReason.Name(request.hold_reason).removeprefix("HOLD_REASON_"),
        note=request.note,
        expires_at=moment(request.expire_time, "expire_time"),
    )


def _missing(field: str, sentence: str) -> FieldViolation:
    return FieldViolation(field, "REQUIRED", sentence)


async def fix(conn: asyncpg.Connection, request: pb.ActOnCampaignRequest, caller: Caller) -> Row:
    """The stored action of this request, made now unless it was before.

    Raises:
        DomainError: INVALID; NOT_FOUND or FAILED_PRECONDITION when there is nothing to act on;
            ALREADY_EXISTS when the request_id was used for another request.
    """
    action_id = uuid5(UUID(request.request_id), f"{caller.actor}/campaign")
    body = request.SerializeToString(deterministic=True)
    before = await _action(conn, action_id)
    if before is not None:
        return _same(before, body)
    check(request, caller.short, caller.now)
    await conn.execute(
        "INSERT INTO intake.campaign_actions (action_id, campaign_id, action, request,"
        " referral_ids, requested_by, request_time, expire_time)"
        " VALUES ($1, $2, $3, $4, $5, $6, $7, $8) ON CONFLICT DO NOTHING",
        action_id,
        request.campaign_id,
        enums.CampaignAction.Name(request.action).removeprefix("CAMPAIGN_ACTION_"),
        body,
        await _open_referrals(conn, request.campaign_id),
        caller.actor,
        caller.now,
        caller.now + APPROVAL_LASTS,
    )
    return _same(await _known(conn, action_id), body)


def _same(action: Row, body: bytes) -> Row:
    if bytes(action["request"]) != body:
        raise submission.request_id_reused()
    return action


async def _open_referrals(conn: asyncpg.Connection, campaign_id: str) -> list[UUID]:
    rows = await conn.fetch(
        "SELECT referral_id, state FROM intake.referrals WHERE campaign_id = $1"
        " ORDER BY referral_id",
        campaign_id,
    )
    if not rows:
        raise not_found("CAMPAIGN_NOT_FOUND", "No referral belongs to such a campaign; list them.")
    found = [row["referral_id"] for row in rows if row["state"] != "CLOSED"]
    if not found:
        raise failed_precondition(
            "CAMPAIGN_CLOSED",
            "Every referral of this campaign is CLOSED and keeps its outcome; there is nothing to"
            " act on.",
        )
    return found


async def _action(conn: asyncpg.Connection, action_id: UUID, lock: str = "") -> Row | None:
    row: Row | None = await conn.fetchrow(
        f"SELECT * FROM intake.campaign_actions WHERE action_id = $1 {lock}",  # noqa: S608
        action_id,
    )
    return row


async def _known(conn: asyncpg.Connection, action_id: UUID, lock: str = "") -> Row:
    row = await _action(conn, action_id, lock)
    if row is None:
        raise not_found("APPROVAL_NOT_FOUND", "No such action to approve; check the approval id.")
    return row


def needs_approval(action: Row) -> bool:
    return len(action["referral_ids"]) > ALONE and not action["approved_by"]


async def approve(conn: asyncpg.Connection, approval_id: UUID, caller: Caller) -> Row:
    """The action, approved by the caller, in the caller's transaction.

    Who approved it before gets it again: carrying it out twice does nothing twice, and goes on
    where it was cut off.

    Raises:
        DomainError: NOT_FOUND; FAILED_PRECONDITION when it is one's own, too old, or approved.
    """
    action = await _known(conn, approval_id, "FOR UPDATE")
    if action["approved_by"] == caller.actor:
        return action
    if len(action["referral_ids"]) <= ALONE or action["approved_by"]:
        raise failed_precondition(
            "APPROVAL_NOT_OPEN",
            "This action waits for no approval: it is approved or needed none. Look at the"
            " campaign's referrals.",
        )
    if action["requested_by"] == caller.actor:
        raise failed_precondition(
            "SECOND_OPERATOR_NEEDED",
            f"This action is on {len(action['referral_ids'])} referrals and waits for a second"
            " person: you asked for it yourself. Let another operator approve it.",
        )
    if action["expire_time"] <= caller.now:
        raise failed_precondition(
            "APPROVAL_EXPIRED",
            "This action was not approved within a day and was dropped; ask for it again.",
        )
    await conn.execute(
        "UPDATE intake.campaign_actions SET approved_by = $2, approve_time = $3"
        " WHERE action_id = $1",
        approval_id,
        caller.actor,
        caller.now,
    )
    return await _known(conn, approval_id)


async def carry_out(engine: AsyncEngine, action: Row, caller: Caller) -> list[pb.CampaignResult]:
    """Act on each referral of an action; what was done before is not done again.

    ``caller`` gives the time; the events name who asked for the action.
    """
    request = pb.ActOnCampaignRequest.FromString(action["request"])
    actor = action["requested_by"]
    asking = Caller(
        actor,
        actor.partition("takedown.internal/")[2],
        caller.now,
        caller.traceparent,
        caller.trace_id,
    )
    results = []
    for referral_id in action["referral_ids"]:
        result = pb.CampaignResult(referral_id=str(referral_id))
        try:
            async with db.raw(engine) as conn, conn.transaction():
                await _act(conn, action, request, referral_id, asking)
        except DomainError as refused:
            result.error.CopyFrom(to_status(refused))
        results.append(result)
    return results


async def _act(
    conn: asyncpg.Connection,
    action: Row,
    request: pb.ActOnCampaignRequest,
    referral_id: UUID,
    asking: Caller,
) -> None:
    row = await record.lock(conn, referral_id)
    # Derived, so that whoever goes on with the action finds what is done.
    item_request, body = uuid5(action["action_id"], str(referral_id)), bytes(action["request"])
    if await casework.replayed(conn, asking.actor, item_request, body) is not None:
        return
    if request.action == enums.CAMPAIGN_ACTION_PLACE_HOLD:
        await holds.place(conn, row, asking, wish(request, asking.short))
    elif request.action == enums.CAMPAIGN_ACTION_RELEASE_HOLD:
        await holds.release(conn, row, asking, request.note)
    else:
        await casework.withdraw(
            conn, row, referrer="", actor=asking.actor, reason=request.note,
            traceparent=asking.traceparent, now=asking.now,
        )  # fmt: skip
    await casework.remember(conn, asking.actor, item_request, body, b"", asking.now)


def shown(action: Row) -> pb.CampaignApproval:
    return pb.CampaignApproval(
        approval_id=str(action["action_id"]),
        campaign_id=action["campaign_id"],
        action=enums.CampaignAction.Value(f"CAMPAIGN_ACTION_{action['action']}"),
        requested_by=action["requested_by"],
        request_time=wire.timestamp(action["request_time"]),
        expire_time=wire.timestamp(action["expire_time"]),
        approved_by=action["approved_by"],
        referrals=len(action["referral_ids"]),
    )


async def listed(
    conn: asyncpg.Connection, after: str, size: int
) -> tuple[Sequence[pb.Campaign], bool]:
    """Campaigns whose id comes after ``after``; True when there are more."""
    rows = await conn.fetch(
        """
        SELECT campaign_id, count(*) AS referrals,
            count(*) FILTER (WHERE state <> 'CLOSED') AS open,
            min(create_time) AS created, max(update_time) AS updated
        FROM intake.referrals WHERE campaign_id <> '' AND campaign_id > $1
        GROUP BY campaign_id ORDER BY campaign_id LIMIT $2
        """,
        after,
        size + 1,
    )
    found = [
        pb.Campaign(
            campaign_id=row["campaign_id"],
            referrals=row["referrals"],
            open=row["open"],
            create_time=wire.timestamp(row["created"]),
            update_time=wire.timestamp(row["updated"]),
        )
        for row in rows[:size]
    ]
    return found, len(rows) > size
