"""What people do in the demonstration: referrers and two operators, through the public API."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Callable, Coroutine
from datetime import UTC, datetime, timedelta
from typing import Any

import grpc

from infra.local.layout import OPERATOR, SECOND_OPERATOR
from takedown.intake.v1 import casework_service_pb2 as casework_pb
from takedown.intake.v1 import referral_service_pb2 as pb
from takedown.intake.v1.casework_service_pb2_grpc import CaseworkServiceStub
from takedown.intake.v1.referral_service_pb2_grpc import ReferralServiceStub
from takedown.referral.v1 import enums_pb2 as enums
from takedown.referral.v1 import event_pb2

_SECONDS = 10.0
_REFER = {"decision": "REFER", "reason": "OFFER_CONFIRMED"}
_HELD = timedelta(minutes=1)


class People:
    """Acts on events as the script of each referral says; ``failures`` are sentences."""

    def __init__(self, open_channel: Callable[[str, str], grpc.aio.Channel]) -> None:
        self._open = open_channel
        self.operator = ReferralServiceStub(open_channel("operator", OPERATOR))
        self._casework = CaseworkServiceStub(open_channel("operator", OPERATOR))
        self._second = CaseworkServiceStub(open_channel("operator", SECOND_OPERATOR))
        self._referrers: dict[str, tuple[Any, Any]] = {}
        self._errands: set[asyncio.Task[None]] = set()
        self.failures: list[str] = []

    def referrer(self, name: str) -> Any:
        """The ReferralService as this organisation calls it."""
        return self._of(name)[0]

    async def campaigns(self) -> list[casework_pb.Campaign]:
        """Every campaign, as an operator sees them."""
        request = casework_pb.ListCampaignsRequest(page_size=500)
        answer = await self._casework.ListCampaigns(request, timeout=_SECONDS)
        return list(answer.campaigns)

    def close(self) -> None:
        for task in self._errands:
            task.cancel()

    def see(
        self, kind: str, event: event_pb2.ReferralEvent, script: dict[str, Any], owner: str
    ) -> None:
        """React to one event of a referral that ``owner`` submitted."""
        referral_id, held = event.referral_id, "place_hold" in script
        if kind == "REVIEW_REQUESTED":
            self._send(self._hold(referral_id, script) if held else self._decide(event, script))
        elif kind == "HOLD_PLACED" and held:
            self._send(self._release(referral_id))
        elif kind == "HOLD_ENDED" and held:
            self._send(self._decide(event, script))
        elif kind == "ACKNOWLEDGED" and script.get("withdraw"):
            self._send(self._withdraw(referral_id, owner))
        elif kind == "ACKNOWLEDGED" and script.get("escalate"):
            self._send(self._escalate(referral_id))
        elif kind == "CLARIFICATION_REQUESTED" and "clarify" in script:
            self._send(self._clarify(event, script, owner))

    def _of(self, name: str) -> tuple[Any, Any]:
        if name not in self._referrers:
            opened = self._open("referrer", name)
            self._referrers[name] = ReferralServiceStub(opened), CaseworkServiceStub(opened)
        return self._referrers[name]

    def _send(self, errand: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(errand)
        self._errands.add(task)
        task.add_done_callback(self._done)

    def _done(self, task: asyncio.Task[None]) -> None:
        self._errands.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            said = error.details() if isinstance(error, grpc.aio.AioRpcError) else str(error)
            self.failures.append(f"a person's errand failed: {said}")

    async def _decide(self, event: event_pb2.ReferralEvent, script: dict[str, Any]) -> None:
        """What the script says, else a confirmed offer is referred; by two people where needed."""
        review = script.get("review", _REFER)
        request = casework_pb.DecideReviewRequest(
            referral_id=event.referral_id,
            request_id=str(uuid.uuid4()),
            decision=enums.ReviewDecision.Value(f"REVIEW_DECISION_{review['decision']}"),
            reason=enums.ReviewReason.Value(f"REVIEW_REASON_{review['reason']}"),
        )
        answer = await self._casework.DecideReview(request, timeout=_SECONDS)
        if not answer.referral.review.decision:
            request.request_id = str(uuid.uuid4())
            await self._second.DecideReview(request, timeout=_SECONDS)

    async def _hold(self, referral_id: str, script: dict[str, Any]) -> None:
        request = casework_pb.PlaceHoldRequest(
            referral_id=referral_id,
            request_id=str(uuid.uuid4()),
            reason=enums.HoldReason.Value(f"HOLD_REASON_{script['place_hold']}"),
            note="A live operation could be harmed.",
        )
        request.expire_time.FromDatetime(datetime.now(UTC) + _HELD)
        await self._casework.PlaceHold(request, timeout=_SECONDS)

    async def _release(self, referral_id: str) -> None:
        request = casework_pb.ReleaseHoldRequest(
            referral_id=referral_id, request_id=str(uuid.uuid4()), note="The operation is over."
        )
        await self._casework.ReleaseHold(request, timeout=_SECONDS)

    async def _escalate(self, referral_id: str) -> None:
        request = casework_pb.EscalateRequest(
            referral_id=referral_id, request_id=str(uuid.uuid4()), note="It is being shared widely."
        )
        await self._casework.Escalate(request, timeout=_SECONDS)

    async def _withdraw(self, referral_id: str, owner: str) -> None:
        request = pb.WithdrawReferralRequest(
            referral_id=referral_id, request_id=str(uuid.uuid4()), reason="Referred by mistake."
        )
        await self.referrer(owner).WithdrawReferral(request, timeout=_SECONDS)

    async def _clarify(
        self, event: event_pb2.ReferralEvent, script: dict[str, Any], owner: str
    ) -> None:
        request = casework_pb.AnswerClarificationRequest(
            referral_id=event.referral_id,
            request_id=str(uuid.uuid4()),
            clarification_id=event.platform_event.event_id,
            answer=script["clarify"],
        )
        await self._of(owner)[1].AnswerClarification(request, timeout=_SECONDS)
