"""AcknowledgementService: what a platform tells us is stored, whatever its timing."""

from __future__ import annotations

from typing import Any, Final

from sqlalchemy.ext.asyncio import AsyncEngine

from services.acknowledgement import store, wire
from services.acknowledgement.domain import own_platform
from services.acknowledgement.store import NewPlatformEvent
from services.kernel import db, telemetry
from services.kernel.clock import Clock
from services.kernel.grpc_errors import as_domain_error, to_status
from services.kernel.identity import current_identity
from services.kernel.interceptors import validate
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
        places: list[int] = []
        for number, one in enumerate(request.requests):
            try:
                validate(one)
                events.append(self._read(one.platform_event))
                places.append(number)
            except Exception as error:
                results[number].error.CopyFrom(to_status(as_domain_error(error)))
        if events:
            async with db.raw(self._engine) as conn:
                stored = await store.store(conn, events)
            for number, fresh in zip(places, stored, strict=True):
                results[number].response.CopyFrom(wire.recorded(fresh))
        return pb.BatchRecordPlatformEventsResponse(results=results)

    def _read(self, event: platform_event_pb2.PlatformEvent) -> NewPlatformEvent:
        own_platform(current_identity().name, event.platform)
        return wire.read(event, self._clock.now(), telemetry.current_traceparent())
