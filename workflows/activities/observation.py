"""Look at content through the observation service: once, or until a quorum agrees."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import grpc
from google.protobuf import json_format
from temporalio import activity
from temporalio.exceptions import ApplicationError, ApplicationErrorCategory

from services.kernel import telemetry
from takedown.intake.v1 import record_service_pb2 as record_pb
from takedown.observation.v1 import observation_service_pb2 as pb
from takedown.observation.v1.observation_service_pb2_grpc import ObservationServiceStub
from takedown.referral.v1 import enums_pb2, event_pb2, observation_pb2, referral_pb2
from workflows import contracts
from workflows.activities.failures import beating, call_failure
from workflows.activities.intake import ACTOR, IntakeActivities
from workflows.contracts import (
    ObservationFacts,
    ObserveRequest,
    ObserveResult,
    ResolvedLink,
    ResolveRequest,
)

DEADLINE = 75.0


class ObservationActivities:
    def __init__(self, channel: grpc.aio.Channel, intake: IntakeActivities) -> None:
        self._observation = ObservationServiceStub(channel)
        self._intake = intake

    @activity.defn(name=contracts.ACTIVITY_OBSERVE)
    async def observe(self, request: ObserveRequest) -> ObserveResult:
        """Look; when gone but short of the quorum, ask to be run again after the spacing.

        An attempt is a look: waiting between two attempts costs the server less than a timer
        and a second activity would, and the series is kept by the observation service.

        Raises:
            ApplicationError: ERROR_NOT_YET, benign, with the pause until the next look.
        """
        telemetry.bind_referral(request.referral_id)
        content = await self._intake.content(request.referral_id)
        return await self._look(request, content)

    @activity.defn(name=contracts.ACTIVITY_LOOK_FIRST)
    async def look_first(self, request: ObserveRequest) -> ObserveResult:
        """Capture what is there, then look whether it is there (lifecycle step 5)."""
        telemetry.bind_referral(request.referral_id)
        content = await self._intake.content(request.referral_id)
        capture = await self._capture(request, content)
        result = await self._look(request, content)
        return ObserveResult(result.gone, result.observations, _detail(capture))

    @activity.defn(name=contracts.ACTIVITY_RESOLVE_LINK)
    async def resolve_short_link(self, request: ResolveRequest) -> ResolvedLink:
        """Follow a short link and let the record say what its target is."""
        telemetry.bind_referral(request.referral_id)
        content = await self._intake.content(request.referral_id)
        series = f"{request.referral_id}/link"
        look = pb.ObserveRequest(
            request_id=f"{series}/1",
            referral_id=request.referral_id,
            content=content,
            purpose=enums_pb2.OBSERVATION_PURPOSE_BEFORE_NOTICE,
            series=series,
        )
        seen = (await self._observe(look)).observation
        if not seen.resolved_url:
            return ResolvedLink()
        answer = await self._intake.append(
            request.referral_id, [_resolved(request.event_key, seen.resolved_url)]
        )
        kind = enums_pb2.ContentKind.Name(answer.short_link.resolved_kind)
        return ResolvedLink(
            kind="" if kind == "CONTENT_KIND_UNSPECIFIED" else kind.removeprefix("CONTENT_KIND_"),
            duplicate_of=answer.short_link.duplicate_of,
            refused_reason=answer.short_link.refused_reason,
        )

    async def _look(self, request: ObserveRequest, content: referral_pb2.Content) -> ObserveResult:
        look = pb.ObserveRequest(
            request_id=f"{request.series}/{activity.info().attempt}",
            referral_id=request.referral_id,
            content=content,
            purpose=enums_pb2.ObservationPurpose.Value(f"OBSERVATION_PURPOSE_{request.purpose}"),
            series=request.series,
        )
        answer = await self._observe(look)
        seen = [_facts(item) for item in answer.series]
        if not seen[-1].counts_as_gone:
            return ObserveResult(gone=False, observations=seen)
        if _agreeing(answer.series, request.spacing) >= request.quorum:
            return ObserveResult(gone=True, observations=seen)
        raise ApplicationError(
            "one more observation is needed",
            type=contracts.ERROR_NOT_YET,
            next_retry_delay=timedelta(seconds=request.spacing),
            category=ApplicationErrorCategory.BENIGN,
        )

    async def _observe(self, look: pb.ObserveRequest) -> pb.ObserveResponse:
        try:
            async with beating():
                return await self._observation.Observe(look, timeout=DEADLINE)
        except grpc.aio.AioRpcError as error:
            raise call_failure(error) from error

    async def _capture(
        self, request: ObserveRequest, content: referral_pb2.Content
    ) -> observation_pb2.Capture:
        capture = pb.CaptureRequest(
            request_id=f"{request.series}/capture",
            referral_id=request.referral_id,
            content=content,
        )
        try:
            async with beating():
                answer = await self._observation.Capture(capture, timeout=DEADLINE)
        except grpc.aio.AioRpcError as error:
            raise call_failure(error) from error
        return answer.capture


def _agreeing(series: Any, spacing: float) -> int:
    """How many looks at the end of the series agree on gone, at least ``spacing`` apart."""
    count = 0
    later: datetime | None = None
    for item in reversed(series):
        if not item.counts_as_gone:
            break
        seen_at = item.observe_time.ToDatetime(tzinfo=UTC)
        if later is None or (later - seen_at).total_seconds() >= spacing * 0.9:
            count += 1
            later = seen_at
    return count


def _facts(item: observation_pb2.Observation) -> ObservationFacts:
    availability = enums_pb2.Availability.Name(item.availability)
    return ObservationFacts(
        observation_id=item.observation_id,
        availability=availability.removeprefix("AVAILABILITY_"),
        visible=enums_pb2.Visible.Name(item.visible).removeprefix("VISIBLE_"),
        counts_as_gone=item.counts_as_gone,
        observed_at=item.observe_time.ToJsonString(),
        detail=_detail(item),
    )


def _detail(message: observation_pb2.Observation | observation_pb2.Capture) -> dict[str, Any]:
    """Protobuf JSON without addresses: a history must hold no content."""
    detail = json_format.MessageToDict(message)
    detail.pop("resolvedUrl", None)
    return dict(detail)


def _resolved(key: str, resolved_url: str) -> record_pb.NewEvent:
    new = record_pb.NewEvent(event_key=key)
    new.event.type = event_pb2.REFERRAL_EVENT_TYPE_SHORT_LINK_RESOLVED
    new.event.actor = ACTOR
    new.event.trace_id = telemetry.current_trace_id()
    new.event.occur_time.FromDatetime(datetime.now(UTC))
    new.event.short_link_resolved.resolved_url = resolved_url
    return new
