"""Notices and answers of one platform's adapter."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import asyncpg
from sqlalchemy.ext.asyncio import AsyncEngine

from services.adapters.tables import schema
from services.kernel import db

Row = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class NewNotice:
    notice_id: UUID
    referral_id: UUID
    number: int
    body: bytes
    sha256: str
    media_type: str
    sandbox: bool
    profile_version: str
    traceparent: str
    prepared_at: datetime


@dataclass(frozen=True, slots=True)
class NewAnswer:
    """``source`` and ``source_id`` together tell a repetition."""

    source: str
    source_id: str
    body_sha256: str
    notice_id: str
    event: bytes


class Store:
    """Every method is one transaction. Raises what the database raises."""

    def __init__(self, engine: AsyncEngine, platform: str) -> None:
        self._engine = engine
        self._schema = schema(platform)

    async def keep_notice(self, new: NewNotice) -> Row:
        """The stored notice: this one, or the one that was there under its id already."""
        async with db.raw(self._engine) as conn:
            await conn.execute(
                f"""
                INSERT INTO {self._schema}.notices (notice_id, referral_id, number, body, sha256,
                    media_type, sandbox, profile_version, traceparent, prepare_time)
                VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
                ON CONFLICT (notice_id) DO NOTHING
                """,  # noqa: S608 - the schema is made from the platform's checked slug
                new.notice_id,
                new.referral_id,
                new.number,
                new.body,
                new.sha256,
                new.media_type,
                new.sandbox,
                new.profile_version,
                new.traceparent,
                new.prepared_at,
            )
            return await self._notice(conn, new.notice_id)

    async def notice(self, notice_id: UUID) -> Row | None:
        async with db.raw(self._engine) as conn:
            return await self._notice(conn, notice_id)

    async def _notice(self, conn: asyncpg.Connection, notice_id: UUID) -> Row:
        row: Row = await conn.fetchrow(
            f"SELECT * FROM {self._schema}.notices WHERE notice_id = $1",  # noqa: S608
            notice_id,
        )
        return row

    async def delivered(
        self, notice_id: UUID, reference: str, now: datetime, next_poll: datetime | None
    ) -> Row:
        async with db.raw(self._engine) as conn:
            await conn.execute(
                f"""
                UPDATE {self._schema}.notices
                SET deliver_time = coalesce(deliver_time, $3), platform_reference = $2,
                    next_poll_time = coalesce(next_poll_time, $4)
                WHERE notice_id = $1
                """,  # noqa: S608
                notice_id,
                reference,
                now,
                next_poll,
            )
            return await self._notice(conn, notice_id)

    async def withdrawn(self, notice_id: UUID, now: datetime, *, told: bool) -> Row | None:
        """Mark a notice withdrawn; ``told`` once the platform knows."""
        async with db.raw(self._engine) as conn:
            await conn.execute(
                f"""
                UPDATE {self._schema}.notices
                SET withdraw_time = coalesce(withdraw_time, $2),
                    withdraw_deliver_time = CASE WHEN $3 THEN coalesce(withdraw_deliver_time, $2)
                        ELSE withdraw_deliver_time END,
                    next_poll_time = CASE WHEN $3 THEN NULL ELSE next_poll_time END
                WHERE notice_id = $1
                """,  # noqa: S608
                notice_id,
                now,
                told,
            )
            return await self._notice(conn, notice_id)

    async def due_polls(self, now: datetime, until: datetime, limit: int) -> list[Row]:
        """Claim notices that are due to be asked about, moving each to its next turn."""
        async with db.raw(self._engine) as conn:
            rows: list[Row] = await conn.fetch(
                f"""
                UPDATE {self._schema}.notices SET next_poll_time = $2
                WHERE notice_id IN (
                    SELECT notice_id FROM {self._schema}.notices
                    WHERE next_poll_time <= $1 ORDER BY next_poll_time LIMIT $3
                    FOR UPDATE SKIP LOCKED)
                RETURNING *
                """,  # noqa: S608
                now,
                until,
                limit,
            )
            return rows

    async def stop_polling(self, notice_id: UUID) -> None:
        async with db.raw(self._engine) as conn:
            await conn.execute(
                f"UPDATE {self._schema}.notices SET next_poll_time = NULL"  # noqa: S608
                " WHERE notice_id = $1",
                notice_id,
            )

    async def keep_answer(self, new: NewAnswer, now: datetime) -> str | None:
        """None when it is new; else the digest under which it is stored already."""
        async with db.raw(self._engine) as conn:
            inserted = await conn.fetchval(
                f"""
                INSERT INTO {self._schema}.answers
                    (source, source_id, body_sha256, notice_id, event, receive_time)
                VALUES ($1, $2, $3, $4, $5, $6)
                ON CONFLICT (source, source_id) DO NOTHING RETURNING source_id
                """,  # noqa: S608
                new.source,
                new.source_id,
                new.body_sha256,
                new.notice_id,
                new.event,
                now,
            )
            if inserted is not None:
                return None
            known: str = await conn.fetchval(
                f"SELECT body_sha256 FROM {self._schema}.answers"  # noqa: S608
                " WHERE source = $1 AND source_id = $2",
                new.source,
                new.source_id,
            )
            return known

    async def unforwarded(self, limit: int) -> list[Row]:
        async with db.raw(self._engine) as conn:
            rows: list[Row] = await conn.fetch(
                f"""
                SELECT a.*, n.traceparent FROM {self._schema}.answers a
                LEFT JOIN {self._schema}.notices n ON n.notice_id::text = a.notice_id
                WHERE a.forward_time IS NULL ORDER BY a.position LIMIT $1
                """,  # noqa: S608
                limit,
            )
            return rows

    async def forwarded(self, keys: Sequence[tuple[str, str]], now: datetime) -> None:
        async with db.raw(self._engine) as conn:
            await conn.executemany(
                f"UPDATE {self._schema}.answers SET forward_time = $3"  # noqa: S608
                " WHERE source = $1 AND source_id = $2",
                [(source, source_id, now) for source, source_id in keys],
            )

    async def answers_to(self, notice_id: UUID) -> list[bytes]:
        async with db.raw(self._engine) as conn:
            rows = await conn.fetch(
                f"SELECT event FROM {self._schema}.answers"  # noqa: S608
                " WHERE notice_id = $1 ORDER BY position",
                str(notice_id),
            )
        return [bytes(row["event"]) for row in rows]
