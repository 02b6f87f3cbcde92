"""Reading the record: always as somebody. A referrer sees what it has a submission on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import asyncpg

from services.intake.record import unknown_referral
from services.kernel.errors import not_found
from services.kernel.page_tokens import page_token, read_token

Row = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Reader:
    """``referrer`` "" sees everything: operators and the worker."""

    referrer: str = ""

    @property
    def condition(self) -> str:
        """SQL on a table ``r`` with a referral_id; parameter $1 is the referrer."""
        return (
            "($1 = '' OR EXISTS (SELECT 1 FROM intake.submissions own"
            " WHERE own.referral_id = r.referral_id AND own.referrer = $1))"
        )


@dataclass(frozen=True)
class Filters:
    states: Sequence[str] = ()
    platforms: Sequence[str] = ()
    outcomes: Sequence[str] = ()
    campaign_id: str = ""
    updated_since: datetime | None = None


@dataclass(frozen=True)
class Page:
    rows: list[Row]
    next_token: str = ""
    submissions: dict[UUID, list[Row]] = field(default_factory=dict)


def whole(value: Any) -> int:
    """A count or position in a token. Raises ValueError for what no database counts to."""
    if type(value) is not int or not 0 <= value < 2**63:
        raise ValueError("no position")
    return value


def name(value: Any) -> str:
    """A name in a token. Raises ValueError for what no name is."""
    if not isinstance(value, str) or "\x00" in value:
        raise ValueError("no name")
    return value


def instant(value: str) -> datetime:
    """A moment in a token. Raises ValueError for one without its time zone."""
    moment = datetime.fromisoformat(value)
    if moment.tzinfo is None:
        raise ValueError("no time zone")
    return moment


async def referral(conn: asyncpg.Connection, reader: Reader, referral_id: UUID) -> Row:
    """One referral. Raises DomainError NOT_FOUND for an unknown id and for a foreign one."""
    row: Row | None = await conn.fetchrow(
        f"SELECT * FROM intake.referrals r WHERE {reader.condition} AND r.referral_id = $2",  # noqa: S608
        reader.referrer,
        referral_id,
    )
    if row is None:
        raise unknown_referral()
    return row


async def submissions(
    conn: asyncpg.Connection, reader: Reader, referral_ids: Sequence[UUID]
) -> dict[UUID, list[Row]]:
    rows = await conn.fetch(
        "SELECT submission_id, referral_id, referrer, request_id, detail, create_time,"
        " withdraw_time FROM intake.submissions"
        " WHERE referral_id = ANY($2) AND ($1 = '' OR referrer = $1)"
        " ORDER BY create_time, submission_id",
        reader.referrer,
        list(referral_ids),
    )
    grouped: dict[UUID, list[Row]] = {}
    for row in rows:
        grouped.setdefault(row["referral_id"], []).append(row)
    return grouped


async def evidence(conn: asyncpg.Connection, evidence_id: UUID) -> Row:
    """One piece of evidence with its bytes. Raises DomainError NOT_FOUND for an unknown id."""
    row: Row | None = await conn.fetchrow(
        "SELECT * FROM intake.evidence WHERE evidence_id = $1", evidence_id
    )
    if row is None:
        raise not_found(
            "EVIDENCE_NOT_FOUND",
            "No such evidence; take the id from a submission of its referral.",
        )
    return row


async def list_referrals(
    conn: asyncpg.Connection, reader: Reader, filters: Filters, size: int, token: str
) -> Page:
    """Newest first by creation."""
    after = UUID("ffffffff-ffff-ffff-ffff-ffffffffffff")
    if token:
        (after,) = read_token(token, "page_token", UUID)
    rows = await conn.fetch(
        f"""
        SELECT * FROM intake.referrals r
        WHERE {reader.condition} AND r.referral_id < $2
            AND (cardinality($3::text[]) = 0 OR r.state = ANY($3))
            AND (cardinality($4::text[]) = 0 OR r.platform = ANY($4))
            AND (cardinality($5::text[]) = 0 OR r.outcome = ANY($5))
            AND ($6 = '' OR r.campaign_id = $6)
            AND ($7::timestamptz IS NULL OR r.update_time >= $7)
        ORDER BY r.referral_id DESC LIMIT $8
        """,  # noqa: S608
        reader.referrer,
        after,
        list(filters.states),
        list(filters.platforms),
        list(filters.outcomes),
        filters.campaign_id,
        filters.updated_since,
        size + 1,
    )
    return await _page(conn, reader, rows, size, ("referral_id",))


@dataclass(frozen=True)
class WorkFilters:
    """``leave_out_claimed_except``: hide what others than this reviewer have claimed at ``now``;
    ``leave_out_decided_by``: hide what this reviewer decided first. "" hides nothing."""

    now: datetime
    platforms: Sequence[str] = ()
    leave_out_claimed_except: str = ""
    leave_out_decided_by: str = ""


async def list_work(conn: asyncpg.Connection, filters: WorkFilters, size: int, token: str) -> Page:
    """Open reviews: departure first, then urgency, then age."""
    priority, moment, last = -1, datetime(1970, 1, 1, tzinfo=UTC), UUID(int=0)
    if token:
        parts = read_token(token, "page_token", whole, instant, UUID)
        priority, moment, last = parts
    rows = await conn.fetch(
        """
        SELECT * FROM intake.referrals r
        WHERE r.state = 'IN_REVIEW' AND NOT coalesce(r.detail -> 'review' ? 'decision', false)
            AND (r.priority, r.create_time, r.referral_id) > ($1::bigint, $2, $3)
            AND (cardinality($4::text[]) = 0 OR r.platform = ANY($4))
            AND ($6 = '' OR r.detail -> 'review' ->> 'claimedBy' IS NULL
                OR r.detail -> 'review' ->> 'claimedBy' = $6
                OR (r.detail -> 'review' ->> 'claimExpireTime')::timestamptz <= $7)
            AND ($8 = '' OR r.detail -> 'review' ->> 'firstDecidedBy' IS DISTINCT FROM $8)
        ORDER BY r.priority, r.create_time, r.referral_id LIMIT $5
        """,
        priority,
        moment,
        last,
        list(filters.platforms),
        size + 1,
        filters.leave_out_claimed_except,
        filters.now,
        filters.leave_out_decided_by,
    )
    return await _page(conn, Reader(), rows, size, ("priority", "create_time", "referral_id"))


async def _page(
    conn: asyncpg.Connection, reader: Reader, rows: list[Row], size: int, key: tuple[str, ...]
) -> Page:
    shown = rows[:size]
    more = len(rows) > size
    token = page_token(*[shown[-1][name] for name in key]) if more else ""
    owned = await submissions(conn, reader, [row["referral_id"] for row in shown])
    return Page(list(shown), token, owned)


async def list_events(
    conn: asyncpg.Connection, referral_id: UUID, after: int, size: int
) -> list[Row]:
    """Events of one referral after a sequence; the caller has checked that it may see it."""
    rows: list[Row] = await conn.fetch(
        "SELECT * FROM intake.events WHERE referral_id = $1 AND sequence > $2"
        " ORDER BY sequence LIMIT $3",
        referral_id,
        after,
        size,
    )
    return rows


async def events_since(
    conn: asyncpg.Connection, reader: Reader, referral_id: UUID | None, cursor: tuple[int, int]
) -> list[Row]:
    """Events behind a cursor (xid, position), in an order in which none can appear later.

    Only what every running transaction can no longer precede is given out.
    """
    rows: list[Row] = await conn.fetch(
        f"""
        SELECT r.*, r.xid::text AS xid_text FROM intake.events r
        WHERE {reader.condition} AND ($2::uuid IS NULL OR r.referral_id = $2)
            AND (r.xid, r.position) > ($3::text::xid8, $4)
            AND r.xid < pg_snapshot_xmin(pg_current_snapshot())
        ORDER BY r.xid, r.position LIMIT 500
        """,  # noqa: S608
        reader.referrer,
        referral_id,
        str(cursor[0]),
        cursor[1],
    )
    return rows
