"""Storing platform events: each once, with its inbox item, in one transaction."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

import asyncpg

from services.acknowledgement.domain import item_id
from services.kernel import inbox

SCHEMA: Final = "acknowledgement"
# Answers overtake bulk: what a platform says is acted on before new referrals are.
PRIORITY: Final = 1
KIND: Final = "platform.event"


@dataclass(frozen=True, slots=True)
class NewPlatformEvent:
    platform: str
    event_id: str
    type: str
    notice_id: str
    platform_reference: str
    event: bytes
    occurred_at: datetime
    recorded_at: datetime
    traceparent: str


async def store(conn: asyncpg.Connection, events: Sequence[NewPlatformEvent]) -> list[bool]:
    """Store events in one transaction; True for each that is new, False for a repetition."""
    async with conn.transaction():
        new = await _insert(conn, events)
        fresh: list[bool] = []
        for event in events:
            key = (event.platform, event.event_id)
            fresh.append(key in new)
            new.discard(key)
        repeated = [event for event, first in zip(events, fresh, strict=True) if not first]
        await _count_repetitions(conn, repeated)
        items = [_item(event) for event, first in zip(events, fresh, strict=True) if first]
        await inbox.store_raw(conn, SCHEMA, items)
    return fresh


async def _insert(
    conn: asyncpg.Connection, events: Sequence[NewPlatformEvent]
) -> set[tuple[str, str]]:
    unique = sorted({(e.platform, e.event_id): e for e in reversed(events)}.items())
    ordered = [event for _, event in unique]
    rows = await conn.fetch(
        """
        INSERT INTO acknowledgement.platform_events (platform, event_id, type, notice_id,
            platform_reference, event, occur_time, record_time)
        SELECT * FROM unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::text[],
            $6::bytea[], $7::timestamptz[], $8::timestamptz[])
        ON CONFLICT (platform, event_id) DO NOTHING
        RETURNING platform, event_id
        """,
        [e.platform for e in ordered],
        [e.event_id for e in ordered],
        [e.type for e in ordered],
        [e.notice_id for e in ordered],
        [e.platform_reference for e in ordered],
        [e.event for e in ordered],
        [e.occurred_at for e in ordered],
        [e.recorded_at for e in ordered],
    )
    return {(row["platform"], row["event_id"]) for row in rows}


async def _count_repetitions(
    conn: asyncpg.Connection, repeated: Sequence[NewPlatformEvent]
) -> None:
    # In one order for everybody: two batches that lock in different ones wait for each other.
    for event in sorted(repeated, key=lambda event: (event.platform, event.event_id)):
        await conn.execute(
            "UPDATE acknowledgement.platform_events SET repetitions = repetitions + 1"
            " WHERE platform = $1 AND event_id = $2",
            event.platform,
            event.event_id,
        )


def _item(event: NewPlatformEvent) -> inbox.NewItem:
    return inbox.NewItem(
        item_id=item_id(event.platform, event.event_id),
        kind=KIND,
        referral_id=None,
        payload=event.event,
        traceparent=event.traceparent,
        priority=PRIORITY,
        created_at=event.recorded_at,
    )
