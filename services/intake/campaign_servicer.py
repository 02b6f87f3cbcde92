"""CaseworkService, the part about many referrals: campaigns, statistics, reconciliation."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncEngine

from services.intake import campaigns, casework, queries, reconciliations, statistics
from services.intake.casework import Caller
from services.intake.servicer import DEFAULT_PAGE
from services.kernel import db, page_tokens, telemetry
from services.kernel.clock import Clock
from services.kernel.identity import current_identity
from takedown.intake.v1 import casework_service_pb2 as pb
from takedown.intake.v1 import casework_service_pb2_grpc as pb_grpc


class CampaignServicer(pb_grpc.CaseworkServiceServicer):
    def __init__(self, engine: AsyncEngine, clock: Clock) -> None:
        self._engine = engine
        self._clock = clock

    def _caller(self) -> Caller:
        identity = current_identity()
        return Caller(
            actor=str(identity),
            short=identity.short,
            now=self._clock.now(),
            traceparent=telemetry.current_traceparent(),
            trace_id=telemetry.current_trace_id(),
        )

    async def ListCampaigns(  # noqa: N802
        self, request: pb.ListCampaignsRequest, context: Any
    ) -> pb.ListCampaignsResponse:
        after, size = "", request.page_size or DEFAULT_PAGE
        if request.page_token:
            (after,) = page_tokens.read_token(request.page_token, "page_token", queries.name)
        async with db.raw(self._engine) as conn:
            found, more = await campaigns.listed(conn, after, size)
        token = page_tokens.page_token(found[-1].campaign_id) if more else ""
        return pb.ListCampaignsResponse(campaigns=found, next_page_token=token)

    async def GetStatistics(  # noqa: N802
        self, request: pb.GetStatisticsRequest, context: Any
    ) -> pb.GetStatisticsResponse:
        async with db.raw(self._engine) as conn:
            counts = await statistics.read(conn, request.campaign_id)
        return pb.GetStatisticsResponse(platforms=counts)

    async def ActOnCampaign(  # noqa: N802
        self, request: pb.ActOnCampaignRequest, context: Any
    ) -> pb.ActOnCampaignResponse:
        caller, request_id = self._caller(), UUID(request.request_id)
        body, answer = casework.body_of(request), pb.ActOnCampaignResponse()
        async with db.raw(self._engine) as conn, conn.transaction():
            stored = await casework.replayed(conn, caller.actor, request_id, body)
            if stored is not None:
                return pb.ActOnCampaignResponse.FromString(stored)
            action = await campaigns.fix(conn, request, caller)
            if campaigns.needs_approval(action):
                answer.approval.CopyFrom(campaigns.shown(action))
                await self._remember(conn, caller, request_id, body, answer)
                return answer
        answer.results.extend(await campaigns.carry_out(self._engine, action, caller))
        async with db.raw(self._engine) as conn:
            await self._remember(conn, caller, request_id, body, answer)
        return answer

    async def ApproveCampaignAction(  # noqa: N802
        self, request: pb.ApproveCampaignActionRequest, context: Any
    ) -> pb.ApproveCampaignActionResponse:
        caller, request_id = self._caller(), UUID(request.request_id)
        body, answer = casework.body_of(request), pb.ApproveCampaignActionResponse()
        async with db.raw(self._engine) as conn, conn.transaction():
            stored = await casework.replayed(conn, caller.actor, request_id, body)
            if stored is not None:
                return pb.ApproveCampaignActionResponse.FromString(stored)
            action = await campaigns.approve(conn, UUID(request.approval_id), caller)
        answer.approval.CopyFrom(campaigns.shown(action))
        answer.results.extend(await campaigns.carry_out(self._engine, action, caller))
        async with db.raw(self._engine) as conn:
            await self._remember(conn, caller, request_id, body, answer)
        return answer

    @staticmethod
    async def _remember(
        conn: Any, caller: Caller, request_id: UUID, body: bytes, answer: Any
    ) -> None:
        serialised = answer.SerializeToString()
        await casework.remember(conn, caller.actor, request_id, body, serialised, caller.now)

    async def RequestReconciliation(  # noqa: N802
        self, request: pb.RequestReconciliationRequest, context: Any
    ) -> pb.RequestReconciliationResponse:
        caller, request_id = self._caller(), UUID(request.request_id)
        body = casework.body_of(request)
        async with db.raw(self._engine) as conn, conn.transaction():
            stored = await casework.replayed(conn, caller.actor, request_id, body)
            if stored is not None:
                return pb.RequestReconciliationResponse.FromString(stored)
            run_id = await reconciliations.request(conn, caller, request.dry_run)
            answer = pb.RequestReconciliationResponse(reconciliation_id=str(run_id))
            await self._remember(conn, caller, request_id, body, answer)
        return answer

    async def GetReconciliation(  # noqa: N802
        self, request: pb.GetReconciliationRequest, context: Any
    ) -> pb.GetReconciliationResponse:
        run_id = UUID(request.reconciliation_id) if request.reconciliation_id else None
        async with db.raw(self._engine) as conn:
            return pb.GetReconciliationResponse(
                reconciliation=await reconciliations.read(conn, run_id)
            )
