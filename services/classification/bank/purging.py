"""Deletes what ended a month ago, a batch at a time."""

from __future__ import annotations

import asyncio
from typing import Final

import asyncpg
import structlog
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncEngine

from services.classification.bank import keys, numbers
from services.kernel import db, waiting
from services.kernel.clock import Clock

_AWAY: Final = (
    SQLAlchemyError, asyncpg.PostgresError, asyncpg.InterfaceError, OSError, TimeoutError,
)  # fmt: skip
_log = structlog.get_logger("signal_bank")


class Purging:
    def __init__(self, engine: AsyncEngine, clock: Clock) -> None:
        self._engine = engine
        self._clock = clock

    async def purge(self) -> int:
        """Delete a batch of what ended a month ago; how many signals lost their digests.

        An expired signal goes whole. Of a withdrawn one stays that it was withdrawn.
        """
        before = self._clock.now() - numbers.PURGED_AFTER
        async with db.raw(self._engine) as conn, conn.transaction():
            gone = await conn.fetch(
                "DELETE FROM classification.signals WHERE signal_id IN (SELECT signal_id FROM"
                " classification.signals WHERE expire_time <= $1 AND withdraw_time IS NULL"
                " ORDER BY expire_time LIMIT $2 FOR UPDATE SKIP LOCKED) RETURNING signal_id",
                before, numbers.PURGE_BATCH,
            )  # fmt: skip
            emptied = await conn.fetch(
                "UPDATE classification.signals SET digest = NULL, signature = NULL, words = NULL,"
                " purge_time = $3 WHERE signal_id IN (SELECT signal_id FROM"
                " classification.signals WHERE withdraw_time <= $1 AND purge_time IS NULL"
                " ORDER BY withdraw_time LIMIT $2 FOR UPDATE SKIP LOCKED) RETURNING signal_id",
                before, numbers.PURGE_BATCH, self._clock.now(),
            )  # fmt: skip
            await keys.delete_keys(conn, [row["signal_id"] for row in emptied])
        return len(gone) + len(emptied)

    async def background(self, stop: asyncio.Event) -> None:
        """Purge from time to time until told to stop; a database that is away is tried again."""
        pause = 0.0
        while not await waiting.until_any(pause, stop):
            pause = numbers.PURGE_SECONDS
            try:
                purged = await self.purge()
            except _AWAY as error:
                _log.warning("signals_not_purged", type=type(error).__name__)
                continue
            if purged:
                _log.info("signals_purged", count=purged)
                # There may be more: the next batch after a breath.
                pause = 1.0
