"""What the relay makes of answers that come after the end, against a real record and Temporal."""

from __future__ import annotations

import asyncio
import time
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import grpc
import pytest
from temporalio.client import (
    Client,
    Interceptor,
    OutboundInterceptor,
    StartWorkflowUpdateInput,
)
from temporalio.service import RPCError, RPCStatusCode

from services.kernel.ids import notice_id_text
from takedown.delivery.v1 import delivery_service_pb2 as delivery_pb
from takedown.delivery.v1.delivery_service_pb2_grpc import (
    DeliveryServiceServicer,
    add_DeliveryServiceServicer_to_server,
)
from takedown.intake.v1 import referral_service_pb2 as pb
from takedown.referral.v1 import enums_pb2 as enums
from takedown.referral.v1 import event_pb2, platform_event_pb2, referral_pb2
from tests.integration.intake.lives import closed
from tests.integration.workflows.conftest import Desk
from tests.integration.workflows.lives import notified
from workflows import contracts
from workflows.admission import Admission
from workflows.relay import Relay

pytestmark = pytest.mark.timeout(60)


class Inbox(DeliveryServiceServicer):
    """Hands out one item at a time, again until it is settled for good."""

    def __init__(self) -> None:
        self.items: asyncio.Queue[delivery_pb.InboxItem] = asyncio.Queue()
        self.settled: asyncio.Queue[delivery_pb.CompleteRequest] = asyncio.Queue()

    async def Receive(  # noqa: N802
        self, request: Any, context: Any
    ) -> AsyncIterator[delivery_pb.ReceiveResponse]:
        while True:
            yield delivery_pb.ReceiveResponse(item=await self.items.get())

    async def Complete(self, request: Any, context: Any) -> delivery_pb.CompleteResponse:  # noqa: N802
        await self.settled.put(request)
        return delivery_pb.CompleteResponse()

    async def given(self, event: platform_event_pb2.PlatformEvent) -> delivery_pb.CompleteRequest:
        """How this event was settled."""
        return await self.handed(contracts.KIND_PLATFORM_EVENT, event.SerializeToString())

    async def handed(self, kind: str, payload: bytes) -> delivery_pb.CompleteRequest:
        """How an item of this kind was settled."""
        item = delivery_pb.InboxItem(item_id=str(uuid.uuid4()), kind=kind, payload=payload)
        await self.items.put(item)
        return await self.settled.get()


class BetweenRuns(Interceptor):
    """Every update meets a run that has just ended, as one that comes with its last task does."""

    def intercept_client(self, next: OutboundInterceptor) -> OutboundInterceptor:
        return _Ended(next)


class _Ended(OutboundInterceptor):
    async def start_workflow_update(self, input: StartWorkflowUpdateInput) -> Any:
        raise RPCError("workflow execution already completed", RPCStatusCode.NOT_FOUND, b"")


@asynccontextmanager
async def relayed(desk: Desk, *interceptors: Interceptor) -> AsyncIterator[Inbox]:
    inbox, server, stop = Inbox(), grpc.aio.server(), asyncio.Event()
    add_DeliveryServiceServicer_to_server(inbox, server)
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    async with grpc.aio.insecure_channel(f"127.0.0.1:{port}") as channel:
        record = desk.intake.channel("service/worker")
        admission = Admission(4, 60.0, time.monotonic)
        temporal = Client(desk.temporal.service_client, interceptors=interceptors)
        relay = Relay("acknowledgement", channel, record, temporal, 1.0, admission)
        running = asyncio.create_task(relay.run(stop))
        yield inbox
        stop.set()
        await running
    await server.stop(0)


async def over(desk: Desk, number: int) -> str:
    """A referral that is closed on record and whose workflow has ended."""
    referral_id = await notified(desk, number)
    await desk.start_as_the_relay_does(referral_id)
    await desk.temporal.get_workflow_handle(contracts.workflow_id(referral_id)).terminate()
    await closed(desk.intake, referral_id)
    return referral_id


