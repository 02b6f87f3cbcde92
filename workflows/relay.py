"""The relay: hands what the inboxes hold to Temporal, at least once and idempotently.

A referral is started with eager start in this very process; everything after that is an
update whose id is the inbox item's id. When no worker answers an update, a signal carries
the same delivery and the workflow drops the repetition by its id.
"""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Final

import grpc
import structlog
from google.protobuf.duration_pb2 import Duration
from temporalio.client import (
    Client,
    WorkflowExecutionStatus,
    WorkflowHandle,
    WorkflowUpdateRPCTimeoutOrCancelledError,
    WorkflowUpdateStage,
)
from temporalio.common import Priority, WorkflowIDConflictPolicy, WorkflowIDReusePolicy
from temporalio.exceptions import WorkflowAlreadyStartedError
from temporalio.service import RPCError, RPCStatusCode

from services.kernel import telemetry, waiting
from services.kernel.ids import uuid7
from takedown.delivery.v1 import delivery_service_pb2 as pb
from takedown.delivery.v1.delivery_service_pb2_grpc import DeliveryServiceStub
from takedown.intake.v1 import casework_service_pb2 as casework_pb
from takedown.intake.v1 import record_service_pb2 as record_pb
from takedown.intake.v1.record_service_pb2_grpc import RecordServiceStub
from takedown.referral.v1 import enums_pb2, event_pb2, platform_event_pb2
from workflows import contracts, policy, relay_payloads, schedules
from workflows.activities.intake import ACTOR
from workflows.admission import Admission
from workflows.contracts import Delivery, StartReferral
from workflows.delivered import platform_answer

WINDOW: Final = 64
LEASE: Final = timedelta(seconds=30)
UPDATE_SECONDS: Final = 5.0
CALL_SECONDS: Final = 8.0
# An answer may come before the notice it answers is on record: try again, then leave it to
# the reconciliation sweep.
UNMATCHED_ATTEMPTS: Final = 6
# Priorities of inbox items from here on are bulk (services/kernel/inbox.py).
BULK: Final = 2
# How long an item in hand waits for a place, and then in the inbox before it is handed out again.
ADMISSION_SECONDS: Final = 15.0
ADMISSION_PAUSE: Final = timedelta(seconds=1)
# A workflow that goes on: the run that was asked had just ended. The time-skipping test server
# answers NOT_FOUND then; a real one UNAVAILABLE, in 1,500 updates over 500 runs.
GOING_ON: Final = (WorkflowExecutionStatus.RUNNING, WorkflowExecutionStatus.CONTINUED_AS_NEW)
# A referral whose start is on its way is there soon.
NOT_STARTED_PAUSE: Final = timedelta(seconds=2)
# How an item is settled: the result, a word for operators, the pause when deferred.
Settled = tuple[pb.DeliveryResult.ValueType, str, timedelta]
_log = structlog.get_logger("relay")


