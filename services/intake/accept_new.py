"""Accepting what is new, and nothing else: one statement, which is a transaction of its own.

Most submissions name content that nobody has referred yet, and bring no evidence and no hold.
They need none of the looking back of ``accept_rows``, so that the way to the database and back is
gone once instead of five times. Whatever the statement does not store has left no trace and goes
the long way.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from typing import Any, Final
from uuid import UUID

import asyncpg

from services.intake.accept_rows import EVENTS_CHANNEL
from services.intake.answers import answer_to, start_payload
from services.intake.domain import PRIORITIES
from services.intake.submission import NewSubmission
from services.kernel import inbox
from takedown.intake.v1 import referral_service_pb2 as pb

# The submissions wait for all referrals to be made: an array is complete before it is used.
_INSERT: Final = """
    WITH item AS (SELECT * FROM unnest(
        $1::uuid[], $2::uuid[], $3::text[], $4::text[], $5::text[], $6::text[], $7::text[],
        $8::text[], $9::text[], $10::text[], $11::text[], $12::boolean[], $13::text[],
        $14::smallint[], $15::timestamptz[], $16::text[], $17::text[], $18::timestamptz[],
        $19::text[], $20::text[], $21::uuid[], $22::bytea[], $23::bytea[], $24::text[],
        $25::bytea[]) WITH ORDINALITY AS n(
        referral_id, submission_id, identity_key, platform, kind, content_id, account,
        url, canonical_url, text, language, test, campaign_id,
        priority, departure_time, traceparent, trace_id, at,
        referrer, actor, request_id, body_sha256, answer, detail,
        payload, place)
    ), created AS (
        INSERT INTO intake.referrals (
            referral_id, identity_key, platform, kind, content_id, account, url,
            canonical_url, text, language, test, campaign_id, state, priority,
            departure_time, last_sequence, traceparent, trace_id, create_time,
            update_time, previous_referral_id)
        SELECT i.referral_id, i.identity_key, i.platform, i.kind, i.content_id, i.account,
            i.url, i.canonical_url, i.text, i.language, i.test, i.campaign_id, 'RECEIVED',
            i.priority, i.departure_time, 1, i.traceparent, i.trace_id, i.at, i.at, (
            SELECT p.referral_id FROM intake.referrals p
            WHERE p.identity_key = i.identity_key AND p.state = 'CLOSED'
            ORDER BY p.create_time DESC LIMIT 1)
        FROM item i
        WHERE NOT EXISTS (SELECT FROM intake.submissions s
            WHERE s.referrer = i.referrer AND s.request_id = i.request_id)
        ORDER BY i.place
        ON CONFLICT (identity_key) WHERE state <> 'CLOSED' DO NOTHING
        RETURNING referral_id
    ), submitted AS (
        INSERT INTO intake.submissions (submission_id, referral_id, referrer, request_id,
            body_sha256, answer, detail, create_time)
        SELECT i.submission_id, i.referral_id, i.referrer, i.request_id, i.body_sha256,
            i.answer, i.detail::jsonb, i.at
        FROM item i WHERE i.referral_id = ANY (ARRAY(SELECT referral_id FROM created))
    ), recorded AS (
        INSERT INTO intake.events (referral_id, sequence, event_key, type, state, actor,
            trace_id, detail_kind, detail, occur_time, record_time)
        SELECT i.referral_id, 1, 's/' || i.submission_id, 'RECEIVED', 'RECEIVED', i.actor,
            i.trace_id, 'submission',
            jsonb_build_object('submissionId', i.submission_id, 'referrer', i.referrer),
            i.at, i.at
        FROM item i WHERE i.referral_id = ANY (ARRAY(SELECT referral_id FROM created))
        ORDER BY i.place
    ), told AS (
        INSERT INTO intake.inbox_items (item_id, kind, referral_id, payload, traceparent,
            priority, created_at, available_at)
        SELECT i.submission_id, 'referral.accepted', i.referral_id, i.payload, i.traceparent,
            i.priority, i.at, i.at
        FROM item i WHERE i.referral_id = ANY (ARRAY(SELECT referral_id FROM created))
    )
    SELECT array_agg(referral_id) AS made, pg_notify($26, ''), pg_notify($27, '')
    FROM created HAVING count(*) > 0
"""


async def store_new(
    conn: asyncpg.Connection, items: Sequence[NewSubmission]
) -> dict[UUID, pb.SubmitReferralResponse]:
    """Answers, by submission id, to those of ``items`` that made a referral; they are committed.

    No two of ``items`` are the same request.

    Raises:
        asyncpg.PostgresError, OSError: the database failed; nothing is stored. Among them
            UniqueViolationError: the same request was stored meanwhile.
    """
    plain = _plain(items)
    if not plain:
        return {}
    answers = [answer_to(item, item.referral_id, "CREATED", item) for item in plain]
    row = await conn.fetchrow(
        _INSERT, *_columns(plain, answers), EVENTS_CHANNEL, inbox.channel("intake")
    )
    made = frozenset(row["made"] if row is not None else ())
    return {
        item.submission_id: answer
        for item, answer in zip(plain, answers, strict=True)
        if item.referral_id in made
    }


def _plain(items: Sequence[NewSubmission]) -> list[NewSubmission]:
    """Those that are one event and one row a table, if their content is new; sorted by content,
    so that two transactions never wait for each other."""
    times = Counter(item.identity_key for item in items)
    plain = [
        item
        for item in items
        if times[item.identity_key] == 1 and not item.evidence and item.hold is None
    ]
    return sorted(plain, key=lambda item: item.identity_key)


def _columns(
    items: Sequence[NewSubmission], answers: Sequence[pb.SubmitReferralResponse]
) -> list[list[Any]]:
    rows = [
        (
            i.referral_id,
            i.submission_id,
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
            PRIORITIES[i.urgency],
            i.departure_time,
            i.traceparent,
            i.trace_id,
            i.received_at,
            i.referrer,
            i.actor,
            i.request_id,
            i.body_sha256,
            answer.SerializeToString(),
            json.dumps(i.detail),
            start_payload(i, i.referral_id),
        )
        for i, answer in zip(items, answers, strict=True)
    ]
    return [list(column) for column in zip(*rows, strict=True)]
