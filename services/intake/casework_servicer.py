"""CaseworkService: what people decide and ask for."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any, Final, TypeVar
from uuid import UUID

import asyncpg
import grpc

from services.intake import (
    casework,
    clarifications,
    holds,
    queries,
    record,
    reviews,
    submission,
    wire,
)
from services.intake.campaign_servicer import CampaignServicer
from services.intake.casework import Caller
from services.intake.hold_rules import HoldWish
from services.intake.queries import Reader, WorkFilters
from services.intake.servicer import DEFAULT_PAGE, reader
from services.kernel import db, telemetry
from services.kernel.identity import current_identity
from services.kernel.moments import moment
from takedown.intake.v1 import casework_service_pb2 as pb
from takedown.intake.v1 import casework_service_pb2_grpc as pb_grpc
from takedown.referral.v1 import enums_pb2 as enums

CASEWORK: Final = "takedown.intake.v1.CaseworkService"
Act = Callable[[asyncpg.Connection, Any, Caller], Awaitable[None]]
Answer = TypeVar("Answer")


class CaseworkServicer(CampaignServicer):
    """One referral at a time; ``CampaignServicer`` adds what is about many."""

    def register(self, server: grpc.aio.Server) -> str:
        pb_grpc.add_CaseworkServiceServicer_to_server(self, server)
        return CASEWORK

    async def ListWork(  # noqa: N802
        self, request: pb.ListWorkRequest, context: Any
    ) -> pb.ListWorkResponse:
        me, size = str(current_identity()), request.page_size or DEFAULT_PAGE
        filters = WorkFilters(
            now=self._clock.now(),
            platforms=request.platforms,
            leave_out_claimed_except=me if request.leave_out_claimed else "",
            leave_out_decided_by=me if request.leave_out_first_decided else "",
        )
        async with db.raw(self._engine) as conn:
            page = await queries.list_work(conn, filters, size, request.page_token)
        shown = await wire.referrals(page.rows, page.submissions)
        return pb.ListWorkResponse(referrals=shown, next_page_token=page.next_token)

    async def ClaimReview(  # noqa: N802
        self, request: pb.ClaimReviewRequest, context: Any
    ) -> pb.ClaimReviewResponse:
        referral_id = UUID(request.referral_id)
        telemetry.bind_referral(request.referral_id)
        async with db.raw(self._engine) as conn, conn.transaction():
            row = await record.lock(conn, referral_id)
            await reviews.claim(conn, row, self._caller())
            return pb.ClaimReviewResponse(referral=await _shown(conn, Reader(), referral_id))

    async def DecideReview(  # noqa: N802
        self, request: pb.DecideReviewRequest, context: Any
    ) -> pb.DecideReviewResponse:
        submission.refuse_unstorable({"note": request.note})
        decision = enums.ReviewDecision.Name(request.decision).removeprefix("REVIEW_DECISION_")
        reason = enums.ReviewReason.Name(request.reason).removeprefix("REVIEW_REASON_")

        async def act(conn: asyncpg.Connection, row: Any, caller: Caller) -> None:
            await reviews.decide(
                conn, row, caller, decision=decision, reason=reason, note=request.note
            )

        return await self._obey(request, pb.DecideReviewResponse, act)

    async def PlaceHold(  # noqa: N802
        self, request: pb.PlaceHoldRequest, context: Any
    ) -> pb.PlaceHoldResponse:
        submission.refuse_unstorable({"note": request.note})
        wish = HoldWish(
            owner=current_identity().short,
            reason=enums.HoldReason.Name(request.reason).removeprefix("HOLD_REASON_"),
            note=request.note,
            expires_at=moment(request.expire_time, "expire_time"),
        )

        async def act(conn: asyncpg.Connection, row: Any, caller: Caller) -> None:
            await holds.place(conn, row, caller, wish)

        return await self._obey(request, pb.PlaceHoldResponse, act)

    async def ReleaseHold(  # noqa: N802
        self, request: pb.ReleaseHoldRequest, context: Any
    ) -> pb.ReleaseHoldResponse:
        submission.refuse_unstorable({"note": request.note})

        async def act(conn: asyncpg.Connection, row: Any, caller: Caller) -> None:
            await holds.release(conn, row, caller, request.note)

        return await self._obey(request, pb.ReleaseHoldResponse, act)

    async def AnswerClarification(  # noqa: N802
        self, request: pb.AnswerClarificationRequest, context: Any
    ) -> pb.AnswerClarificationResponse:
        submission.refuse_unstorable(
            {"answer": request.answer, "clarification_id": request.clarification_id}
        )

        async def act(conn: asyncpg.Connection, row: Any, caller: Caller) -> None:
            await clarifications.answer(conn, row, caller, request.clarification_id, request.answer)

        return await self._obey(request, pb.AnswerClarificationResponse, act)

    async def Escalate(  # noqa: N802
        self, request: pb.EscalateRequest, context: Any
    ) -> pb.EscalateResponse:
        submission.refuse_unstorable({"note": request.note})

        async def act(conn: asyncpg.Connection, row: Any, caller: Caller) -> None:
            await clarifications.escalate(conn, row, caller, request.note)

        return await self._obey(request, pb.EscalateResponse, act)

    async def ConfirmDeparture(  # noqa: N802
        self, request: pb.ConfirmDepartureRequest, context: Any
    ) -> pb.ConfirmDepartureResponse:
        departure = moment(request.departure_time, "departure_time")

        async def act(conn: asyncpg.Connection, row: Any, caller: Caller) -> None:
            await clarifications.confirm_departure(conn, row, caller, departure)

        return await self._obey(request, pb.ConfirmDepartureResponse, act)

    async def _obey(self, request: Any, answer_type: Callable[..., Answer], act: Act) -> Answer:
        """Act on one referral, once per request_id, in one transaction with the answer.

        The time-dependent checks are ``act``'s: a replay is answered before them.
        """
        who, caller = reader(current_identity()), self._caller()
        referral_id, request_id = UUID(request.referral_id), UUID(request.request_id)
        telemetry.bind_referral(request.referral_id)
        body = casework.body_of(request)
        async with db.raw(self._engine) as conn, conn.transaction():
            if who.referrer:
                await queries.referral(conn, who, referral_id)
            row = await record.lock(conn, referral_id)
            stored = await casework.replayed(conn, caller.actor, request_id, body)
            if stored is not None:
                again: Any = answer_type()
                again.ParseFromString(stored)
                return again  # type: ignore[no-any-return]
            await act(conn, row, caller)
            answer: Any = answer_type(referral=await _shown(conn, who, referral_id))
            serialised = answer.SerializeToString()
            await casework.remember(conn, caller.actor, request_id, body, serialised, caller.now)
        return answer  # type: ignore[no-any-return]


async def _shown(conn: asyncpg.Connection, who: Reader, referral_id: UUID) -> Any:
    row = await queries.referral(conn, who, referral_id)
    owned = await queries.submissions(conn, who, [referral_id])
    return wire.referral(row, owned.get(referral_id, ()), who.referrer)
