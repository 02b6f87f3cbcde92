"""The shared inbox: what came from outside waits here until the relay has delivered it.

Stored in the transaction that answers the outside; claimed under a lease, so that an item
whose relay died is handed out again; completed once. NOTIFY is a hint and polling the
guarantee. Every function takes an asyncpg connection and the schema it works in.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

import asyncpg

UNMATCHED: Final = "UNMATCHED"
# The priority from which on an item is bulk.
ROUTINE: Final = 2


@dataclass(frozen=True, slots=True)
class NewItem:
    """``priority``: 0 imminent departure, 1 urgent, 2 routine."""

    item_id: UUID
    kind: str
    referral_id: UUID | None
    payload: bytes
    traceparent: str
    priority: int
    created_at: datetime


@dataclass(frozen=True, slots=True)
class InboxItem:
    item_id: UUID
    kind: str
    referral_id: UUID | None
    payload: bytes
    traceparent: str
    priority: int
    attempts: int
    created_at: datetime


def channel(schema: str) -> str:
    """The NOTIFY channel of a schema's inbox."""
    return f"{schema}_inbox"


async def store_raw(conn: asyncpg.Connection, schema: str, items: Sequence[NewItem]) -> None:
    """Store items in the caller's transaction; an id that is there already changes nothing."""
    if not items:
        return
    await conn.execute(
        f"""
        WITH stored AS (
            INSERT INTO {schema}.inbox_items (item_id, kind, referral_id, payload, traceparent,
                priority, created_at, available_at)
            SELECT i.id, i.kind, i.referral, i.payload, i.trace, i.priority, i.at, i.at
            FROM unnest($1::uuid[], $2::text[], $3::uuid[], $4::bytea[], $5::text[],
                $6::smallint[], $7::timestamptz[])
                AS i(id, kind, referral, payload, trace, priority, at)
            ON CONFLICT (item_id) DO NOTHING
        )
        SELECT pg_notify($8, '')
        """,  # noqa: S608 - the schema is a constant of the service
        [item.item_id for item in items],
        [item.kind for item in items],
        [item.referral_id for item in items],
        [item.payload for item in items],
        [item.traceparent for item in items],
        [item.priority for item in items],
        [item.created_at for item in items],
        channel(schema),
    )


async def hurry(
    conn: asyncpg.Connection, schema: str, referrals: Sequence[tuple[UUID, int]]
) -> None:
    """Let everything that waits of these referrals have at least this priority.

    In the caller's transaction, with an item that must not wait for what comes before it: a
    withdrawal or a raised urgency overtakes bulk together with the start that it needs.
    """
    if not referrals:
        return
    await conn.execute(
        f"""
        UPDATE {schema}.inbox_items i SET priority = least(i.priority, h.priority)
        FROM unnest($1::uuid[], $2::smallint[]) AS h(referral, priority)
        WHERE i.referral_id = h.referral AND i.completed_at IS NULL AND i.priority > h.priority
        """,  # noqa: S608
        [referral for referral, _ in referrals],
        [priority for _, priority in referrals],
    )


async def claim(
    conn: asyncpg.Connection,
    schema: str,
    claimant: UUID,
    window: int,
    lease: timedelta,
    now: datetime,
    reserve: int = 0,
) -> list[InboxItem]:
    """Claim what is due, urgent first, up to ``window`` less what the claimant still holds.

    ``reserve`` places of the window are never given to routine items: what is urgent finds room
    also when the window is full of bulk.
    """
    async with conn.transaction():
        # One claim at a time for each claimant: two at once would each count what is held
        # without seeing the other, and hold twice the window together.
        await conn.execute("SELECT pg_advisory_xact_lock(hashtextextended($1, 0))", str(claimant))
        rows = await _claim(conn, schema, claimant, window, lease, now, reserve)
    items = [InboxItem(**dict(row)) for row in rows]
    return sorted(items, key=lambda item: (item.priority, item.created_at, item.item_id))


