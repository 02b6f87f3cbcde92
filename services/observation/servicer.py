"""ObservationService: what we see for ourselves, apart from what anybody claims."""

from __future__ import annotations

import hashlib
from typing import Any, Final
from uuid import UUID

import obstore.exceptions

from services.kernel import telemetry
from services.kernel.clock import Clock
from services.kernel.errors import DomainError, ErrorKind, FieldViolation, invalid
from services.kernel.ids import uuid7
from services.observation import wire
from services.observation.client import GuardedClient
from services.observation.evidence import EvidenceStore
from services.observation.observer import Observer
from services.observation.store import Row, Store
from takedown.observation.v1 import observation_service_pb2 as pb
from takedown.observation.v1 import observation_service_pb2_grpc as pb_grpc
from takedown.referral.v1 import enums_pb2 as enums

SERVICE: Final = "takedown.observation.v1.ObservationService"


class ObservationServicer(pb_grpc.ObservationServiceServicer):
    def __init__(
        self,
        observer: Observer,
        client: GuardedClient,
        evidence: EvidenceStore,
        store: Store,
        clock: Clock,
        *,
        vantage: str,
    ) -> None:
        self._observer = observer
        self._client = client
        self._evidence = evidence
        self._store = store
        self._clock = clock
        self._vantage = vantage

    async def Observe(  # noqa: N802
        self, request: pb.ObserveRequest, context: Any
    ) -> pb.ObserveResponse:
        telemetry.bind_referral(request.referral_id)
        _refuse_unstorable(request_id=request.request_id, series=request.series)
        row = await self._store.observation(request.request_id)
        if row is None:
            row = await self._observe(request)
        _refuse_reuse(row, request.referral_id)
        series = await self._store.series(row["series"])
        return pb.ObserveResponse(
            observation=wire.observation(row), series=[wire.observation(item) for item in series]
        )

    async def _observe(self, request: pb.ObserveRequest) -> Row:
        look, passed = await self._observer.look(wire.content(request.content))
        reading = look.reading
        purpose = enums.ObservationPurpose.Name(request.purpose)
        return await self._store.keep_observation(
            {
                "observation_id": uuid7(),
                "request_id": request.request_id,
                "referral_id": UUID(request.referral_id),
                "series": request.series or request.request_id,
                "purpose": purpose.removeprefix("OBSERVATION_PURPOSE_"),
                "availability": reading.availability.value,
                "visible": reading.visible,
                "cause": reading.cause.value,
                "confidence": reading.confidence.value,
                "marker": reading.marker,
                "controls_passed": passed,
                "vantage": self._vantage,
                "response_sha256": hashlib.sha256(look.fetched.body).hexdigest(),
                "counts_as_gone": reading.counts_as_gone,
                "resolved_url": look.resolved_url,
                "observe_time": self._clock.now(),
            }
        )

    async def Capture(  # noqa: N802
        self, request: pb.CaptureRequest, context: Any
    ) -> pb.CaptureResponse:
        telemetry.bind_referral(request.referral_id)
        _refuse_unstorable(request_id=request.request_id)
        row = await self._store.capture(request.request_id)
        if row is None:
            row = await self._capture(request)
        _refuse_reuse(row, request.referral_id)
        return pb.CaptureResponse(capture=wire.capture(row))

    async def _capture(self, request: pb.CaptureRequest) -> Row:
        content = wire.content(request.content)
        fetched = await self._client.fetch(content.url)
        capture_id, now = uuid7(), self._clock.now()
        try:
            kept = await self._evidence.keep(capture_id, fetched, now)
        except (obstore.exceptions.BaseError, OSError) as error:
            raise DomainError(
                ErrorKind.UNAVAILABLE,
                "DEPENDENCY_UNAVAILABLE",
                "The evidence store cannot be written just now; try again.",
            ) from error
        return await self._store.keep_capture(
            {
                "capture_id": capture_id,
                "request_id": request.request_id,
                "referral_id": UUID(request.referral_id),
                "sha256": kept.sha256,
                "size_bytes": kept.size_bytes,
                "warc_key": kept.warc_key,
                "http_status": kept.http_status,
                "truncated": kept.truncated,
                "failure": kept.failure,
                "capture_time": now,
            }
        )


def _refuse_unstorable(**texts: str) -> None:
    for name, text in texts.items():
        if "\x00" in text:
            sentence = f"{name} holds a NUL character; remove it and try again."
            raise invalid(name, "CONTROL_CHARACTERS", sentence)


def _refuse_reuse(row: Row, referral_id: str) -> None:
    """What was seen of one referral is never shown as another's."""
    if row["referral_id"] != UUID(referral_id):
        sentence = "This request_id was used for another referral; make a new one."
        raise DomainError(
            ErrorKind.ALREADY_EXISTS,
            "REQUEST_ID_REUSED",
            sentence,
            violations=(FieldViolation("request_id", "REQUEST_ID_REUSED", sentence),),
        )
