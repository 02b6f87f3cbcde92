"""Accepting what is new, and nothing else: one statement, which is a transaction of its own.

Most submissions name content that nobody has referred yet, and bring no evidence and no hold. For
them the way to the database and back is gone once instead of five times. Whatever the statement
does not store has left no trace and goes the long way.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from typing import Any, Final
from uuid import UUID

import asyncpg

from services.intake.accept_rows import (
    CREATED,
    EVENTS_CHANNEL,
    ITEM_NAMES,
    ITEM_TYPES,
    columns,
    of_referral,
)
from services.intake.answers import answer_to, start_payload
from services.intake.submission import NewSubmission
from services.kernel import inbox
from takedown.intake.v1 import referral_service_pb2 as pb

# The rest waits for all referrals to be made: an array is complete before it is used.
_IS_CREATED: Final = "i.referral_id = ANY (ARRAY(SELECT referral_id FROM created))"
_INSERT: Final = f"""
    WITH item AS (
        SELECT * FROM unnest({ITEM_TYPES}, $22::uuid[], $23::text[], $24::bytea[],
            $25::bytea[], $26::text[], $27::bytea[])
        WITH ORDINALITY AS n({ITEM_NAMES}, submission_id, actor, body_sha256,
            answer, detail, payload, place)
    ), created AS ({CREATED}
    ), submitted AS (
        INSERT INTO intake.submissions (submission_id, referral_id, referrer, request_id,
            body_sha256, answer, detail, create_time)
        SELECT i.submission_id, i.referral_id, i.referrer, i.request_id, i.body_sha256,
            i.answer, i.detail::jsonb, i.at
        FROM item i WHERE {_IS_CREATED}
    ), recorded AS (
        INSERT INTO intake.events (referral_id, sequence, event_key, type, state, actor,
            trace_id, detail_kind, detail, occur_time, record_time)
        SELECT i.referral_id, 1, 's/' || i.submission_id, 'RECEIVED', 'RECEIVED', i.actor,
            i.trace_id, 'submission',
            jsonb_build_object('submissionId', i.submission_id, 'referrer', i.referrer),
            i.at, i.at
        FROM item i WHERE {_IS_CREATED}
        ORDER BY i.place
    ), told AS (
        INSERT INTO intake.inbox_items (item_id, kind, referral_id, payload, traceparent,
            priority, created_at, available_at)
        SELECT i.submission_id, 'referral.accepted', i.referral_id, i.payload, i.traceparent,
            i.priority, i.at, i.at
        FROM item i WHERE {_IS_CREATED}
    )
    SELECT array_agg(referral_id) AS made, pg_notify($28, ''), pg_notify($29, '')
    FROM created HAVING count(*) > 0
"""  # noqa: S608 - constants of this package


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
    return columns(
        [
            (
                *of_referral(item),
                item.submission_id,
                item.actor,
                item.body_sha256,
                answer.SerializeToString(),
                json.dumps(item.detail),
                start_payload(item, item.referral_id),
            )
            for item, answer in zip(items, answers, strict=True)
        ]
    )
