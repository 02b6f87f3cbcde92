"""Appending to the record: events in, projection along with them, in one transaction."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, Final
from uuid import UUID

import asyncpg

from services.intake import timeline
from services.intake.accept_rows import EVENTS_CHANNEL
from services.intake.canonical import canonicalise
from services.intake.domain import Event, Projection
from services.intake.url_refusals import UrlRefused
from services.intake.wire import as_dict
from services.kernel.errors import DomainError, ErrorKind, not_found

_SHORT_LINK: Final = "SHORT_LINK_RESOLVED"


@dataclass
class Appended:
    """``short_link`` is the record's finding on a SHORT_LINK_RESOLVED event, else None;
    ``outcome`` how the referral ended, "" while it is open."""

    last_sequence: int
    repeated_keys: list[str] = field(default_factory=list)
    short_link: dict[str, Any] | None = None
    outcome: str = ""


async def lock(conn: asyncpg.Connection, referral_id: UUID) -> Mapping[str, Any]:
    """The referral's row, locked until the transaction ends.

    Raises:
        DomainError: NOT_FOUND.
    """
    row: Mapping[str, Any] | None = await conn.fetchrow(
        "SELECT * FROM intake.referrals WHERE referral_id = $1 FOR UPDATE", referral_id
    )
    if row is None:
        raise unknown_referral()
    return row


def unknown_referral() -> DomainError:
    """The one answer for an id that does not exist and for one that is not the caller's."""
    return not_found("REFERRAL_NOT_FOUND", "No such referral; check the id you were given.")


async def append(
    conn: asyncpg.Connection, row: Mapping[str, Any], events: Sequence[Event], now: datetime
) -> Appended:
    """Append what is not on record yet to a locked referral and bring its projection along.

    Raises:
        DomainError: FAILED_PRECONDITION when a closed referral would change its state.
    """
    known = await _known_keys(conn, row["referral_id"], [event.key for event in events])
    projection = _projection(row)
    result = Appended(projection.last_sequence, repeated_keys=sorted(known))
    written: list[tuple[int, Event]] = []
    changes: dict[str, Any] = {}
    fresh = [event for event in events if event.key not in known]
    if fresh and await timeline.is_forked(conn, row["referral_id"], fresh):
        fresh = timeline.resumed(projection.state, fresh)
    for event in fresh:
        full = await _completed(conn, row, event)
        if full.type == _SHORT_LINK:
            result.short_link, changes = full.detail, await _relocation(conn, row, full)
        _refuse_reopening(projection, full)
        full = replace(full, state=full.state or projection.state)
        projection.apply(full)
        written.append((projection.last_sequence, full))
        await _index_notice(conn, row, full)
    if written:
        await _insert(conn, row["referral_id"], written, now)
        await _update(conn, row["referral_id"], projection, changes, now)
        await conn.execute("SELECT pg_notify($1, '')", EVENTS_CHANNEL)
    if result.short_link is None and any(event.type == _SHORT_LINK for event in events):
        result.short_link = await _earlier_finding(conn, row["referral_id"])
    result.last_sequence = projection.last_sequence
    result.outcome = projection.outcome
    return result


async def _known_keys(conn: asyncpg.Connection, referral_id: UUID, keys: list[str]) -> set[str]:
    rows = await conn.fetch(
        "SELECT event_key FROM intake.events WHERE referral_id = $1 AND event_key = ANY($2)",
        referral_id,
        keys,
    )
    return {row["event_key"] for row in rows}


def _projection(row: Mapping[str, Any]) -> Projection:
    return Projection(
        state=row["state"],
        outcome=row["outcome"],
        priority=row["priority"],
        departure_time=row["departure_time"],
        claim_time=row["claim_time"],
        confirm_time=row["confirm_time"],
        detail=as_dict(row["detail"]),
        last_sequence=row["last_sequence"],
    )


def _refuse_reopening(projection: Projection, event: Event) -> None:
    if projection.state == "CLOSED" and event.state not in ("", "CLOSED"):
        raise DomainError(
            kind=ErrorKind.FAILED_PRECONDITION,
            reason="REFERRAL_CLOSED",
            message="The referral is closed and keeps its outcome; submit the content again.",
        )


async def _completed(conn: asyncpg.Connection, row: Mapping[str, Any], event: Event) -> Event:
    """The event with the platform's words, which the workflow does not carry."""
    detail = event.detail
    spoken = detail.get("platformEvent", detail) if "platform_event" in event.detail_kind else None
    if spoken is None or not spoken.get("eventId"):
        return event
    words = await conn.fetchrow(
        "SELECT message, content_url FROM intake.platform_words"
        " WHERE platform = $1 AND event_id = $2",
        row["platform"],
        spoken["eventId"],
    )
    if words is None:
        return event
    complete = {**spoken, "message": words["message"], "contentUrl": words["content_url"]}
    wrapped = {**detail, "platformEvent": complete} if "platformEvent" in detail else complete
    return replace(event, detail=wrapped)


