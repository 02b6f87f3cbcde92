"""WatchReferralEvents: every event once, in an order in which none can be missed.

One listener per process hears NOTIFY and wakes every watcher; each then reads on from its
own cursor. NOTIFY is a hint: a slow poll is the guarantee.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any, Final
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncEngine

from services.intake import queries, wire
from services.intake.accept_rows import EVENTS_CHANNEL
from services.intake.queries import Reader
from services.kernel import db, page_tokens, waiting
from services.kernel.config import DatabaseSettings
from takedown.intake.v1 import referral_service_pb2 as pb

POLL_SECONDS: Final = 1.0
MAX_AGE_SECONDS: Final = 1800.0
_CURSOR: Final = "cursor"


class Watch:
    """``background`` must run beside it."""

    def __init__(
        self, engine: AsyncEngine, database: DatabaseSettings, heartbeat_seconds: float
    ) -> None:
        self._engine = engine
        self._database = database
        self._heartbeat = heartbeat_seconds
        self._watchers: set[asyncio.Event] = set()
        self._stopping = asyncio.Event()

    async def background(self, stop: asyncio.Event) -> None:
        """Pass every NOTIFY on to every watcher; end them all when the server drains."""
        heard = asyncio.Event()
        listening = asyncio.create_task(db.listen(self._database, EVENTS_CHANNEL, heard, stop))
        stopping = asyncio.create_task(stop.wait())
        while not stop.is_set():
            hearing = asyncio.create_task(heard.wait())
            await asyncio.wait([hearing, stopping], return_when=asyncio.FIRST_COMPLETED)
            hearing.cancel()
            heard.clear()
            for watcher in self._watchers:
                watcher.set()
        self._stopping.set()
        for watcher in self._watchers:
            watcher.set()
        await listening

    async def follow(
        self, reader: Reader, referral_id: UUID | None, cursor: str
    ) -> AsyncIterator[pb.WatchReferralEventsResponse]:
        """Events behind ``cursor``, for at most half an hour; the caller resumes after that.

        Raises:
            DomainError: INVALID for a cursor that this service did not make.
        """
        place: tuple[int, int] = (0, 0)
        if cursor:
            xid, position = page_tokens.read_token(cursor, _CURSOR, queries.whole, queries.whole)
            place = (xid, position)
        changed = asyncio.Event()
        self._watchers.add(changed)
        try:
            async for response in self._follow(reader, referral_id, place, changed):
                yield response
        finally:
            self._watchers.discard(changed)

    async def _follow(
        self,
        reader: Reader,
        referral_id: UUID | None,
        place: tuple[int, int],
        changed: asyncio.Event,
    ) -> AsyncIterator[pb.WatchReferralEventsResponse]:
        loop = asyncio.get_running_loop()
        until, beat = loop.time() + MAX_AGE_SECONDS, loop.time() + self._heartbeat
        while loop.time() < until and not self._stopping.is_set():
            changed.clear()
            async with db.raw(self._engine) as conn:
                rows = await queries.events_since(conn, reader, referral_id, place)
            for row in rows:
                place = (int(row["xid_text"]), row["position"])
                yield self._response(row, reader, place)
            if rows:
                beat = loop.time() + self._heartbeat
                continue
            if loop.time() >= beat:
                yield pb.WatchReferralEventsResponse(cursor=page_tokens.page_token(*place))
                beat = loop.time() + self._heartbeat
            await waiting.until_any(POLL_SECONDS, changed)

    @staticmethod
    def _response(
        row: Any, reader: Reader, place: tuple[int, int]
    ) -> pb.WatchReferralEventsResponse:
        event = wire.event(row, hide_submission_of_others=reader.referrer)
        return pb.WatchReferralEventsResponse(event=event, cursor=page_tokens.page_token(*place))
