"""Stored answers go on to acknowledgement, and notices that are due are asked about."""

from __future__ import annotations

import asyncio
from datetime import datetime, timedelta
from typing import Final

import grpc
import structlog

from services.adapters.answers import AnswerNotUnderstoodError, from_poll
from services.adapters.channels.api import ApiChannel
from services.adapters.profiles.table import Answers, Profile
from services.adapters.store import Row, Store
from services.kernel import telemetry, waiting
from services.kernel.clock import Clock
from services.kernel.grpc_errors import DEPENDENCY_AWAY, as_domain_error, from_rpc_error
from takedown.acknowledgement.v1 import acknowledgement_service_pb2 as pb
from takedown.acknowledgement.v1.acknowledgement_service_pb2_grpc import (
    AcknowledgementServiceStub,
)
from takedown.referral.v1 import platform_event_pb2

BATCH: Final = 50
IDLE_SECONDS: Final = 2.0
DEADLINE: Final = 10.0
# How long an answer waits that acknowledgement refused, while later ones go on.
REFUSED_PAUSE: Final = timedelta(minutes=5)
# Nothing gets through then: what comes after this answer waits as well.
_AWAY: Final = DEPENDENCY_AWAY | {
    grpc.StatusCode.CANCELLED,
    grpc.StatusCode.UNAUTHENTICATED,
    grpc.StatusCode.PERMISSION_DENIED,
}
SHORTEST_POLL: Final = timedelta(milliseconds=300)
_log = structlog.get_logger("forwarder")


class Forwarder:
    """Hands stored answers to acknowledgement, oldest first, until each is taken."""

    def __init__(self, store: Store, acknowledgement: grpc.aio.Channel, clock: Clock) -> None:
        self._store = store
        self._stub = AcknowledgementServiceStub(acknowledgement)
        self._clock = clock
        self._hurry = asyncio.Event()
        # Until when each refused answer waits, by its key.
        self._refused: dict[tuple[str, str], datetime] = {}

    async def hurry(self) -> None:
        """A new answer is stored: forward it now rather than at the next turn."""
        self._hurry.set()

    async def run(self, stop: asyncio.Event) -> None:
        while not stop.is_set():
            self._hurry.clear()
            try:
                busy = await self._forward()
            except grpc.aio.AioRpcError as error:
                # Kept, and sent again: an answer is stored before it is acted on.
                _log.info("forward_later", reason=from_rpc_error(error).reason)
                busy = False
            except Exception as error:
                _log.info("forward_later", reason=as_domain_error(error).reason)
                busy = False
            if not busy:
                await waiting.until_any(IDLE_SECONDS, stop, self._hurry)

    async def _forward(self) -> bool:
        now = self._clock.now()
        self._refused = {key: until for key, until in self._refused.items() if until > now}
        limit = BATCH + len(self._refused)
        rows = await self._store.unforwarded(limit)
        for row in rows:
            if (row["source"], row["source_id"]) not in self._refused:
                await self._hand_on(row)
        return len(rows) == limit

    async def _hand_on(self, row: Row) -> None:
        """One answer; one that is refused stays stored, and does not hold up those behind it."""
        key = row["source"], row["source_id"]
        try:
            with telemetry.restored(row["traceparent"] or ""):
                event = platform_event_pb2.PlatformEvent.FromString(row["event"])
                request = pb.RecordPlatformEventRequest(platform_event=event)
                await self._stub.RecordPlatformEvent(request, timeout=DEADLINE)
        except grpc.aio.AioRpcError as error:
            if error.code() in _AWAY:
                raise
            self._refused[key] = self._clock.now() + REFUSED_PAUSE
            reason = from_rpc_error(error).reason
            _log.error("answer_refused", notice_id=row["notice_id"], reason=reason)
            return
        await self._store.forwarded([key], self._clock.now())


class Poller:
    """Asks a platform that does not push what became of our notices."""

    def __init__(
        self,
        profile: Profile,
        channel: ApiChannel,
        store: Store,
        forwarder: Forwarder,
        clock: Clock,
        time_scale: float,
    ) -> None:
        self._profile = profile
        self._channel = channel
        self._store = store
        self._forwarder = forwarder
        self._clock = clock
        self.interval = max(profile.poll_interval * time_scale, SHORTEST_POLL)

    def first_poll(self, now: datetime) -> datetime | None:
        """When a notice just delivered is asked about first; None when answers are pushed."""
        return now + self.interval if self._profile.answers is Answers.POLL else None

    async def run(self, stop: asyncio.Event) -> None:
        if self._profile.answers is not Answers.POLL:
            await stop.wait()
            return
        pause = min(self.interval.total_seconds() / 2, IDLE_SECONDS)
        while not stop.is_set():
            try:
                await self._turn()
            except Exception as error:
                _log.info("poll_later", reason=as_domain_error(error).reason)
            await waiting.until_any(pause, stop)

    async def _turn(self) -> None:
        now = self._clock.now()
        for row in await self._store.due_polls(now, now + self.interval, BATCH):
            try:
                await self._ask(row)
            except Exception as error:
                # One notice's failure must not cost the rest of the claimed batch its turn.
                _log.info("poll_failed", reason=as_domain_error(error).reason)

    async def _ask(self, row: Row) -> None:
        status = await self._channel.ask(row["notice_id"])
        fresh = False
        for answer in status.answers:
            try:
                new = from_poll(self._profile.platform, answer)
            except AnswerNotUnderstoodError as error:
                _log.warning("answer_not_understood", reason=str(error))
                continue
            fresh |= await self._store.keep_answer(new, self._clock.now()) is None
        if fresh:
            await self._forwarder.hurry()
        if status.done:
            await self._store.stop_polling(row["notice_id"])
