"""What platforms say, what is stored of it, and what is refused."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import asyncpg

from takedown.acknowledgement.v1 import acknowledgement_service_pb2 as pb
from takedown.referral.v1 import enums_pb2 as enums
from takedown.referral.v1 import platform_event_pb2
from tests.integration.conftest import DatabaseUrls


def spoken(event_id: str, days: float = 0, **changes: Any) -> pb.RecordPlatformEventRequest:
    values: dict[str, Any] = {
        "platform": "x",
        "event_id": event_id,
        "type": enums.PLATFORM_EVENT_TYPE_ACKNOWLEDGEMENT,
        "notice_id": str(uuid4()),
    }
    event = platform_event_pb2.PlatformEvent(**{**values, **changes})
    event.occur_time.FromDatetime(datetime.now(UTC) + timedelta(days=days))
    return pb.RecordPlatformEventRequest(platform_event=event)


async def counts(urls: DatabaseUrls) -> tuple[int, int, int]:
    """(events, repetitions, inbox items)."""
    connection = await asyncpg.connect(urls.app.replace("+asyncpg", ""))
    try:
        return tuple(
            await connection.fetchrow(
                "SELECT (SELECT count(*) FROM acknowledgement.platform_events),"
                " (SELECT coalesce(sum(repetitions), 0) FROM acknowledgement.platform_events),"
                " (SELECT count(*) FROM acknowledgement.inbox_items)"
            )
        )
    finally:
        await connection.close()
