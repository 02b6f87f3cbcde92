"""Clarifications of one platform's adapter: what it was told, stored before it is told."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

import asyncpg
from sqlalchemy.ext.asyncio import AsyncEngine

from services.adapters.store import Row
from services.adapters.tables import schema
from services.kernel import db


class Clarifications:
    """Every method is one transaction. Raises what the database raises."""

    def __init__(self, engine: AsyncEngine, platform: str) -> None:
        self._engine = engine
        self._table = f"{schema(platform)}.clarifications"

    async def keep(
        self, notice_id: UUID, clarification_id: str, body: bytes, sha256: str, now: datetime
    ) -> Row:
        """The stored answer: this one, or the one that was there already.

        Words that the platform refused make way for others; any other words stay.
        """
        async with db.raw(self._engine) as conn:
            await conn.execute(
                f"""
                INSERT INTO {self._table} AS c
                    (notice_id, clarification_id, body, sha256, store_time)
                VALUES ($1, $2, $3, $4, $5)
                ON CONFLICT (notice_id, clarification_id) DO UPDATE
                SET body = excluded.body, sha256 = excluded.sha256,
                    store_time = excluded.store_time, refuse_time = NULL
                WHERE c.refuse_time IS NOT NULL
                """,  # noqa: S608 - the schema is made from the platform's checked slug
                notice_id,
                clarification_id,
                body,
                sha256,
                now,
            )
            return await self._row(conn, notice_id, clarification_id)

    async def settle(
        self, notice_id: UUID, clarification_id: str, now: datetime, *, refused: bool
    ) -> None:
        """The platform has it, or will never take it."""
        column = "refuse_time" if refused else "deliver_time"
        async with db.raw(self._engine) as conn:
            await conn.execute(
                f"UPDATE {self._table} SET {column} = coalesce({column}, $3)"  # noqa: S608
                " WHERE notice_id = $1 AND clarification_id = $2",
                notice_id,
                clarification_id,
                now,
            )

    async def _row(self, conn: asyncpg.Connection, notice_id: UUID, clarification_id: str) -> Row:
        row: Row = await conn.fetchrow(
            f"SELECT * FROM {self._table}"  # noqa: S608
            " WHERE notice_id = $1 AND clarification_id = $2",
            notice_id,
            clarification_id,
        )
        return row
