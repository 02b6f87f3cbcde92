"""PlatformAdapterService for one platform: store the notice, then send it."""

from __future__ import annotations

import asyncio
import hashlib
from typing import Any, Final
from uuid import UUID
from weakref import WeakValueDictionary

from services.adapters import domain, wire
from services.adapters.channels.api import ApiChannel
from services.adapters.clarifications import Clarifications
from services.adapters.forwarder import Poller
from services.adapters.profiles.table import Profile
from services.adapters.store import NewNotice, Row, Store
from services.kernel import telemetry
from services.kernel.clock import Clock
from services.kernel.errors import DomainError, ErrorKind, failed_precondition, not_found
from takedown.adapter.v1 import platform_adapter_service_pb2 as pb
from takedown.adapter.v1 import platform_adapter_service_pb2_grpc as pb_grpc
from takedown.referral.v1 import enums_pb2 as enums
from takedown.referral.v1 import platform_event_pb2

SERVICE: Final = "takedown.adapter.v1.PlatformAdapterService"
VERSION: Final = "1"


class AdapterServicer(pb_grpc.PlatformAdapterServiceServicer):
    def __init__(
        self,
        profile: Profile,
        channel: ApiChannel,
        store: Store,
        clarifications: Clarifications,
        poller: Poller,
        clock: Clock,
        *,
        sandbox: bool,
    ) -> None:
        self._profile = profile
        self._channel = channel
        self._store = store
        self._clarifications = clarifications
        self._poller = poller
        self._clock = clock
        self._sandbox = sandbox
        self._policy = wire.policy(profile.policy)
        # Of each notice one call at a time: a withdrawal must not overtake its own notice.
        self._locks: WeakValueDictionary[UUID, asyncio.Lock] = WeakValueDictionary()
        self._notices = telemetry.meter().create_counter(telemetry.NOTICES)

    async def Describe(  # noqa: N802
        self, request: pb.DescribeRequest, context: Any
    ) -> pb.DescribeResponse:
        kinds = sorted(self._profile.kinds)
        return pb.DescribeResponse(
            platform=self._profile.platform,
            display_name=self._profile.display_name,
            channels=[enums.NOTICE_CHANNEL_API],
            content_kinds=[enums.ContentKind.Value(f"CONTENT_KIND_{kind}") for kind in kinds],
            policy=self._policy,
            sandbox=self._sandbox,
            adapter_version=VERSION,
            profile_version=self._profile.version,
        )

    async def SubmitNotice(  # noqa: N802
        self, request: pb.SubmitNoticeRequest, context: Any
    ) -> pb.SubmitNoticeResponse:
        telemetry.bind_referral(request.referral_id)
        facts = wire.facts(request)
        domain.admit(facts, self._profile, sandbox=self._sandbox)
        async with self._alone(facts.notice_id):
            row = await self._store.keep_notice(self._new_notice(facts))
            _refuse_changed(row, facts)
            if row["deliver_time"] is not None:
                return self._answer(row, replayed=True)
            row = await self._deliver(row)
        return self._answer(row, replayed=False)

    async def _deliver(self, row: Row) -> Row:
        # What is sent is what is stored, also when this call came to store something newer.
        receipt = await self._channel.send(row["notice_id"], bytes(row["body"]))
        now = self._clock.now()
        row = await self._store.delivered(
            row["notice_id"], receipt.reference, now, self._poller.first_poll(now)
        )
        self._notices.add(1, {"platform": self._profile.platform})
        return row

    def _alone(self, notice_id: UUID) -> asyncio.Lock:
        return self._locks.setdefault(notice_id, asyncio.Lock())

    def _new_notice(self, facts: domain.NoticeFacts) -> NewNotice:
        body = domain.compose(facts, self._profile)
        return NewNotice(
            notice_id=facts.notice_id,
            referral_id=facts.referral_id,
            number=facts.number,
            body=body,
            sha256=hashlib.sha256(body).hexdigest(),
            media_type=domain.MEDIA_TYPE,
            sandbox=self._sandbox,
            profile_version=self._profile.version,
            traceparent=telemetry.current_traceparent(),
            prepared_at=facts.prepared_at,
        )

    def _answer(self, row: Row, *, replayed: bool) -> pb.SubmitNoticeResponse:
        shown = wire.notice(self._profile.platform, row)
        return pb.SubmitNoticeResponse(notice=shown, replayed=replayed, policy=self._policy)

    async def GetNotice(  # noqa: N802
        self, request: pb.GetNoticeRequest, context: Any
    ) -> pb.GetNoticeResponse:
        row = await self._known(UUID(request.notice_id))
        answers = await self._store.answers_to(row["notice_id"])
        return pb.GetNoticeResponse(
            notice=wire.notice(self._profile.platform, row),
            platform_events=[
                platform_event_pb2.PlatformEvent.FromString(answer) for answer in answers
            ],
            content=bytes(row["body"]),
            content_media_type=row["media_type"],
        )

    async def WithdrawNotice(  # noqa: N802
        self, request: pb.WithdrawNoticeRequest, context: Any
    ) -> pb.WithdrawNoticeResponse:
        row = await self._known(UUID(request.notice_id))
        telemetry.bind_referral(str(row["referral_id"]))
        # Marked first: a delivery that is being retried elsewhere finds it and stops.
        marked = await self._store.withdrawn(row["notice_id"], self._clock.now(), told=False)
        if marked is not None and marked["withdraw_deliver_time"] is None:
            async with self._alone(row["notice_id"]):
                await self._channel.withdraw(row["notice_id"], request.reason)
            marked = await self._store.withdrawn(row["notice_id"], self._clock.now(), told=True)
        return pb.WithdrawNoticeResponse(notice=wire.notice(self._profile.platform, marked or row))

    async def AnswerClarification(  # noqa: N802
        self, request: pb.AnswerClarificationRequest, context: Any
    ) -> pb.AnswerClarificationResponse:
        row = await self._known(UUID(request.notice_id))
        telemetry.bind_referral(str(row["referral_id"]))
        if row["withdraw_time"] is not None:
            raise failed_precondition(
                "NOTICE_WITHDRAWN", "The notice was withdrawn; its questions need no answer."
            )
        async with self._alone(row["notice_id"]):
            replayed = await self._answer_once(
                row["notice_id"], request.clarification_id, request.answer
            )
        return pb.AnswerClarificationResponse(replayed=replayed)

    async def _answer_once(self, notice_id: UUID, clarification_id: str, words: str) -> bool:
        """Store the answer, then send what is stored; True when the platform had it before."""
        body = domain.compose_answer(clarification_id, words)
        kept = await self._clarifications.keep(
            notice_id, clarification_id, body, hashlib.sha256(body).hexdigest(), self._clock.now()
        )
        if bytes(kept["body"]) != body:
            raise DomainError(
                ErrorKind.ALREADY_EXISTS,
                "CLARIFICATION_CONFLICT",
                "This question was answered in other words; what was sent stays.",
            )
        if kept["deliver_time"] is not None:
            return True
        try:
            await self._channel.answer(notice_id, clarification_id, body)
        except DomainError as error:
            if not error.retryable:
                await self._clarifications.settle(
                    notice_id, clarification_id, self._clock.now(), refused=True
                )
            raise
        await self._clarifications.settle(
            notice_id, clarification_id, self._clock.now(), refused=False
        )
        return False

    async def _known(self, notice_id: UUID) -> Row:
        row = await self._store.notice(notice_id)
        if row is None:
            raise not_found("NOTICE_NOT_FOUND", "No such notice; check its id.")
        return row


def _refuse_changed(row: Row, facts: domain.NoticeFacts) -> None:
    """A withdrawn notice is never sent, and one id never names two notices."""
    same = (row["referral_id"], row["number"]) == (facts.referral_id, facts.number)
    if not same or not domain.same_content(bytes(row["body"]), facts):
        raise DomainError(
            ErrorKind.ALREADY_EXISTS,
            "NOTICE_CONFLICT",
            "This notice_id belongs to another notice; derive it as agreed.",
        )
    if row["withdraw_time"] is not None:
        raise failed_precondition(
            "NOTICE_WITHDRAWN", "The notice was withdrawn and is not sent any more."
        )
