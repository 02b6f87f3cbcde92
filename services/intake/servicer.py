"""ReferralService: what referrers may do."""

from __future__ import annotations

import functools
from collections.abc import AsyncIterator
from typing import Any, Final
from uuid import UUID

import asyncpg
import grpc
from sqlalchemy.ext.asyncio import AsyncEngine

from services.intake import accept, casework, queries, reading, record, submission, wire
from services.intake.batches import Parts
from services.intake.coalescer import Coalescer
from services.intake.queries import Filters, Reader
from services.intake.watch import Watch
from services.kernel import db, page_tokens, telemetry
from services.kernel.clock import Clock
from services.kernel.errors import DomainError
from services.kernel.identity import Identity, current_identity
from services.kernel.moments import moment
from services.kernel.turns import in_turns
from takedown.intake.v1 import referral_service_pb2 as pb
from takedown.intake.v1 import referral_service_pb2_grpc as pb_grpc
from takedown.referral.v1 import enums_pb2 as enums

SERVICE: Final = "takedown.intake.v1.ReferralService"
DEFAULT_PAGE: Final = 50
DEFAULT_EVENTS: Final = 100
# Events that are made messages before others have their turn: a few milliseconds.
EVENTS_AT_ONCE: Final = 20


def reader(identity: Identity) -> Reader:
    """A referrer sees its own; operators and the worker see everything."""
    return Reader(identity.name if identity.role == "referrer" else "")


