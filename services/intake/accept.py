"""Accepting submissions: the one path by which a referral comes into being.

A batch is one transaction of a handful of set-based statements, so that a thousand items
cost little more than one; single submissions share it through ``Coalescer``. What commits
together: referral, submission, evidence, event 1 and the inbox row (lifecycle step 1).
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID

import asyncpg

from services.intake.domain import PRIORITIES
from services.intake.submission import NewSubmission
from services.intake.wire import answer_bytes, start_payload
from services.kernel import inbox
from services.kernel.errors import DomainError, ErrorKind, FieldViolation

EVENTS_CHANNEL: Final = "intake_events"
_ATTEMPTS: Final = 5


@dataclass(frozen=True, slots=True)
class Accepted:
    """``answer`` is a serialised SubmitReferralResponse; ``disposition`` its enum's name."""

    disposition: str
    answer: bytes


Result = Accepted | DomainError


class _OvertakenError(Exception):
    """Another transaction stored one of ours first: look again from the start."""


async def accept(conn: asyncpg.Connection, batch: Sequence[NewSubmission]) -> list[Result]:
    """Store a batch; one result per item, in order.

    Raises:
        asyncpg.PostgresError, OSError: the database failed; nothing of the batch is stored.
    """
    for _ in range(_ATTEMPTS):
        try:
            async with conn.transaction():
                return await _accept_once(conn, batch)
        except (_OvertakenError, asyncpg.UniqueViolationError, asyncpg.DeadlockDetectedError):
            continue
    raise DomainError(
        kind=ErrorKind.UNAVAILABLE,
        reason="CONTENTION",
        message="Too many submissions of the same content at once; send the same request again.",
    )


async def _accept_once(conn: asyncpg.Connection, batch: Sequence[NewSubmission]) -> list[Result]:
    results: dict[int, Result] = await _replays(conn, batch)
    first_of_request: dict[tuple[str, UUID], int] = {}
    fresh: list[int] = []
    echoes: dict[int, int] = {}
    for number, item in enumerate(batch):
        if number in results:
            continue
        request = (item.referrer, item.request_id)
        if request in first_of_request:
            echoes[number] = first_of_request[request]
        else:
            first_of_request[request] = number
            fresh.append(number)
    stored = await _store(conn, [batch[number] for number in fresh])
    results.update(zip(fresh, stored, strict=True))
    for number, original in echoes.items():
        same = batch[number].body_sha256 == batch[original].body_sha256
        answer = results[original]
        if not isinstance(answer, Accepted):
            results[number] = answer
        else:
            results[number] = Accepted("REPLAYED", answer.answer) if same else request_id_reused()
    return [results[number] for number in range(len(batch))]


async def _replays(conn: asyncpg.Connection, batch: Sequence[NewSubmission]) -> dict[int, Result]:
    rows = await conn.fetch(
        """
        SELECT s.referrer, s.request_id, s.body_sha256, s.answer
        FROM unnest($1::text[], $2::uuid[]) AS asked(referrer, request_id)
        JOIN intake.submissions s USING (referrer, request_id)
        """,
        [item.referrer for item in batch],
        [item.request_id for item in batch],
    )
    known = {(row["referrer"], row["request_id"]): row for row in rows}
    results: dict[int, Result] = {}
    for number, item in enumerate(batch):
        row = known.get((item.referrer, item.request_id))
        if row is None:
            continue
        same = row["body_sha256"] == item.body_sha256
        results[number] = Accepted("REPLAYED", row["answer"]) if same else request_id_reused()
    return results


def request_id_reused() -> DomainError:
    """ALREADY_EXISTS: one request_id, two different bodies."""
    sentence = "This request_id was used for a different request; make a new one and try again."
    return DomainError(
        kind=ErrorKind.ALREADY_EXISTS,
        reason="REQUEST_ID_REUSED",
        message=sentence,
        violations=(FieldViolation("request_id", "REQUEST_ID_REUSED", sentence),),
    )


