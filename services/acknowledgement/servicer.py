"""AcknowledgementService: what a platform tells us is stored, whatever its timing."""

from __future__ import annotations

from typing import Any, Final

from google.rpc import status_pb2
from sqlalchemy.ext.asyncio import AsyncEngine

from services.acknowledgement import store, wire
from services.acknowledgement.domain import own_platform
from services.acknowledgement.store import NewPlatformEvent
from services.kernel import batch, db, telemetry
from services.kernel.clock import Clock
from services.kernel.identity import current_identity
from takedown.acknowledgement.v1 import acknowledgement_service_pb2 as pb
from takedown.acknowledgement.v1 import acknowledgement_service_pb2_grpc as pb_grpc
from takedown.referral.v1 import platform_event_pb2

SERVICE: Final = "takedown.acknowledgement.v1.AcknowledgementService"


class AcknowledgementServicer(pb_grpc.AcknowledgementServiceServicer):
    def __init__(self, engine: AsyncEngine, clock: Clock) -> None:
        self._engine = engine
        self._clock = clock

    async def RecordPlatformEvent(  # noqa: N802
        self, request: pb.RecordPlatformEventRequest, context: Any
    ) -> pb.RecordPlatformEventResponse:
        event = self._read(request.platform_event)
        async with db.raw(self._engine) as conn:
            (fresh,) = await store.store(conn, [event])
        return wire.recorded(fresh)

    async def BatchRecordPlatformEvents(  # noqa: N802
        self, request: pb.BatchRecordPlatformEventsRequest, context: Any
    ) -> pb.BatchRecordPlatformEventsResponse:
        results = [pb.BatchRecordResult() for _ in request.requests]
        events: list[NewPlatformEvent] = []
        places: list[pb.BatchRecordResult] = []
        read = batch.read_each(request.requests, lambda one: self._read(one.platform_event))
        for result, event in zip(results, read, strict=True):
            if isinstance(event, status_pb2.Status):
                result.error.CopyFrom(event)
            else:
                events.append(event)
                places.append(result)
        if events:
            async with db.raw(self._engine) as conn:
                stored = await store.store(conn, events)
            for result, fresh in zip(places, stored, strict=True):
                result.response.CopyFrom(wire.recorded(fresh))
        return pb.BatchRecordPlatformEventsResponse(results=results)

    def _read(self, event: platform_event_pb2.PlatformEvent) -> NewPlatformEvent:
        own_platform(current_identity().name, event.platform)
        return wire.read(event, self._clock.now(), telemetry.current_traceparent())
