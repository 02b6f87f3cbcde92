"""Reconciliation runs: asked for here, done by the worker, and their reports kept."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final
from uuid import UUID

import asyncpg

from services.intake import wire
from services.intake.casework import Caller
from services.kernel import inbox
from services.kernel.errors import invalid, not_found
from services.kernel.ids import uuid7
from takedown.intake.v1 import casework_service_pb2 as pb
from takedown.intake.v1 import record_service_pb2 as record_pb
from takedown.referral.v1 import enums_pb2 as enums

KIND: Final = "reconciliation.requested"
# A person waits for it.
PRIORITY: Final = 1


async def request(conn: asyncpg.Connection, caller: Caller, dry_run: bool) -> UUID:
    """Store a run to be done and the item that starts it, in the caller's transaction."""
    run_id = uuid7()
    await conn.execute(
        "INSERT INTO intake.reconciliations (reconciliation_id, dry_run, requested_by,"
        " request_time) VALUES ($1, $2, $3, $4)",
        run_id,
        dry_run,
        caller.actor,
        caller.now,
    )
    bare = pb.Reconciliation(
        reconciliation_id=str(run_id), dry_run=dry_run, request_time=wire.timestamp(caller.now)
    )
    item = inbox.NewItem(
        item_id=run_id,
        kind=KIND,
        referral_id=None,
        payload=bare.SerializeToString(),
        traceparent=caller.traceparent,
        priority=PRIORITY,
        created_at=caller.now,
    )
    await inbox.store_raw(conn, "intake", [item])
    return run_id


async def store(
    conn: asyncpg.Connection, report: pb.Reconciliation, actor: str, now: datetime
) -> None:
    """Keep a run's report: the first one for its id. A run by schedule was never asked for.

    Raises:
        DomainError: INVALID when the report names no run.
    """
    field = "reconciliation.reconciliation_id"
    try:
        run_id = UUID(report.reconciliation_id)
    except ValueError:
        raise invalid(field, "STRING_UUID", "A report needs the UUID of its run; set it.") from None
    kept = pb.Reconciliation()
    kept.CopyFrom(report)
    if not kept.HasField("finish_time"):
        kept.finish_time.FromDatetime(now)
    await conn.execute(
        """
        INSERT INTO intake.reconciliations AS r (reconciliation_id, dry_run, requested_by,
            request_time, finish_time, report)
        VALUES ($1, $2, $3, $4, $4, $5)
        ON CONFLICT (reconciliation_id) DO UPDATE
            SET finish_time = excluded.finish_time, report = excluded.report
            WHERE r.finish_time IS NULL
        """,
        run_id,
        report.dry_run,
        actor,
        now,
        kept.SerializeToString(),
    )


async def read(conn: asyncpg.Connection, run_id: UUID | None) -> pb.Reconciliation:
    """One run, or the newest.

    Raises:
        DomainError: NOT_FOUND.
    """
    row: Mapping[str, Any] | None = await conn.fetchrow(
        "SELECT * FROM intake.reconciliations WHERE $1::uuid IS NULL OR reconciliation_id = $1"
        " ORDER BY request_time DESC, reconciliation_id DESC LIMIT 1",
        run_id,
    )
    if row is None:
        raise not_found(
            "RECONCILIATION_NOT_FOUND", "There is no such reconciliation run; ask for one."
        )
    shown = pb.Reconciliation()
    if row["report"] is not None:
        shown.ParseFromString(row["report"])
    shown.reconciliation_id = str(row["reconciliation_id"])
    shown.dry_run = row["dry_run"]
    shown.request_time.FromDatetime(row["request_time"])
    return shown


async def open_referrals(
    conn: asyncpg.Connection, after: UUID, size: int, created_before: datetime | None
) -> list[record_pb.OpenReferral]:
    """Open referrals in the order of their ids, behind ``after``.

    Not those whose start still waits in the inbox: bulk takes its turn there, and is not lost.
    """
    rows = await conn.fetch(
        "SELECT referral_id, state, last_sequence, update_time FROM intake.referrals"
        " WHERE state <> 'CLOSED' AND referral_id > $1"
        " AND ($3::timestamptz IS NULL OR create_time < $3)"
        " AND referral_id NOT IN (SELECT i.referral_id FROM intake.inbox_items i"
        " WHERE i.completed_at IS NULL AND i.kind = 'referral.accepted'"
        " AND i.referral_id IS NOT NULL)"
        " ORDER BY referral_id LIMIT $2",
        after,
        size,
        created_before,
    )
    return [
        record_pb.OpenReferral(
            referral_id=str(row["referral_id"]),
            state=enums.ReferralState.Value(f"REFERRAL_STATE_{row['state']}"),
            last_sequence=row["last_sequence"],
            update_time=wire.timestamp(row["update_time"]),
        )
        for row in rows
    ]