async def _store(conn: asyncpg.Connection, items: Sequence[NewSubmission]) -> list[Accepted]:
    if not items:
        return []
    by_key: dict[str, list[NewSubmission]] = {}
    for item in items:
        by_key.setdefault(item.identity_key, []).append(item)
    # Sorted, so that two transactions never wait for each other.
    firsts = [by_key[key][0] for key in sorted(by_key)]
    created = await _insert_referrals(conn, firsts)
    existing = await _open_referrals(conn, [i.identity_key for i in firsts], created)
    placed = _place(by_key, created, existing)
    await _insert_submissions(conn, placed)
    await _insert_events(conn, placed)
    await _raise_joined(conn, placed, existing)
    await inbox.store_raw(conn, "intake", [_inbox_item(p) for p in placed if p.inbox_kind])
    await conn.execute("SELECT pg_notify($1, '')", EVENTS_CHANNEL)
    answers = {p.item.submission_id: Accepted(p.disposition, p.answer) for p in placed}
    return [answers[item.submission_id] for item in items]


@dataclass(slots=True)
class _Placed:
    """A submission and the referral that it created or joined."""

    item: NewSubmission
    referral_id: UUID
    disposition: str
    sequence: int
    answer: bytes
    raised: bool = False
    # The referral's state, which joining does not change.
    state: str = "RECEIVED"

    @property
    def inbox_kind(self) -> str:
        if self.disposition == "CREATED":
            return "referral.accepted"
        return "urgency.raised" if self.raised else ""


def _place(
    by_key: dict[str, list[NewSubmission]], created: set[UUID], existing: dict[str, Any]
) -> list[_Placed]:
    placed: list[_Placed] = []
    for key, items in by_key.items():
        first = items[0]
        fresh = first.referral_id in created
        row = None if fresh else existing[key]
        sequence = 0 if row is None else int(row["last_sequence"])
        priority = PRIORITIES[first.urgency] if row is None else int(row["priority"])
        referral_id = first.referral_id if row is None else row["referral_id"]
        for number, item in enumerate(items):
            sequence += 1
            creates = fresh and number == 0
            raised = not creates and PRIORITIES[item.urgency] < priority
            priority = min(priority, PRIORITIES[item.urgency])
            disposition = "CREATED" if creates else "JOINED"
            answer = answer_bytes(item, referral_id, disposition, first if row is None else row)
            state = "RECEIVED" if row is None else str(row["state"])
            placed.append(_Placed(item, referral_id, disposition, sequence, answer, raised, state))
            sequence += raised
    return placed


async def _insert_referrals(conn: asyncpg.Connection, items: Sequence[NewSubmission]) -> set[UUID]:
    rows = await conn.fetch(
        """
        INSERT INTO intake.referrals (
            referral_id, identity_key, platform, kind, content_id, account, url, canonical_url,
            text, language, test, campaign_id, state, priority, departure_time, last_sequence,
            traceparent, trace_id, create_time, update_time, previous_referral_id)
        SELECT n.*, n.create_time, (
            SELECT p.referral_id FROM intake.referrals p
            WHERE p.identity_key = n.identity_key AND p.state = 'CLOSED'
            ORDER BY p.create_time DESC LIMIT 1)
        FROM (SELECT * FROM unnest(
            $1::uuid[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[], $7::text[],
            $8::text[], $9::text[], $10::text[], $11::boolean[], $12::text[], $13::text[],
            $14::smallint[], $15::timestamptz[], $16::bigint[], $17::text[], $18::text[],
            $19::timestamptz[])) AS n(
            referral_id, identity_key, platform, kind, content_id, account, url, canonical_url,
            text, language, test, campaign_id, state, priority, departure_time, last_sequence,
            traceparent, trace_id, create_time)
        ON CONFLICT (identity_key) WHERE state <> 'CLOSED' DO NOTHING
        RETURNING referral_id
        """,
        *_columns(items),
    )
    return {row["referral_id"] for row in rows}


def _columns(items: Sequence[NewSubmission]) -> list[list[Any]]:
    rows = [
        (
            i.referral_id,
            i.identity_key,
            i.identity.platform,
            i.identity.kind.upper(),
            i.identity.content_id,
            i.identity.account,
            i.url,
            i.identity.canonical_url,
            i.text,
            i.language,
            i.test,
            i.campaign_id,
            "RECEIVED",
            PRIORITIES[i.urgency],
            i.departure_time,
            1,
            i.traceparent,
            i.trace_id,
            i.received_at,
        )
        for i in items
    ]
    return [list(column) for column in zip(*rows, strict=True)]