class ReferralServicer(pb_grpc.ReferralServiceServicer):
    def __init__(
        self,
        engine: AsyncEngine,
        coalescer: Coalescer,
        watch: Watch,
        clock: Clock,
        *,
        accept_real: bool,
        platforms: frozenset[str] = frozenset(),
    ) -> None:
        self._engine = engine
        self._coalescer = coalescer
        self._watch = watch
        self._clock = clock
        self._accept_real = accept_real
        self._platforms = platforms

    def register(self, server: grpc.aio.Server) -> str:
        pb_grpc.add_ReferralServiceServicer_to_server(self, server)
        return SERVICE

    async def SubmitReferral(  # noqa: N802 - the names are the contract's
        self, request: pb.SubmitReferralRequest, context: Any
    ) -> pb.SubmitReferralResponse:
        arrival = self._arrival(current_identity())
        identity = reading.identify(request, arrival)
        item = reading.read_submission(request, identity, arrival)
        telemetry.bind_referral(str(item.referral_id))
        stored = await self._coalescer.add(item)
        if isinstance(stored, DomainError):
            raise stored
        return stored.answer

    async def BatchSubmitReferrals(  # noqa: N802
        self, request: pb.BatchSubmitReferralsRequest, context: Any
    ) -> pb.BatchSubmitReferralsResponse:
        arrival = self._arrival(current_identity())
        parts = Parts(
            functools.partial(reading.identify, arrival=arrival),
            functools.partial(reading.read_submission, arrival=arrival),
            accept.storing(self._engine),
        )
        return pb.BatchSubmitReferralsResponse(results=await parts.results(request.requests))

    def _arrival(self, identity: Identity) -> reading.Arrival:
        """Of the present call; a batch arrives at one instant."""
        return reading.Arrival(
            referrer=identity.name if identity.role == "referrer" else f"operator:{identity.name}",
            actor=str(identity),
            now=self._clock.now(),
            accept_real=self._accept_real,
            platforms=self._platforms,
            traceparent=telemetry.current_traceparent(),
            trace_id=telemetry.current_trace_id(),
        )

    async def GetReferral(  # noqa: N802
        self, request: pb.GetReferralRequest, context: Any
    ) -> pb.GetReferralResponse:
        async with db.raw(self._engine) as conn:
            shown = await self._shown(conn, UUID(request.referral_id))
        return pb.GetReferralResponse(referral=shown)

    async def _shown(self, conn: asyncpg.Connection, referral_id: UUID) -> Any:
        who = reader(current_identity())
        row = await queries.referral(conn, who, referral_id)
        owned = await queries.submissions(conn, who, [referral_id])
        return wire.referral(row, owned.get(referral_id, ()), who.referrer)

    async def ListReferrals(  # noqa: N802
        self, request: pb.ListReferralsRequest, context: Any
    ) -> pb.ListReferralsResponse:
        who, given = reader(current_identity()), request.HasField("updated_since")
        since = moment(request.updated_since, "updated_since") if given else None
        submission.refuse_unstorable({"campaign_id": request.campaign_id})
        filters = Filters(
            states=[enums.ReferralState.Name(s)[len("REFERRAL_STATE_") :] for s in request.states],
            platforms=list(request.platforms),
            outcomes=[enums.Outcome.Name(o)[len("OUTCOME_") :] for o in request.outcomes],
            campaign_id=request.campaign_id,
            updated_since=since,
        )
        size = request.page_size or DEFAULT_PAGE
        async with db.raw(self._engine) as conn:
            page = await queries.list_referrals(conn, who, filters, size, request.page_token)
        shown = await wire.referrals(page.rows, page.submissions, who.referrer)
        return pb.ListReferralsResponse(referrals=shown, next_page_token=page.next_token)

    async def ListReferralEvents(  # noqa: N802
        self, request: pb.ListReferralEventsRequest, context: Any
    ) -> pb.ListReferralEventsResponse:
        identity = current_identity()
        # The worker goes on from the keys when a workflow was lost.
        who, keyed = reader(identity), identity.role == "service"
        size = request.page_size or DEFAULT_EVENTS
        after = 0
        if request.page_token:
            (after,) = page_tokens.read_token(request.page_token, "page_token", queries.whole)
        async with db.raw(self._engine) as conn:
            await queries.referral(conn, who, UUID(request.referral_id))
            rows = await queries.list_events(conn, UUID(request.referral_id), after, size + 1)
        more = len(rows) > size
        shown = rows[:size]
        events = await in_turns(
            shown,
            lambda row: wire.event(row, hide_submission_of_others=who.referrer, keyed=keyed),
            EVENTS_AT_ONCE,
        )
        return pb.ListReferralEventsResponse(
            events=events,
            next_page_token=page_tokens.page_token(shown[-1]["sequence"]) if more else "",
        )

    async def WatchReferralEvents(  # noqa: N802
        self, request: pb.WatchReferralEventsRequest, context: Any
    ) -> AsyncIterator[pb.WatchReferralEventsResponse]:
        who = reader(current_identity())
        referral_id = UUID(request.referral_id) if request.referral_id else None
        if referral_id is not None:
            async with db.raw(self._engine) as conn:
                await queries.referral(conn, who, referral_id)
        async for response in self._watch.follow(who, referral_id, request.cursor):
            yield response

    async def WithdrawReferral(  # noqa: N802
        self, request: pb.WithdrawReferralRequest, context: Any
    ) -> pb.WithdrawReferralResponse:
        submission.refuse_unstorable({"reason": request.reason})
        identity = current_identity()
        who, now = reader(identity), self._clock.now()
        referral_id, request_id = UUID(request.referral_id), UUID(request.request_id)
        body = request.SerializeToString(deterministic=True)
        async with db.raw(self._engine) as conn, conn.transaction():
            await queries.referral(conn, who, referral_id)
            row = await record.lock(conn, referral_id)
            stored = await casework.replayed(conn, str(identity), request_id, body)
            if stored is not None:
                return pb.WithdrawReferralResponse.FromString(stored)
            whole = await casework.withdraw(
                conn,
                row,
                referrer=who.referrer,
                actor=str(identity),
                reason=request.reason,
                traceparent=telemetry.current_traceparent(),
                now=now,
            )
            answer = pb.WithdrawReferralResponse(
                referral=await self._shown(conn, referral_id), referral_withdrawn=whole
            )
            serialised = answer.SerializeToString()
            await casework.remember(conn, str(identity), request_id, body, serialised, now)
        return answer
