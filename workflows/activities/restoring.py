"""Read what a lost workflow needs to go on: the record, the platform's rules, its answers."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import UTC, date, datetime
from typing import Final

import grpc
from google.protobuf import json_format

from services.kernel.ids import notice_id_text
from takedown.adapter.v1 import platform_adapter_service_pb2 as adapter_pb
from takedown.adapter.v1.platform_adapter_service_pb2_grpc import PlatformAdapterServiceStub
from takedown.intake.v1 import referral_service_pb2 as pb
from takedown.intake.v1.referral_service_pb2_grpc import ReferralServiceStub
from takedown.referral.v1 import enums_pb2, event_pb2, referral_pb2
from workflows import contracts, restore
from workflows.activities.adapter import policy_of
from workflows.contracts import PlatformAnswer, PlatformPolicy, StartReferral
from workflows.delivered import platform_answer, short_name, time_text
from workflows.restore import NotRestorableError, Recorded

DEADLINE: Final = 8.0
EVENTS_PER_PAGE: Final = 1000
BankHolidays = Callable[[date], tuple[str, ...]]


class Restoring:
    """Makes the start of a lost workflow. ``adapters`` holds one channel per platform slug."""

    def __init__(
        self,
        intake: grpc.aio.Channel,
        adapters: Mapping[str, grpc.aio.Channel],
        time_scale: float,
        bank_holidays: BankHolidays = lambda _: (),
    ) -> None:
        self._referrals = ReferralServiceStub(intake)
        self._adapters = {
            slug: PlatformAdapterServiceStub(channel) for slug, channel in adapters.items()
        }
        self._time_scale = time_scale
        self._bank_holidays = bank_holidays

    async def start_of(self, referral_id: str) -> StartReferral:
        """The start with which the referral's workflow goes on.

        Raises:
            NotRestorableError: the record or the adapter does not say enough; ask again later.
            grpc.aio.AioRpcError: the record could not be read.
        """
        answer = await self._referrals.GetReferral(
            pb.GetReferralRequest(referral_id=referral_id), timeout=DEADLINE
        )
        referral, events = answer.referral, await self.events(referral_id)
        now = datetime.now(UTC)
        start = first_start(referral, self._time_scale, self._bank_holidays(now.date()))
        told = await self._answers(referral_id, start.platform, events)
        policy = await self._policy(start.platform)
        progress = restore.restore(start, [recorded(e) for e in events], policy, now, told)
        return replace(start, carried=progress.carry())

    async def events(self, referral_id: str) -> list[event_pb2.ReferralEvent]:
        """Every event of the referral, in order."""
        request = pb.ListReferralEventsRequest(referral_id=referral_id, page_size=EVENTS_PER_PAGE)
        found: list[event_pb2.ReferralEvent] = []
        while True:
            answer = await self._referrals.ListReferralEvents(request, timeout=DEADLINE)
            found.extend(answer.events)
            if not answer.next_page_token:
                return found
            request.page_token = answer.next_page_token

    async def _policy(self, platform: str) -> PlatformPolicy | None:
        adapter = self._adapters.get(platform)
        if adapter is None:
            return None
        try:
            described = await adapter.Describe(adapter_pb.DescribeRequest(), timeout=DEADLINE)
        except grpc.aio.AioRpcError:
            return None
        return policy_of(described.policy)

    async def _answers(
        self, referral_id: str, platform: str, events: list[event_pb2.ReferralEvent]
    ) -> list[PlatformAnswer]:
        """What the platform answered to the newest notice, by its adapter's own store."""
        numbers = [e.notice.number for e in events if e.HasField("notice")]
        adapter = self._adapters.get(platform)
        if not numbers or adapter is None:
            return []
        request = adapter_pb.GetNoticeRequest(notice_id=notice_id_text(referral_id, max(numbers)))
        try:
            known = await adapter.GetNotice(request, timeout=DEADLINE)
        except grpc.aio.AioRpcError as error:
            if error.code() is grpc.StatusCode.NOT_FOUND:
                return []
            raise NotRestorableError("the adapter cannot say what the platform answered") from error
        return [platform_answer(event) for event in known.platform_events]


def first_start(
    referral: referral_pb2.Referral, time_scale: float, bank_holidays: tuple[str, ...]
) -> StartReferral:
    """As the relay started it: urgency and departure of the first submission."""
    first = referral.submissions[0] if referral.submissions else referral_pb2.Submission()
    urgency = first.urgency or enums_pb2.URGENCY_ROUTINE
    return StartReferral(
        referral_id=referral.referral_id,
        platform=referral.content.platform,
        kind=short_name(enums_pb2.ContentKind.Name(referral.content.kind), "CONTENT_KIND_"),
        urgency=short_name(enums_pb2.Urgency.Name(urgency), "URGENCY_"),
        departure_time=time_text(first, "departure_time"),
        test=referral.test,
        time_scale=time_scale,
        version=contracts.VERSION,
        bank_holidays=bank_holidays,
    )


def recorded(event: event_pb2.ReferralEvent) -> Recorded:
    """An event of the record as restoring reads it."""
    kind = event.WhichOneof("detail")
    detail = json_format.MessageToDict(getattr(event, kind)) if kind else {}
    return Recorded(
        key=event.event_key,
        type=event_pb2.ReferralEventType.Name(event.type).removeprefix("REFERRAL_EVENT_TYPE_"),
        state=short_name(enums_pb2.ReferralState.Name(event.state), "REFERRAL_STATE_"),
        occurred_at=event.occur_time.ToDatetime(tzinfo=UTC),
        recorded_at=event.record_time.ToDatetime(tzinfo=UTC),
        detail=dict(detail),
    )