async def _open_referrals(
    conn: asyncpg.Connection, keys: Sequence[str], created: set[UUID]
) -> dict[str, Any]:
    """Lock the open referrals that these keys join.

    Raises:
        _OvertakenError: one of them closed since the insert met it.
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
        raise _OvertakenError
    return {row["identity_key"]: row for row in rows}


async def _insert_submissions(conn: asyncpg.Connection, placed: Sequence[_Placed]) -> None:
    rows = await conn.fetch(
        """
        INSERT INTO intake.submissions (submission_id, referral_id, referrer, request_id,
            body_sha256, answer, detail, create_time)
        SELECT s.id, s.referral, s.referrer, s.request, s.body, s.answer, s.detail::jsonb, s.at
        FROM unnest($1::uuid[], $2::uuid[], $3::text[], $4::uuid[], $5::bytea[], $6::bytea[],
            $7::text[], $8::timestamptz[])
            AS s(id, referral, referrer, request, body, answer, detail, at)
        ON CONFLICT (referrer, request_id) DO NOTHING
        RETURNING submission_id
        """,
        [p.item.submission_id for p in placed],
        [p.referral_id for p in placed],
        [p.item.referrer for p in placed],
        [p.item.request_id for p in placed],
        [p.item.body_sha256 for p in placed],
        [p.answer for p in placed],
        [json.dumps(p.item.detail) for p in placed],
        [p.item.received_at for p in placed],
    )
    if len(rows) < len(placed):
        raise _OvertakenError
    evidence = [(p.item.submission_id, e) for p in placed for e in p.item.evidence]
    if evidence:
        await conn.executemany(
            "INSERT INTO intake.evidence VALUES ($1, $2, $3, $4, $5, $6)",
            [
                (
                    e.evidence_id,
                    owner,
                    e.file_name,
                    e.media_type,
                    bytes.fromhex(e.sha256),
                    e.content,
                )
                for owner, e in evidence
            ],
        )


async def _insert_events(conn: asyncpg.Connection, placed: Sequence[_Placed]) -> None:
    rows: list[tuple[Any, ...]] = []
    for p in placed:
        kind = "RECEIVED" if p.disposition == "CREATED" else "SUBMISSION_JOINED"
        detail = {"submissionId": str(p.item.submission_id), "referrer": p.item.referrer}
        key = f"s/{p.item.submission_id}"
        rows.append((p, p.sequence, key, kind, p.state, "submission", json.dumps(detail)))
        if p.raised:
            raised = {"urgency": f"URGENCY_{p.item.urgency}"} | _departure(p.item.departure_time)
            rows.append(
                (p, p.sequence + 1, f"{key}/urgency", "URGENCY_RAISED", p.state,
                 "urgency_raised", json.dumps(raised))
            )  # fmt: skip
    await conn.execute(
        """
        INSERT INTO intake.events (referral_id, sequence, event_key, type, state, actor,
            trace_id, detail_kind, detail, occur_time, record_time)
        SELECT e.referral, e.sequence, e.key, e.type, e.state, e.actor, e.trace, e.kind,
            e.detail::jsonb, e.at, e.at
        FROM unnest($1::uuid[], $2::bigint[], $3::text[], $4::text[], $5::text[], $6::text[],
            $7::text[], $8::text[], $9::text[], $10::timestamptz[])
            AS e(referral, sequence, key, type, state, actor, trace, kind, detail, at)
        """,
        [row[0].referral_id for row in rows],
        *[[row[i] for row in rows] for i in (1, 2, 3, 4)],
        [row[0].item.actor for row in rows],
        [row[0].item.trace_id for row in rows],
        *[[row[i] for row in rows] for i in (5, 6)],
        [row[0].item.received_at for row in rows],
    )


def _departure(moment: datetime | None) -> dict[str, str]:
    return {"departureTime": moment.isoformat()} if moment is not None else {}


async def _raise_joined(
    conn: asyncpg.Connection, placed: Sequence[_Placed], existing: dict[str, Any]
) -> None:
    """Bring every joined referral's sequence, priority and departure up to its new events."""
    joined = [p for p in placed if p.disposition == "JOINED"]
    if not joined:
        return
    await conn.execute(
        """
        UPDATE intake.referrals r SET
            last_sequence = greatest(r.last_sequence, j.sequence),
            priority = least(r.priority, j.priority),
            departure_time = CASE WHEN j.raised THEN least(r.departure_time, j.departure)
                ELSE r.departure_time END,
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


def _inbox_item(placed: _Placed) -> inbox.NewItem:
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
