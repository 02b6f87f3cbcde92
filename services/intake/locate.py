"""Which referral a platform event speaks of: by notice, by reference, by content."""

from __future__ import annotations

from uuid import UUID

import asyncpg

from services.intake.canonical import canonicalise
from services.intake.url_refusals import UrlRefused
from takedown.referral.v1 import platform_event_pb2


async def keep_words(conn: asyncpg.Connection, event: platform_event_pb2.PlatformEvent) -> None:
    """Keep the platform's own words until the event that carries them is appended."""
    if not event.message and not event.content_url:
        return
    await conn.execute(
        "INSERT INTO intake.platform_words VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING",
        event.platform,
        event.event_id,
        event.message.replace("\x00", ""),
        event.content_url.replace("\x00", ""),
    )


async def find(
    conn: asyncpg.Connection, event: platform_event_pb2.PlatformEvent
) -> tuple[UUID | None, str]:
    """(referral, how it was found). A platform's word counts for its own referrals only."""
    found = None
    if event.notice_id:
        found = await conn.fetchval(
            "SELECT referral_id FROM intake.notices WHERE notice_id = $1 AND platform = $2",
            UUID(event.notice_id),
            event.platform,
        )
        if found is not None:
            return found, "notice_id"
    if event.platform_reference:
        found = await conn.fetchval(
            "SELECT referral_id FROM intake.notices"
            " WHERE platform = $1 AND platform_reference = $2 LIMIT 1",
            event.platform,
            event.platform_reference,
        )
        if found is not None:
            return found, "platform_reference"
    if event.content_url:
        found = await _by_content(conn, event)
    return found, "content" if found is not None else ""


async def _by_content(
    conn: asyncpg.Connection, event: platform_event_pb2.PlatformEvent
) -> UUID | None:
    """The open referral of this content, else the latest closed one."""
    try:
        identity = canonicalise(event.content_url)
    except UrlRefused:
        return None
    if identity.platform != event.platform:
        return None
    found: UUID | None = await conn.fetchval(
        "SELECT referral_id FROM intake.referrals WHERE identity_key = ANY($1)"
        " ORDER BY (state = 'CLOSED'), create_time DESC LIMIT 1",
        [identity.key, f"test/{identity.key}"],
    )
    return found
