"""CaseworkService (operators) and RecordService (the worker)."""

from __future__ import annotations

from typing import Any, Final
from uuid import UUID

from google.protobuf import json_format
from sqlalchemy.ext.asyncio import AsyncEngine

from services.intake import casework, locate, queries, reading, record, submission, wire
from services.intake.queries import Reader
from services.intake.servicer import DEFAULT_PAGE
from services.kernel import db, telemetry
from services.kernel.clock import Clock
from services.kernel.identity import current_identity
from takedown.intake.v1 import casework_service_pb2 as casework_pb
from takedown.intake.v1 import casework_service_pb2_grpc as casework_grpc
from takedown.intake.v1 import record_service_pb2 as record_pb
from takedown.intake.v1 import record_service_pb2_grpc as record_grpc
from takedown.referral.v1 import enums_pb2 as enums

CASEWORK: Final = "takedown.intake.v1.CaseworkService"
RECORD: Final = "takedown.intake.v1.RecordService"


class CaseworkServicer(casework_grpc.CaseworkServiceServicer):
    def __init__(self, engine: AsyncEngine, clock: Clock) -> None:
        self._engine = engine
        self._clock = clock

    async def ListWork(  # noqa: N802
        self, request: casework_pb.ListWorkRequest, context: Any
    ) -> casework_pb.ListWorkResponse:
        size = request.page_size or DEFAULT_PAGE
        async with db.raw(self._engine) as conn:
            page = await queries.list_work(conn, request.platforms, size, request.page_token)
        return casework_pb.ListWorkResponse(
            referrals=[
                wire.referral(row, page.submissions.get(row["referral_id"], ()))
                for row in page.rows
            ],
            next_page_token=page.next_token,
        )

    async def DecideReview(  # noqa: N802
        self, request: casework_pb.DecideReviewRequest, context: Any
    ) -> casework_pb.DecideReviewResponse:
        submission.refuse_unstorable({"note": request.note})
        identity, now = current_identity(), self._clock.now()
        referral_id, request_id = UUID(request.referral_id), UUID(request.request_id)
        telemetry.bind_referral(request.referral_id)
        body = request.SerializeToString(deterministic=True)
        async with db.raw(self._engine) as conn, conn.transaction():
            row = await record.lock(conn, referral_id)
            stored = await casework.replayed(conn, str(identity), request_id, body)
            if stored is not None:
                return casework_pb.DecideReviewResponse.FromString(stored)
            decision = enums.ReviewDecision.Name(request.decision)
            reason = enums.ReviewReason.Name(request.reason)
            await casework.decide_review(
                conn,
                row,
                actor=str(identity),
                decision=decision.removeprefix("REVIEW_DECISION_"),
                reason=reason.removeprefix("REVIEW_REASON_"),
                note=request.note,
                traceparent=telemetry.current_traceparent(),
                now=now,
            )
            decided = await queries.referral(conn, Reader(), referral_id)
            owned = await queries.submissions(conn, Reader(), [referral_id])
            answer = casework_pb.DecideReviewResponse(
                referral=wire.referral(decided, owned.get(referral_id, ()))
            )
            serialised = answer.SerializeToString()
            await casework.remember(conn, str(identity), request_id, body, serialised, now)
        return answer


class RecordServicer(record_grpc.RecordServiceServicer):
    def __init__(self, engine: AsyncEngine, clock: Clock) -> None:
        self._engine = engine
        self._clock = clock

    async def AppendEvents(  # noqa: N802
        self, request: record_pb.AppendEventsRequest, context: Any
    ) -> record_pb.AppendEventsResponse:
        telemetry.bind_referral(request.referral_id)
        events = [reading.read_event(new) for new in request.events]
        async with db.raw(self._engine) as conn, conn.transaction():
            row = await record.lock(conn, UUID(request.referral_id))
            done = await record.append(conn, row, events, self._clock.now())
        answer = record_pb.AppendEventsResponse(
            last_sequence=done.last_sequence, repeated_keys=done.repeated_keys
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