async def _claim(
    conn: asyncpg.Connection,
    schema: str,
    claimant: UUID,
    window: int,
    lease: timedelta,
    now: datetime,
    reserve: int,
) -> list[asyncpg.Record]:
    waiting = f"""
        SELECT item_id FROM {schema}.inbox_items
        WHERE completed_at IS NULL AND available_at <= $4
            AND (lease_until IS NULL OR lease_until <= $4)
    """  # noqa: S608
    rows: list[asyncpg.Record] = await conn.fetch(
        f"""
        WITH held AS (
            SELECT count(*) AS items, count(*) FILTER (WHERE priority >= $6) AS routine
            FROM {schema}.inbox_items
            WHERE claimed_by = $1 AND completed_at IS NULL AND lease_until > $4
        ), urgent AS (
            {waiting} AND priority < $6
            ORDER BY priority, created_at, item_id
            LIMIT greatest($2 - (SELECT items FROM held), 0)
            FOR UPDATE SKIP LOCKED
        ), routine AS (
            {waiting} AND priority >= $6
            ORDER BY priority, created_at, item_id
            LIMIT (SELECT greatest(least($2 - $5 - routine,
                $2 - items - (SELECT count(*) FROM urgent)), 0) FROM held)
            FOR UPDATE SKIP LOCKED
        ), due AS (
            SELECT item_id FROM urgent UNION ALL SELECT item_id FROM routine
        )
        UPDATE {schema}.inbox_items i
        SET claimed_by = $1, lease_until = $4 + $3::interval, attempts = attempts + 1
        FROM due WHERE i.item_id = due.item_id
        RETURNING i.item_id, i.kind, i.referral_id, i.payload, i.traceparent, i.priority,
            i.attempts, i.created_at
        """,  # noqa: S608
        claimant,
        window,
        lease,
        now,
        reserve,
        ROUTINE,
    )
    return rows


async def complete(
    conn: asyncpg.Connection, schema: str, item_id: UUID, result: str, detail: str, now: datetime
) -> None:
    """Settle an item. Settling it again changes nothing."""
    await conn.execute(
        f"""
        UPDATE {schema}.inbox_items
        SET completed_at = $4, result = $2, detail = $3, claimed_by = NULL, lease_until = NULL
        WHERE item_id = $1 AND completed_at IS NULL
        """,  # noqa: S608
        item_id,
        result,
        detail,
        now,
    )


async def defer(
    conn: asyncpg.Connection, schema: str, item_id: UUID, available_at: datetime, detail: str
) -> None:
    """Give an item back, to be handed out again from ``available_at``."""
    await conn.execute(
        f"""
        UPDATE {schema}.inbox_items
        SET available_at = $2, detail = $3, claimed_by = NULL, lease_until = NULL
        WHERE item_id = $1 AND completed_at IS NULL
        """,  # noqa: S608
        item_id,
        available_at,
        detail,
    )


async def release(conn: asyncpg.Connection, schema: str, claimant: UUID) -> None:
    """Give back what a claimant holds: nobody need wait for its leases."""
    await conn.execute(
        f"""
        UPDATE {schema}.inbox_items SET claimed_by = NULL, lease_until = NULL
        WHERE claimed_by = $1 AND completed_at IS NULL
        """,  # noqa: S608
        claimant,
    )


async def backlog(conn: asyncpg.Connection, schema: str) -> int:
    """How many items wait or are being delivered."""
    return int(
        await conn.fetchval(
            f"SELECT count(*) FROM {schema}.inbox_items WHERE completed_at IS NULL"  # noqa: S608
        )
    )


async def requeue_unmatched(
    conn: asyncpg.Connection, schema: str, limit: int, now: datetime
) -> tuple[int, int]:
    """Hand out again what matched no referral; (how many there were, how many go out).

    What was tried longest ago goes first, so that a limit leaves none out for ever. Attempts
    are kept: an item that still matches nothing is settled at its first try.
    """
    unmatched = int(
        await conn.fetchval(
            f"SELECT count(*) FROM {schema}.inbox_items WHERE result = $1",  # noqa: S608
            UNMATCHED,
        )
    )
    rows = await conn.fetch(
        f"""
        UPDATE {schema}.inbox_items
        SET completed_at = NULL, result = '', detail = '', available_at = $3
        WHERE item_id IN (
            SELECT item_id FROM {schema}.inbox_items WHERE result = $1
            ORDER BY completed_at, item_id LIMIT $2 FOR UPDATE SKIP LOCKED)
        RETURNING item_id
        """,  # noqa: S608
        UNMATCHED,
        limit,
        now,
    )
    if rows:
        await conn.execute("SELECT pg_notify($1, '')", channel(schema))
    return unmatched, len(rows)
