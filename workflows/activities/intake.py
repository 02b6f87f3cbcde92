"""Activities on the record: append events, read a referral."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable

import grpc
from google.protobuf import json_format
from temporalio import activity

from services.kernel import telemetry
from takedown.intake.v1 import record_service_pb2 as record_pb
from takedown.intake.v1 import referral_service_pb2 as referral_service_pb
from takedown.intake.v1.record_service_pb2_grpc import RecordServiceStub
from takedown.intake.v1.referral_service_pb2_grpc import ReferralServiceStub
from takedown.referral.v1 import enums_pb2, referral_pb2
from workflows import contracts
from workflows.activities.failures import call_failure
from workflows.contracts import AppendRequest, AppendResult, EventRecord

DEADLINE = 8.0
EVIDENCE_DEADLINE = 4.0
# Contents kept in memory; a text has at most 20,000 characters.
REMEMBERED = 512
ACTOR = "spiffe://takedown.internal/service/worker"


class IntakeActivities:
    """``moved`` hears of every state that a referral came into, once it is on record."""

    def __init__(
        self, channel: grpc.aio.Channel, moved: Callable[[str, str], None] = lambda *_: None
    ) -> None:
        self._moved = moved
        self._record = RecordServiceStub(channel)
        self._referrals = ReferralServiceStub(channel)
        # As bytes: a part of a message keeps alive the whole answer that it came in.
        self._contents: OrderedDict[str, bytes] = OrderedDict()

    @activity.defn(name=contracts.ACTIVITY_APPEND_EVENTS)
    async def append_events(self, request: AppendRequest) -> AppendResult:
        """Idempotent on each event's key."""
        telemetry.bind_referral(request.referral_id)
        answer = await self.append(
            request.referral_id, [new_event(record) for record in request.events]
        )
        for record in request.events:
            self._moved(request.referral_id, record.state)
        outcome = enums_pb2.Outcome.Name(answer.outcome) if answer.outcome else ""
        return AppendResult(answer.last_sequence, outcome.removeprefix("OUTCOME_"))

    async def append(
        self, referral_id: str, events: list[record_pb.NewEvent]
    ) -> record_pb.AppendEventsResponse:
        """Raises ApplicationError, retryable, when the record cannot be written."""
        request = record_pb.AppendEventsRequest(referral_id=referral_id, events=events)
        try:
            return await self._record.AppendEvents(request, timeout=DEADLINE)
        except grpc.aio.AioRpcError as error:
            raise call_failure(error) from error

    async def read(self, referral_id: str) -> referral_pb2.Referral:
        """The referral with its content, which never passes through Temporal."""
        request = referral_service_pb.GetReferralRequest(referral_id=referral_id)
        try:
            answer = await self._referrals.GetReferral(request, timeout=DEADLINE)
        except grpc.aio.AioRpcError as error:
            raise call_failure(error) from error
        self._remember(referral_id, answer.referral.content)
        return answer.referral

    async def evidence(self, evidence_id: str) -> bytes:
        """The bytes of one piece of evidence. Raises grpc.aio.AioRpcError."""
        request = record_pb.GetEvidenceRequest(evidence_id=evidence_id)
        answer = await self._record.GetEvidence(request, timeout=EVIDENCE_DEADLINE)
        return answer.content

    async def content(self, referral_id: str) -> referral_pb2.Content:
        """What is referred, from memory where it was read before: it never changes.

        A short link becomes something else when it is followed; it is read anew each time.
        """
        known = self._contents.get(referral_id)
        if known is None:
            return (await self.read(referral_id)).content
        self._contents.move_to_end(referral_id)
        return referral_pb2.Content.FromString(known)

    def _remember(self, referral_id: str, content: referral_pb2.Content) -> None:
        if content.kind == enums_pb2.CONTENT_KIND_SHORT_LINK:
            return
        self._contents[referral_id] = content.SerializeToString()
        if len(self._contents) > REMEMBERED:
            self._contents.popitem(last=False)


def new_event(record: EventRecord) -> record_pb.NewEvent:
    """A workflow's event as the record takes it."""
    new = record_pb.NewEvent(event_key=record.key)
    if record.before:
        new.state_before = enums_pb2.ReferralState.Value(f"REFERRAL_STATE_{record.before}")
    event = {
        "type": f"REFERRAL_EVENT_TYPE_{record.type}",
        "occurTime": record.occurred_at,
        "actor": record.actor or ACTOR,
        "traceId": telemetry.current_trace_id(),
    }
    if record.state:
        event["state"] = f"REFERRAL_STATE_{record.state}"
    detail = {record.detail_kind: record.detail} if record.detail_kind else {}
    json_format.ParseDict({**event, **detail}, new.event)
    return new