def said(referral_id: str, kind: str) -> platform_event_pb2.PlatformEvent:
    event = platform_event_pb2.PlatformEvent(
        platform="x",
        event_id=str(uuid.uuid4()),
        type=enums.PlatformEventType.Value(f"PLATFORM_EVENT_TYPE_{kind}"),
        notice_id=notice_id_text(referral_id, 1),
    )
    event.occur_time.GetCurrentTime()
    return event


async def record_of(desk: Desk, referral_id: str) -> tuple[int, list[event_pb2.ReferralEvent]]:
    """How the referral ended, and its events."""
    stub = desk.intake.referrals("operator/dev")
    found = await stub.GetReferral(pb.GetReferralRequest(referral_id=referral_id), timeout=5)
    request = pb.ListReferralEventsRequest(referral_id=referral_id)
    events = await stub.ListReferralEvents(request, timeout=5)
    return found.referral.outcome.outcome, list(events.events)


async def test_an_answer_after_the_end_is_noted_on_the_closed_referral_and_changes_nothing(
    desk: Desk,
) -> None:
    referral_id = await over(desk, 41)
    async with relayed(desk) as inbox:
        settled = await inbox.given(said(referral_id, "REMOVAL_CLAIM"))
    assert settled.result == delivery_pb.DELIVERY_RESULT_LATE
    outcome, events = await record_of(desk, referral_id)
    assert outcome == enums.OUTCOME_REMOVED
    assert events[-1].type == event_pb2.REFERRAL_EVENT_TYPE_PLATFORM_EVENT_NOTED
    assert events[-1].platform_event_noted.reason == "late"


async def test_a_reversal_after_the_end_is_a_fact_of_its_own(desk: Desk) -> None:
    referral_id = await over(desk, 42)
    async with relayed(desk) as inbox:
        settled = await inbox.given(said(referral_id, "REVERSAL"))
    assert settled.result == delivery_pb.DELIVERY_RESULT_LATE
    outcome, events = await record_of(desk, referral_id)
    assert outcome == enums.OUTCOME_REMOVED
    assert events[-1].type == event_pb2.REFERRAL_EVENT_TYPE_REVERSED


async def test_an_answer_between_two_runs_of_a_referral_is_not_late_but_comes_again(
    desk: Desk,
) -> None:
    referral_id = await notified(desk, 43)
    await desk.start_as_the_relay_does(referral_id)
    async with relayed(desk, BetweenRuns()) as inbox:
        settled = await inbox.given(said(referral_id, "REMOVAL_CLAIM"))
    assert settled.result == delivery_pb.DELIVERY_RESULT_DEFERRED
    assert settled.detail == "between two runs"
    _, events = await record_of(desk, referral_id)
    assert events[-1].type == event_pb2.REFERRAL_EVENT_TYPE_NOTICE_DELIVERED


@pytest.mark.parametrize(
    ("kind", "payload"),
    [
        (contracts.KIND_PLATFORM_EVENT, b"\xff\xff"),
        ("KIND_OF_A_NEWER_RELEASE", b""),
        # A content kind that only a newer release knows.
        (
            contracts.KIND_REFERRAL_ACCEPTED,
            referral_pb2.Referral(content=referral_pb2.Content(kind=99)).SerializeToString(),
        ),
    ],
)
async def test_what_this_release_cannot_read_is_kept_with_the_reason(
    desk: Desk, kind: str, payload: bytes
) -> None:
    async with relayed(desk) as inbox:
        settled = await inbox.handed(kind, payload)
        assert settled.result == delivery_pb.DELIVERY_RESULT_DEFERRED
        assert settled.detail.startswith("cannot be read here: ")
        # The relay goes on with what it can read.
        late = await inbox.given(said(await over(desk, 44), "REMOVAL_CLAIM"))
        assert late.result == delivery_pb.DELIVERY_RESULT_LATE