class Relay:
    """Serves one inbox (intake's or acknowledgement's) until it is told to stop."""

    def __init__(
        self,
        name: str,
        inbox: grpc.aio.Channel,
        intake: grpc.aio.Channel,
        temporal: Client,
        time_scale: float,
        admission: Admission,
    ) -> None:
        self._name = name
        self._inbox = DeliveryServiceStub(inbox)
        self._record = RecordServiceStub(intake)
        self._temporal = temporal
        self._time_scale = time_scale
        self._admission = admission
        self._claimant = str(uuid7())
        self._tasks: set[asyncio.Task[None]] = set()
        self._heard = False
        self._deliveries = telemetry.meter().create_counter(telemetry.RELAY_DELIVERIES)

    async def run(self, stop: asyncio.Event) -> None:
        """Receive and deliver; an inbox that is away is asked again, with a growing pause."""
        pause = 0.1
        while not stop.is_set():
            receiving = asyncio.create_task(self._receive())
            stopping = asyncio.create_task(stop.wait())
            await asyncio.wait([receiving, stopping], return_when=asyncio.FIRST_COMPLETED)
            stopping.cancel()
            if not receiving.done():
                receiving.cancel()
            await asyncio.gather(receiving, return_exceptions=True)
            failed = not receiving.cancelled() and receiving.exception() is not None
            # Cut off in the middle is not away: what it heard before it failed says so.
            away = failed and not self._heard
            pause, self._heard = (min(pause * 2, 5.0) if away else 0.1), False
            if failed and not stop.is_set():
                _log.info("inbox_away", inbox=self._name, seconds=pause)
                await waiting.until_any(pause, stop)
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=10)

    async def _receive(self) -> None:
        request = pb.ReceiveRequest(claimant_id=self._claimant, window=WINDOW)
        request.lease.FromTimedelta(LEASE)
        async for response in self._inbox.Receive(request, timeout=90):
            self._heard = True
            task = asyncio.create_task(self._handle(response.item))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def _handle(self, item: pb.InboxItem) -> None:
        """Deliver one item and settle it; a failure leaves it to be handed out again."""
        result: pb.DeliveryResult.ValueType
        with telemetry.restored(item.traceparent):
            try:
                result, detail, pause = await self._deliver(item)
            except (RPCError, grpc.aio.AioRpcError, TimeoutError) as error:
                result, pause = pb.DELIVERY_RESULT_DEFERRED, _backoff(item.attempts)
                detail = type(error).__name__
            except Exception as error:
                # A payload of a newer release, perhaps: kept for a relay that can read it, and
                # said aloud, or it would come back without a word whenever its lease ends.
                result, pause = pb.DELIVERY_RESULT_DEFERRED, _backoff(item.attempts)
                detail = f"cannot be read here: {type(error).__name__}"
                _log.error("unreadable", inbox=self._name, kind=item.kind, item_id=item.item_id,
                           error=type(error).__name__)  # fmt: skip
            self._deliveries.add(1, {"inbox": self._name, "result": pb.DeliveryResult.Name(result)})
            await self._settle(item, result, detail, pause)

    async def _settle(
        self, item: pb.InboxItem, result: pb.DeliveryResult.ValueType, detail: str, pause: timedelta
    ) -> None:
        request = pb.CompleteRequest(item_id=item.item_id, result=result, detail=detail)
        if result == pb.DELIVERY_RESULT_DEFERRED:
            request.retry_after.CopyFrom(_duration(pause))
        try:
            await self._inbox.Complete(request, timeout=CALL_SECONDS)
        except grpc.aio.AioRpcError as error:
            # The lease runs out and the item comes again; delivering it twice changes nothing.
            _log.info("settle_failed", inbox=self._name, code=error.code().name)

    async def _deliver(self, item: pb.InboxItem) -> Settled:
        if item.kind == contracts.KIND_REFERRAL_ACCEPTED:
            return await self._start(item)
        if item.kind == contracts.KIND_PLATFORM_EVENT:
            return await self._answer(item)
        if item.kind == contracts.KIND_RECONCILIATION:
            asked = casework_pb.Reconciliation.FromString(item.payload)
            await schedules.run_once(
                self._temporal, asked.reconciliation_id, asked.dry_run, self._time_scale
            )
            return pb.DELIVERY_RESULT_DELIVERED, "", timedelta()
        # A kind that only a newer release knows raises, and waits like what cannot be read.
        read = relay_payloads.COMMANDS[item.kind]
        delivery = Delivery(item.item_id, item.kind, command=read(item.payload))
        return await self._update(item, item.referral_id, delivery)

    async def _start(self, item: pb.InboxItem) -> Settled:
        """Start the referral's workflow; bulk only while few of it are on their way."""
        start = relay_payloads.start(item.payload, self._time_scale)
        telemetry.bind_referral(start.referral_id)
        # By the item and not by the referral: a command hurries the start that it needs.
        bulk = item.priority >= BULK
        if bulk and not await self._admission.wait(start.referral_id, ADMISSION_SECONDS):
            return pb.DELIVERY_RESULT_DEFERRED, "bulk waits its turn", ADMISSION_PAUSE
        try:
            return await self._started(start)
        except BaseException:
            self._admission.give_back(start.referral_id)
            raise

    async def _started(self, start: StartReferral) -> Settled:
        try:
            await self._temporal.start_workflow(
                contracts.WORKFLOW,
                start,
                id=contracts.workflow_id(start.referral_id),
                task_queue=contracts.REFERRALS_QUEUE,
                id_conflict_policy=WorkflowIDConflictPolicy.USE_EXISTING,
                id_reuse_policy=WorkflowIDReusePolicy.REJECT_DUPLICATE,
                request_eager_start=True,
                priority=Priority(priority_key=policy.priority_key(start.urgency)),
                rpc_timeout=timedelta(seconds=CALL_SECONDS),
            )
        except WorkflowAlreadyStartedError:
            self._admission.give_back(start.referral_id)
            return pb.DELIVERY_RESULT_DELIVERED, "ran before", timedelta()
        return pb.DELIVERY_RESULT_DELIVERED, "", timedelta()

    async def _answer(self, item: pb.InboxItem) -> Settled:
        event = platform_event_pb2.PlatformEvent.FromString(item.payload)
        located = await self._record.LocateReferral(
            record_pb.LocateReferralRequest(platform_event=event), timeout=CALL_SECONDS
        )
        if not located.referral_id:
            if item.attempts < UNMATCHED_ATTEMPTS:
                return pb.DELIVERY_RESULT_DEFERRED, "unmatched", _backoff(item.attempts)
            return pb.DELIVERY_RESULT_UNMATCHED, "", timedelta()
        delivery = Delivery(item.item_id, item.kind, answer=platform_answer(event))
        telemetry.bind_referral(located.referral_id)
        result = await self._update(item, located.referral_id, delivery)
        if result[0] == pb.DELIVERY_RESULT_LATE:
            await self._note_late(item, located.referral_id, event)
        return result

    async def _update(self, item: pb.InboxItem, referral_id: str, delivery: Delivery) -> Settled:
        handle = self._temporal.get_workflow_handle(contracts.workflow_id(referral_id))
        try:
            async with asyncio.timeout(UPDATE_SECONDS):
                await self._accepted(handle, item, delivery)
        except (TimeoutError, WorkflowUpdateRPCTimeoutOrCancelledError):
            return await self._signal(handle, delivery)
        except RPCError as error:
            if error.status is RPCStatusCode.NOT_FOUND:
                return await self._missing(handle, item)
            raise
        return pb.DELIVERY_RESULT_DELIVERED, "", timedelta()

    async def _accepted(
        self, handle: WorkflowHandle[object, object], item: pb.InboxItem, delivery: Delivery
    ) -> None:
        await handle.start_update(
            contracts.UPDATE_DELIVER,
            delivery,
            id=item.item_id,
            wait_for_stage=WorkflowUpdateStage.COMPLETED,
            result_type=str,
            rpc_timeout=timedelta(seconds=UPDATE_SECONDS),
        )

    async def _signal(self, handle: WorkflowHandle[object, object], delivery: Delivery) -> Settled:
        """No worker answered: a signal waits in the history until one does."""
        await handle.signal(
            contracts.SIGNAL_DELIVER, delivery, rpc_timeout=timedelta(seconds=CALL_SECONDS)
        )
        return pb.DELIVERY_RESULT_DELIVERED, "by signal", timedelta()

    async def _missing(self, handle: WorkflowHandle[object, object], item: pb.InboxItem) -> Settled:
        """Ended, so the delivery is late; not started yet, or between two runs: it comes again."""
        pause = min(_backoff(item.attempts), NOT_STARTED_PAUSE)
        try:
            found = await handle.describe(rpc_timeout=timedelta(seconds=CALL_SECONDS))
        except RPCError as error:
            if error.status is not RPCStatusCode.NOT_FOUND:
                raise
            self._admission.hurry(item.referral_id)
            return pb.DELIVERY_RESULT_DEFERRED, "not started yet", pause
        if found.status in GOING_ON:
            return pb.DELIVERY_RESULT_DEFERRED, "between two runs", pause
        return pb.DELIVERY_RESULT_LATE, "the referral is closed", timedelta()

    async def _note_late(
        self, item: pb.InboxItem, referral_id: str, event: platform_event_pb2.PlatformEvent
    ) -> None:
        """What comes after the end changes nothing, but a reversal is a fact of its own."""
        new = record_pb.NewEvent(event_key=f"late/{item.item_id}")
        new.event.actor = ACTOR
        new.event.trace_id = telemetry.current_trace_id()
        new.event.occur_time.CopyFrom(event.occur_time)
        if event.type == enums_pb2.PLATFORM_EVENT_TYPE_REVERSAL:
            new.event.type = event_pb2.REFERRAL_EVENT_TYPE_REVERSED
            new.event.platform_event.CopyFrom(event)
        else:
            new.event.type = event_pb2.REFERRAL_EVENT_TYPE_PLATFORM_EVENT_NOTED
            new.event.platform_event_noted.platform_event.CopyFrom(event)
            new.event.platform_event_noted.reason = "late"
        request = record_pb.AppendEventsRequest(referral_id=referral_id, events=[new])
        await self._record.AppendEvents(request, timeout=CALL_SECONDS)


def _backoff(attempts: int) -> timedelta:
    return timedelta(seconds=min(0.25 * 2 ** min(max(attempts - 1, 0), 8), 30.0))


def _duration(pause: timedelta) -> Duration:
    duration = Duration()
    duration.FromTimedelta(pause)
    return duration
