"""The statements of accepting: few and set-based, because each costs a round trip."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final
from uuid import UUID

import asyncpg

from services.intake.answers import start_payload
from services.intake.domain import PRIORITIES
from services.intake.placement import Placed
from services.intake.submission import NewSubmission
from services.kernel import inbox

EVENTS_CHANNEL: Final = "intake_events"


class OvertakenError(Exception):
    """Another transaction stored one of ours first: look again from the start."""


# What makes a referral, one array a column: the first parameters of each statement that makes some.
ITEM_TYPES: Final = """
    $1::uuid[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[], $7::text[],
    $8::text[], $9::text[], $10::text[], $11::boolean[], $12::text[], $13::smallint[],
    $14::timestamptz[], $15::bigint[], $16::text[], $17::text[], $18::timestamptz[],
    $19::text[], $20::text[], $21::uuid[]"""
ITEM_NAMES: Final = """
    referral_id, identity_key, platform, kind, content_id, account, url,
    canonical_url, text, language, test, campaign_id, priority,
    departure_time, last_sequence, traceparent, trace_id, at,
    first_detail, referrer, request_id"""
# A referral for every item whose content has no open one, unless it was answered before.
CREATED: Final = """
    INSERT INTO intake.referrals (
        referral_id, identity_key, platform, kind, content_id, account, url,
        canonical_url, text, language, test, campaign_id, state, priority,
        departure_time, last_sequence, traceparent, trace_id, create_time,
        update_time, detail, previous_referral_id)
    SELECT i.referral_id, i.identity_key, i.platform, i.kind, i.content_id, i.account,
        i.url, i.canonical_url, i.text, i.language, i.test, i.campaign_id, 'RECEIVED',
        i.priority, i.departure_time, i.last_sequence, i.traceparent, i.trace_id,
        i.at, i.at, i.first_detail::jsonb, (
        SELECT p.referral_id FROM intake.referrals p
        WHERE p.identity_key = i.identity_key AND p.state = 'CLOSED'
        ORDER BY p.create_time DESC LIMIT 1)
    FROM item i
    WHERE NOT EXISTS (SELECT FROM intake.submissions s
        WHERE s.referrer = i.referrer AND s.request_id = i.request_id)
    ORDER BY i.place
    ON CONFLICT (identity_key) WHERE state <> 'CLOSED' DO NOTHING
    RETURNING referral_id"""
_INSERT_REFERRALS: Final = f"""
    WITH item AS (
        SELECT * FROM unnest({ITEM_TYPES}) WITH ORDINALITY AS n({ITEM_NAMES}, place)
    ), created AS ({CREATED}
    )
    SELECT referral_id, NULL::bytea AS body_sha256, NULL::bytea AS answer FROM created
    UNION ALL
    SELECT i.referral_id, s.body_sha256, s.answer
    FROM item i JOIN intake.submissions s USING (referrer, request_id)
"""  # noqa: S608 - constants of this module


async def insert_referrals(
    conn: asyncpg.Connection, items: Sequence[NewSubmission]
) -> tuple[frozenset[UUID], dict[UUID, asyncpg.Record]]:
    """Look for what was answered before, and make a referral for every other new content.

    ``items`` are sorted by identity key, so that two transactions never wait for each other;
    the first of a key creates. Answers the ids of the referrals made, and by proposed id the
    ``body_sha256`` and ``answer`` stored for the replays.
    """
    rows = await conn.fetch(_INSERT_REFERRALS, *columns([of_referral(item) for item in items]))
    created = frozenset(row["referral_id"] for row in rows if row["answer"] is None)
    return created, {row["referral_id"]: row for row in rows if row["answer"] is not None}


def of_referral(item: NewSubmission) -> tuple[Any, ...]:
    """Its values of ``ITEM_NAMES``."""
    return (
        item.referral_id,
        item.identity_key,
        item.identity.platform,
        item.identity.kind.upper(),
        item.identity.content_id,
        item.identity.account,
        item.url,
        item.identity.canonical_url,
        item.text,
        item.language,
        item.test,
        item.campaign_id,
        PRIORITIES[item.urgency],
        item.departure_time,
        1 if item.hold is None else 2,
        item.traceparent,
        item.trace_id,
        item.received_at,
        _first_detail(item),
        item.referrer,
        item.request_id,
    )


def columns(rows: Sequence[tuple[Any, ...]]) -> list[list[Any]]:
    """Rows as the arrays that ``unnest`` takes."""
    return [list(column) for column in zip(*rows, strict=True)]


def _first_detail(item: NewSubmission) -> str:
    """What the first events of a referral fold into, as JSON."""
    if item.hold is None:
        return "{}"
    return json.dumps({"holds": [item.hold.detail() | {"requested": True}]})


async def open_referrals(
    conn: asyncpg.Connection, keys: Sequence[str], created: frozenset[UUID]
) -> dict[str, Any]:
    """Lock the open referrals that these keys join.

    Raises:
        OvertakenError: one of them closed since the insert met it.
    """
    if len(created) == len(keys):
        return {}
    rows = await conn.fetch(
        """
        SELECT * FROM intake.referrals
        WHERE identity_key = ANY($1::text[]) AND state <> 'CLOSED' AND referral_id <> ALL($2)
        ORDER BY identity_key FOR UPDATE
        """,
        list(keys),
        list(created),
    )
    if len(rows) + len(created) < len(keys):
        raise OvertakenError
    return {row["identity_key"]: row for row in rows}


async def insert_submissions(conn: asyncpg.Connection, placed: Sequence[Placed]) -> None:
    """Store the submissions with their answers and their events, and say that there are some.

    Raises:
        OvertakenError: one of them is there already.
    """
    stored = await conn.fetchval(
        """
        WITH stored AS (
            INSERT INTO intake.submissions (submission_id, referral_id, referrer, request_id,
                body_sha256, answer, detail, create_time)
            SELECT s.id, s.referral, s.referrer, s.request, s.body, s.answer, s.detail::jsonb,
                s.at
            FROM unnest($1::uuid[], $2::uuid[], $3::text[], $4::uuid[], $5::bytea[],
                $6::bytea[], $7::text[], $8::timestamptz[])
                AS s(id, referral, referrer, request, body, answer, detail, at)
            ON CONFLICT (referrer, request_id) DO NOTHING
            RETURNING submission_id
        ), recorded AS (
            INSERT INTO intake.events (referral_id, sequence, event_key, type, state, actor,
                trace_id, detail_kind, detail, occur_time, record_time)
            SELECT e.referral, e.sequence, e.key, e.type, e.state, e.actor, e.trace, e.kind,
                e.detail::jsonb, e.at, e.at
            FROM unnest($9::uuid[], $10::bigint[], $11::text[], $12::text[], $13::text[],
                $14::text[], $15::text[], $16::text[], $17::text[], $18::timestamptz[])
                WITH ORDINALITY AS e(referral, sequence, key, type, state, actor, trace, kind,
                    detail, at, place)
            ORDER BY e.place
        )
        SELECT count(*), pg_notify($19, '') FROM stored
        """,
        [p.item.submission_id for p in placed],
        [p.referral_id for p in placed],
        [p.item.referrer for p in placed],
        [p.item.request_id for p in placed],
        [p.item.body_sha256 for p in placed],
        [p.answer.SerializeToString() for p in placed],
        [json.dumps(p.item.detail) for p in placed],
        [p.item.received_at for p in placed],
        *_event_columns(placed),
        EVENTS_CHANNEL,
    )
    if stored < len(placed):
        raise OvertakenError


def _event_columns(placed: Sequence[Placed]) -> list[list[Any]]:
    rows: list[tuple[Any, ...]] = []
    for p in placed:
        kind = "RECEIVED" if p.disposition == "CREATED" else "SUBMISSION_JOINED"
        detail = {"submissionId": str(p.item.submission_id), "referrer": p.item.referrer}
        key = f"s/{p.item.submission_id}"
        rows.append(_event(p, p.sequence, key, kind, "submission", detail))
        if p.raised:
            raised = {"urgency": f"URGENCY_{p.item.urgency}"} | _departure(p.item.departure_time)
            more = (p.sequence + 1, f"{key}/urgency", "URGENCY_RAISED", "urgency_raised", raised)
            rows.append(_event(p, *more))
        elif p.more and p.item.hold is not None:
            wish = (p.sequence + 1, f"{key}/hold", "HOLD_REQUESTED", "hold", p.item.hold.detail())
            rows.append(_event(p, *wish))
    return columns(rows)


def _event(
    p: Placed, sequence: int, key: str, kind: str, detail_kind: str, detail: dict[str, Any]
) -> tuple[Any, ...]:
    return (
        p.referral_id, sequence, key, kind, p.state, p.item.actor, p.item.trace_id, detail_kind,
        json.dumps(detail), p.item.received_at,
    )  # fmt: skip


def _departure(moment: datetime | None) -> dict[str, str]:
    return {"departureTime": moment.isoformat()} if moment is not None else {}


async def insert_evidence(conn: asyncpg.Connection, placed: Sequence[Placed]) -> None:
    evidence = [(p.item.submission_id, e) for p in placed for e in p.item.evidence]
    if not evidence:
        return
    await conn.executemany(
        "INSERT INTO intake.evidence VALUES ($1, $2, $3, $4, $5, $6)",
        [
            (e.evidence_id, owner, e.file_name, e.media_type, bytes.fromhex(e.sha256), e.content)
            for owner, e in evidence
        ],
    )


async def raise_joined(conn: asyncpg.Connection, placed: Sequence[Placed]) -> None:
    """Bring every joined referral's sequence, priority and departure up to its new events."""
    joined = [p for p in placed if p.disposition == "JOINED"]
    if not joined:
        return
    await conn.execute(
        """
        UPDATE intake.referrals r SET
            last_sequence = greatest(r.last_sequence, j.sequence),
            priority = least(r.priority, j.priority),
            -- A departure that has passed counts no more (domain.Projection does the same).
            departure_time = CASE WHEN NOT j.raised OR j.departure IS NULL THEN r.departure_time
                WHEN r.departure_time <= j.at THEN j.departure
                ELSE least(r.departure_time, j.departure) END,
            detail = CASE WHEN j.raised AND j.departure IS NOT NULL
                THEN r.detail - 'proposedDepartureTime' ELSE r.detail END,
            update_time = greatest(r.update_time, j.at)
        FROM (SELECT referral, max(sequence) AS sequence, min(priority) AS priority,
                bool_or(raised) AS raised, min(departure) FILTER (WHERE raised) AS departure,
                max(at) AS at
            FROM unnest($1::uuid[], $2::bigint[], $3::smallint[], $4::boolean[],
                $5::timestamptz[], $6::timestamptz[])
                AS u(referral, sequence, priority, raised, departure, at)
            GROUP BY referral) AS j
        WHERE r.referral_id = j.referral
        """,
        [p.referral_id for p in joined],
        [p.sequence + p.raised for p in joined],
        [PRIORITIES[p.item.urgency] for p in joined],
        [p.raised for p in joined],
        [p.item.departure_time for p in joined],
        [p.item.received_at for p in joined],
    )


async def store_inbox(conn: asyncpg.Connection, placed: Sequence[Placed]) -> None:
    """What the relay must be told of, in the same transaction."""
    items = [_inbox_item(p) for p in placed if p.inbox_kind]
    await inbox.store_raw(conn, "intake", items)
    # What joins and has something to say must not wait for the start before it.
    raised = [p for p in placed if p.inbox_kind and p.disposition == "JOINED"]
    await inbox.hurry(conn, "intake", [(p.referral_id, PRIORITIES[p.item.urgency]) for p in raised])


def _inbox_item(placed: Placed) -> inbox.NewItem:
    item = placed.item
    return inbox.NewItem(
        item_id=item.submission_id,
        kind=placed.inbox_kind,
        referral_id=placed.referral_id,
        payload=start_payload(item, placed.referral_id),
        traceparent=item.traceparent,
        priority=PRIORITIES[item.urgency],
        created_at=item.received_at,
    )
