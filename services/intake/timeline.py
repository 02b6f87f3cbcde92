"""When a workflow remembers otherwise than what it recorded.

A workflow records before it remembers: its events are on record before the task that made them
is in its history. If the worker dies in between, or an update comes in between, the task runs
again and may take what came in another order. What it recorded the first time then stands on
record without ever having happened to the workflow. Nothing is taken back: the record goes on from
where the workflow goes on, and says so (docs/decisions/0017).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from uuid import UUID

import asyncpg

from services.intake.events import Event

# A workflow's keys: w/<number>/<type>/<subject>; the number counts its events.
_PARTS = 3


def number(key: str) -> str:
    """The number in a workflow's key; "" for a key of anybody else, or of an older form."""
    parts = key.split("/")
    return parts[1] if parts[0] == "w" and len(parts) >= _PARTS else ""


async def is_forked(conn: asyncpg.Connection, referral_id: UUID, fresh: Sequence[Event]) -> bool:
    """Whether other events stand under the numbers of these, which are not on record."""
    numbers = [found for event in fresh if (found := number(event.key))]
    if not numbers:
        return False
    return bool(
        await conn.fetchval(
            "SELECT EXISTS (SELECT 1 FROM intake.events WHERE referral_id = $1"
            " AND event_key LIKE 'w/%/%' AND split_part(event_key, '/', 2) = ANY($2))",
            referral_id,
            numbers,
        )
    )


def resumed(state: str, fresh: Sequence[Event]) -> list[Event]:
    """The events with the one that says from where the referral goes on.

    What is closed stays closed with its outcome: what the workflow still has to say is kept as
    having come after the end, and its own end, if it has another, is not.
    """
    first = fresh[0]
    if state == "CLOSED":
        return [replace(event, state="CLOSED") for event in fresh if event.type != "CLOSED"]
    if not first.before or first.before == state:
        return list(fresh)
    note = Event(
        key=f"r/{first.key}",
        type="RESUMED",
        state=first.before,
        actor=first.actor,
        occurred_at=first.occurred_at,
        trace_id=first.trace_id,
    )
    return [note, *fresh]