async def _relocation(
    conn: asyncpg.Connection, row: Mapping[str, Any], event: Event
) -> dict[str, Any]:
    """What a short link's target changes: event.detail gets the finding, columns come back."""
    try:
        identity = canonicalise(str(event.detail.get("resolvedUrl", "")))
    except UrlRefused as refused:
        event.detail["refusedReason"] = refused.message
        return {}
    if identity.platform != row["platform"]:
        event.detail["refusedReason"] = (
            f"it leads to {identity.platform}; submit the address it leads to."
        )
        return {}
    if identity.kind == "short_link":
        return {}
    key = f"test/{identity.key}" if row["test"] else identity.key
    other = await conn.fetchval(
        "SELECT referral_id FROM intake.referrals"
        " WHERE identity_key = $1 AND state <> 'CLOSED' AND referral_id <> $2",
        key,
        row["referral_id"],
    )
    if other is not None:
        event.detail["duplicateOf"] = str(other)
        return {}
    event.detail["resolvedKind"] = f"CONTENT_KIND_{identity.kind.upper()}"
    return {
        "identity_key": key,
        "kind": identity.kind.upper(),
        "content_id": identity.content_id,
        "account": identity.account,
        "canonical_url": identity.canonical_url,
    }


async def _earlier_finding(conn: asyncpg.Connection, referral_id: UUID) -> dict[str, Any] | None:
    detail = await conn.fetchval(
        "SELECT detail FROM intake.events WHERE referral_id = $1 AND type = $2",
        referral_id,
        _SHORT_LINK,
    )
    return None if detail is None else as_dict(detail)


async def _index_notice(conn: asyncpg.Connection, row: Mapping[str, Any], event: Event) -> None:
    if event.type not in ("NOTICE_PREPARED", "NOTICE_DELIVERED") or not event.detail:
        return
    await conn.execute(
        """
        INSERT INTO intake.notices (notice_id, referral_id, platform, platform_reference)
        VALUES ($1, $2, $3, $4)
        ON CONFLICT (notice_id) DO UPDATE SET platform_reference =
            coalesce(nullif(excluded.platform_reference, ''), notices.platform_reference)
        """,
        UUID(event.detail["noticeId"]),
        row["referral_id"],
        row["platform"],
        event.detail.get("platformReference", ""),
    )


async def _insert(
    conn: asyncpg.Connection, referral_id: UUID, events: list[tuple[int, Event]], now: datetime
) -> None:
    await conn.execute(
        """
        INSERT INTO intake.events (referral_id, sequence, event_key, type, state, actor,
            trace_id, detail_kind, detail, occur_time, record_time)
        SELECT $1, e.sequence, e.key, e.type, e.state, e.actor, e.trace, e.kind,
            e.detail::jsonb, e.at, $10
        FROM unnest($2::bigint[], $3::text[], $4::text[], $5::text[], $6::text[], $7::text[],
            $8::text[], $9::text[], $11::timestamptz[])
            AS e(sequence, key, type, state, actor, trace, kind, detail, at)
        """,
        referral_id,
        [sequence for sequence, _ in events],
        *[[getattr(e, n) for _, e in events] for n in ("key", "type", "state", "actor")],
        [e.trace_id for _, e in events],
        [e.detail_kind for _, e in events],
        [json.dumps(e.detail) for _, e in events],
        now,
        [e.occurred_at for _, e in events],
    )


async def _update(
    conn: asyncpg.Connection,
    referral_id: UUID,
    projection: Projection,
    changes: Mapping[str, Any],
    now: datetime,
) -> None:
    await conn.execute(
        """
        UPDATE intake.referrals SET state = $2, outcome = $3, priority = $4, departure_time = $5,
            claim_time = $6, confirm_time = $7, detail = $8::jsonb, last_sequence = $9,
            update_time = $10,
            identity_key = coalesce($11, identity_key), kind = coalesce($12, kind),
            content_id = coalesce($13, content_id), account = coalesce($14, account),
            canonical_url = coalesce($15, canonical_url)
        WHERE referral_id = $1
        """,
        referral_id,
        projection.state,
        projection.outcome,
        projection.priority,
        projection.departure_time,
        projection.claim_time,
        projection.confirm_time,
        json.dumps(projection.detail),
        projection.last_sequence,
        now,
        *[
            changes.get(name)
            for name in ("identity_key", "kind", "content_id", "account", "canonical_url")
        ],
    )
