"""RecordService: the worker writes the record and reads what it reconciles or classifies."""

from __future__ import annotations

from typing import Any, Final
from uuid import UUID

import grpc
from google.protobuf import json_format
from sqlalchemy.ext.asyncio import AsyncEngine

from services.intake import locate, queries, reading, reconciliations, record, wire
from services.kernel import db, page_tokens, telemetry
from services.kernel.clock import Clock
from services.kernel.identity import current_identity
from services.kernel.moments import moment
from takedown.intake.v1 import record_service_pb2 as record_pb
from takedown.intake.v1 import record_service_pb2_grpc as record_grpc
from takedown.referral.v1 import enums_pb2

RECORD: Final = "takedown.intake.v1.RecordService"
DEFAULT_OPEN: Final = 500


class RecordServicer(record_grpc.RecordServiceServicer):
    def __init__(self, engine: AsyncEngine, clock: Clock) -> None:
        self._engine = engine
        self._clock = clock

    def register(self, server: grpc.aio.Server) -> str:
        record_grpc.add_RecordServiceServicer_to_server(self, server)
        return RECORD

    async def AppendEvents(  # noqa: N802
        self, request: record_pb.AppendEventsRequest, context: Any
    ) -> record_pb.AppendEventsResponse:
        telemetry.bind_referral(request.referral_id)
        events = [reading.read_event(new) for new in request.events]
        async with db.raw(self._engine) as conn, conn.transaction():
            row = await record.lock(conn, UUID(request.referral_id))
            done = await record.append(conn, row, events, self._clock.now())
        answer = record_pb.AppendEventsResponse(
            last_sequence=done.last_sequence,
            repeated_keys=done.repeated_keys,
            outcome=enums_pb2.Outcome.Value(f"OUTCOME_{done.outcome or 'UNSPECIFIED'}"),
        )
        if done.short_link is not None:
            json_format.ParseDict(done.short_link, answer.short_link)
        return answer

    async def LocateReferral(  # noqa: N802
        self, request: record_pb.LocateReferralRequest, context: Any
    ) -> record_pb.LocateReferralResponse:
        event = request.platform_event
        async with db.raw(self._engine) as conn, conn.transaction():
            await locate.keep_words(conn, event)
            referral_id, matched_by = await locate.find(conn, event)
        return record_pb.LocateReferralResponse(
            referral_id=str(referral_id) if referral_id else "", matched_by=matched_by
        )

    async def ListOpenReferrals(  # noqa: N802
        self, request: record_pb.ListOpenReferralsRequest, context: Any
    ) -> record_pb.ListOpenReferralsResponse:
        size, after = request.page_size or DEFAULT_OPEN, UUID(int=0)
        if request.page_token:
            (after,) = page_tokens.read_token(request.page_token, "page_token", UUID)
        given = request.HasField("created_before")
        before = moment(request.created_before, "created_before") if given else None
        async with db.raw(self._engine) as conn:
            found = await reconciliations.open_referrals(conn, after, size + 1, before)
        shown, more = found[:size], len(found) > size
        return record_pb.ListOpenReferralsResponse(
            referrals=shown,
            next_page_token=page_tokens.page_token(shown[-1].referral_id) if more else "",
        )

    async def GetEvidence(  # noqa: N802
        self, request: record_pb.GetEvidenceRequest, context: Any
    ) -> record_pb.GetEvidenceResponse:
        async with db.raw(self._engine) as conn:
            row = await queries.evidence(conn, UUID(request.evidence_id))
        return wire.evidence(row)

    async def RecordReconciliation(  # noqa: N802
        self, request: record_pb.RecordReconciliationRequest, context: Any
    ) -> record_pb.RecordReconciliationResponse:
        actor, now = str(current_identity()), self._clock.now()
        async with db.raw(self._engine) as conn:
            await reconciliations.store(conn, request.reconciliation, actor, now)
        return record_pb.RecordReconciliationResponse()
