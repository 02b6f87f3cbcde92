"""DeliveryService over the shared inbox: the same in intake and in acknowledgement."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing
from datetime import UTC, timedelta
from typing import Any, Final
from uuid import UUID

import grpc
from sqlalchemy.ext.asyncio import AsyncEngine

from services.kernel import db, inbox, waiting
from services.kernel.clock import Clock
from services.kernel.config import DatabaseSettings
from takedown.delivery.v1 import delivery_service_pb2 as pb
from takedown.delivery.v1 import delivery_service_pb2_grpc as pb_grpc

SERVICE: Final = "takedown.delivery.v1.DeliveryService"
POLL_SECONDS: Final = 0.5
STREAM_SECONDS: Final = 60.0
# One place in so many of a window is kept free for what is urgent.
URGENT_SHARE: Final = 4
DEFAULT_RETRY: Final = timedelta(seconds=1)
DEFAULT_REQUEUE: Final = 1000


class DeliveryServicer(pb_grpc.DeliveryServiceServicer):
    """``background`` must run beside it: it hears the NOTIFY that wakes waiting streams."""

    def __init__(
        self, engine: AsyncEngine, database: DatabaseSettings, schema: str, clock: Clock
    ) -> None:
        self._engine = engine
        self._database = database
        self._schema = schema
        self._clock = clock
        self._changed = asyncio.Event()
        self._stopping = asyncio.Event()
        # Claimant -> what tells its stream that a later one has taken its place.
        self._streams: dict[UUID, asyncio.Event] = {}

    def register(self, server: grpc.aio.Server) -> str:
        pb_grpc.add_DeliveryServiceServicer_to_server(self, server)
        return SERVICE

    async def background(self, stop: asyncio.Event) -> None:
        """Wake waiting streams on NOTIFY; end them when the server drains."""
        listening = asyncio.create_task(
            db.listen(self._database, inbox.channel(self._schema), self._changed, stop)
        )
        await stop.wait()
        self._stopping.set()
        self._changed.set()
        await listening

    async def Receive(  # noqa: N802 - the name is the contract's
        self, request: pb.ReceiveRequest, context: Any
    ) -> AsyncIterator[pb.ReceiveResponse]:
        claimant = UUID(request.claimant_id)
        replaced = await self._take_over(claimant)
        try:
            async with aclosing(self._claimed(request, claimant, replaced)) as responses:
                async for response in responses:
                    yield response
        except (asyncio.CancelledError, GeneratorExit):
            if not replaced.is_set():
                await asyncio.shield(self._release(claimant))
            raise
        finally:
            if self._streams.get(claimant) is replaced:
                del self._streams[claimant]

    async def _take_over(self, claimant: UUID) -> asyncio.Event:
        """End the claimant's former stream: nobody reads it, and it would go on claiming.

        A connection may be lost without our hearing of it; that its claimant asks again says so.
        """
        replaced = asyncio.Event()
        former = self._streams.get(claimant)
        self._streams[claimant] = replaced
        if former is not None:
            former.set()
            await self._release(claimant)
        return replaced

    async def _claimed(
        self, request: pb.ReceiveRequest, claimant: UUID, replaced: asyncio.Event
    ) -> AsyncGenerator[pb.ReceiveResponse, None]:
        lease = request.lease.ToTimedelta()
        loop = asyncio.get_running_loop()
        until = loop.time() + STREAM_SECONDS
        while loop.time() < until and not self._stopping.is_set() and not replaced.is_set():
            self._changed.clear()
            async with db.raw(self._engine) as conn:
                items = await inbox.claim(
                    conn,
                    self._schema,
                    claimant,
                    request.window,
                    lease,
                    self._clock.now(),
                    request.window // URGENT_SHARE,
                )
            for item in items:
                if replaced.is_set():
                    await self._release(claimant)
                    return
                yield pb.ReceiveResponse(item=_wire(item))
            if not items:
                await waiting.until_any(POLL_SECONDS, self._changed)

    async def _release(self, claimant: UUID) -> None:
        """The stream was cut: what was sent on it may have reached nobody.

        What did arrive may be handed out once more; delivering it twice changes nothing.
        """
        async with db.raw(self._engine) as conn:
            await inbox.release(conn, self._schema, claimant)
        self._changed.set()

    async def Complete(  # noqa: N802
        self, request: pb.CompleteRequest, context: Any
    ) -> pb.CompleteResponse:
        item_id = UUID(request.item_id)
        now = self._clock.now()
        async with db.raw(self._engine) as conn:
            if request.result == pb.DELIVERY_RESULT_DEFERRED:
                given = request.HasField("retry_after")
                pause = request.retry_after.ToTimedelta() if given else DEFAULT_RETRY
                await inbox.defer(conn, self._schema, item_id, now + pause, request.detail)
            else:
                result = pb.DeliveryResult.Name(request.result).removeprefix("DELIVERY_RESULT_")
                await inbox.complete(conn, self._schema, item_id, result, request.detail, now)
        # Room in a full window: its stream must not wait for the next poll.
        self._changed.set()
        return pb.CompleteResponse()

    async def RequeueUnmatched(  # noqa: N802
        self, request: pb.RequeueUnmatchedRequest, context: Any
    ) -> pb.RequeueUnmatchedResponse:
        limit = 0 if request.dry_run else request.limit or DEFAULT_REQUEUE
        async with db.raw(self._engine) as conn, conn.transaction():
            unmatched, requeued = await inbox.requeue_unmatched(
                conn, self._schema, limit, self._clock.now()
            )
        return pb.RequeueUnmatchedResponse(unmatched=unmatched, requeued=requeued)


def _wire(item: inbox.InboxItem) -> pb.InboxItem:
    shown = pb.InboxItem(
        item_id=str(item.item_id),
        kind=item.kind,
        referral_id=str(item.referral_id) if item.referral_id else "",
        payload=item.payload,
        traceparent=item.traceparent,
        priority=item.priority,
        attempts=item.attempts,
    )
    shown.create_time.FromDatetime(item.created_at.astimezone(UTC))
    return shown
