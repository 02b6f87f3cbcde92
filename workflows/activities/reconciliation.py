"""What a reconciliation run does: match, track, compare, report."""

from __future__ import annotations

import asyncio
import hashlib
import heapq
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Final

import grpc
import structlog
from temporalio import activity
from temporalio.client import Client, WorkflowExecutionStatus, WorkflowQueryFailedError
from temporalio.common import WorkflowIDConflictPolicy, WorkflowIDReusePolicy
from temporalio.exceptions import WorkflowAlreadyStartedError
from temporalio.service import RPCError, RPCStatusCode

from services.kernel import telemetry
from takedown.delivery.v1 import delivery_service_pb2 as delivery_pb
from takedown.delivery.v1.delivery_service_pb2_grpc import DeliveryServiceStub
from takedown.intake.v1 import casework_service_pb2 as casework_pb
from takedown.intake.v1 import record_service_pb2 as record_pb
from takedown.intake.v1.record_service_pb2_grpc import RecordServiceStub
from workflows import contracts, sweep_contracts
from workflows.activities.comparing import agree
from workflows.activities.failures import beating, call_failure
from workflows.activities.restoring import Restoring
from workflows.restore import NotRestorableError
from workflows.snapshot import QUERY_SNAPSHOT, Snapshot
from workflows.sweep_contracts import (
    Compared,
    CompareRequest,
    ReconciliationReport,
    Requeued,
    RequeueRequest,
    Tracked,
    TrackRequest,
)

CALL_SECONDS: Final = 8.0
PAGE_SIZE: Final = 500
AT_ONCE: Final = 16
_RPC: Final = timedelta(seconds=CALL_SECONDS)
# A workflow that ended this way, while the record is open, follows nothing any more.
_ENDED: Final = frozenset(
    {
        WorkflowExecutionStatus.FAILED,
        WorkflowExecutionStatus.TERMINATED,
        WorkflowExecutionStatus.TIMED_OUT,
        WorkflowExecutionStatus.CANCELED,
    }
)
_log = structlog.get_logger("reconciliation")


class ReconciliationActivities:
    """``inboxes`` are the channels of every service that has one, intake's first."""

    def __init__(
        self,
        temporal: Client,
        intake: grpc.aio.Channel,
        inboxes: Sequence[grpc.aio.Channel],
        restoring: Restoring,
    ) -> None:
        self._temporal = temporal
        self._record = RecordServiceStub(intake)
        self._inboxes = [DeliveryServiceStub(channel) for channel in inboxes]
        self._restoring = restoring
        self._findings = telemetry.meter().create_counter(telemetry.RECONCILIATION)

    def all(self) -> list[object]:
        return [
            self.requeue_unmatched, self.track_page, self.compare_with_record,
            self.report_reconciliation,
        ]  # fmt: skip

    @activity.defn(name=sweep_contracts.ACTIVITY_REQUEUE_UNMATCHED)
    async def requeue_unmatched(self, request: RequeueRequest) -> Requeued:
        """Hand out again what matched no referral, in every inbox."""
        unmatched = requeued = 0
        for inbox in self._inboxes:
            given = delivery_pb.RequeueUnmatchedRequest(dry_run=request.dry_run)
            try:
                answer = await inbox.RequeueUnmatched(given, timeout=CALL_SECONDS)
            except grpc.aio.AioRpcError as error:
                raise call_failure(error) from error
            unmatched, requeued = unmatched + answer.unmatched, requeued + answer.requeued
        self._findings.add(unmatched, {"finding": "unmatched"})
        return Requeued(unmatched, requeued)

    @activity.defn(name=sweep_contracts.ACTIVITY_TRACK_PAGE)
    async def track_page(self, request: TrackRequest) -> Tracked:
        """One page of open referrals: find what has no workflow, and start it from the record.

        Idempotent: a start never ends or doubles a workflow, and what an earlier attempt
        started counts as found by this one.
        """
        page = await self._page(request)
        ids = [referral.referral_id for referral in page.referrals]
        work = _Page(request.dry_run, _Pace(request.starts_per_second))
        work.missing.extend(_of_earlier_attempt())
        work.started = len(work.missing)
        async with beating(lambda: work.missing[: work.started]):
            limit = asyncio.Semaphore(AT_ONCE)
            tracks = [self._track(referral_id, work, limit) for referral_id in ids]
            ended = await asyncio.gather(*tracks, return_exceptions=True)
            activity.heartbeat(work.missing[: work.started])
        for failure in ended:
            # Only when the whole page was tried: the next attempt finds less to do.
            if isinstance(failure, BaseException):
                raise failure
        missing = set(work.missing)
        tracked = [referral_id for referral_id in ids if referral_id not in missing]
        return Tracked(
            open_referrals=len(ids),
            missing=sorted(missing),
            started=work.started,
            failed=work.failed,
            sample=sample_of(tracked, request.seed, request.sample),
            next_page_token=page.next_page_token,
        )

    async def _page(self, request: TrackRequest) -> record_pb.ListOpenReferralsResponse:
        listed = record_pb.ListOpenReferralsRequest(
            page_size=PAGE_SIZE, page_token=request.page_token
        )
        listed.created_before.FromDatetime(datetime.fromisoformat(request.created_before))
        try:
            return await self._record.ListOpenReferrals(listed, timeout=CALL_SECONDS)
        except grpc.aio.AioRpcError as error:
            raise call_failure(error) from error

    async def _track(self, referral_id: str, work: _Page, limit: asyncio.Semaphore) -> None:
        async with limit:
            if referral_id in work.missing or await self._is_tracked(referral_id):
                return
            self._note("missing", referral_id)
            if work.dry_run:
                work.missing.append(referral_id)
                return
            await work.pace.wait()
            started = await self._start(referral_id)
            if started is None:
                return
            # Those that were started stand first: they are what the next attempt must know.
            work.missing.insert(0 if started else len(work.missing), referral_id)
            work.started, work.failed = work.started + started, work.failed + (not started)

    async def _is_tracked(self, referral_id: str) -> bool:
        handle = self._temporal.get_workflow_handle(contracts.workflow_id(referral_id))
        try:
            described = await handle.describe(rpc_timeout=_RPC)
        except RPCError as error:
            if error.status is RPCStatusCode.NOT_FOUND:
                return False
            raise
        return described.status not in _ENDED

    async def _start(self, referral_id: str) -> bool | None:
        """True when started; False when the record does not say enough; None when it needs none.

        Closed meanwhile, or started by the relay meanwhile: nothing is missing any more.
        """
        try:
            start = await self._restoring.start_of(referral_id)
        except NotRestorableError as error:
            if str(error) == NotRestorableError.CLOSED:
                return None
            _log.warning("not_restorable", referral_id=referral_id, why=str(error))
            self._findings.add(1, {"finding": "not_restorable"})
            return False
        except grpc.aio.AioRpcError as error:
            raise call_failure(error) from error
        try:
            await self._temporal.start_workflow(
                contracts.WORKFLOW,
                start,
                id=contracts.workflow_id(referral_id),
                task_queue=contracts.REFERRALS_QUEUE,
                id_conflict_policy=WorkflowIDConflictPolicy.FAIL,
                id_reuse_policy=WorkflowIDReusePolicy.ALLOW_DUPLICATE_FAILED_ONLY,
                rpc_timeout=_RPC,
            )
        except WorkflowAlreadyStartedError:
            return None
        self._note("started", referral_id)
        return True

    @activity.defn(name=sweep_contracts.ACTIVITY_COMPARE)
    async def compare_with_record(self, request: CompareRequest) -> Compared:
        """Which of these say otherwise than their workflow: state, and how much is on record."""
        limit = asyncio.Semaphore(AT_ONCE)

        async def look(referral_id: str) -> bool | None:
            async with limit:
                return await self._agrees(referral_id)

        async with beating():
            found = await asyncio.gather(*(look(item) for item in request.referral_ids))
        pairs = list(zip(request.referral_ids, found, strict=True))
        differing = [referral_id for referral_id, agrees in pairs if agrees is False]
        unsettled = [referral_id for referral_id, agrees in pairs if agrees is None]
        return Compared(len(found) - len(unsettled), differing, unsettled)

    async def _agrees(self, referral_id: str) -> bool | None:
        """None when there is nothing to compare: no workflow any more, it does not answer, or the
        record moved on meanwhile. One whose history does not replay agrees with nothing."""
        handle = self._temporal.get_workflow_handle(contracts.workflow_id(referral_id))
        try:
            before = await self._restoring.events(referral_id)
            snapshot: Snapshot = await handle.query(
                QUERY_SNAPSHOT, result_type=Snapshot, rpc_timeout=_RPC
            )
            if agree(before, snapshot):
                return True
            after = await self._restoring.events(referral_id)
        except WorkflowQueryFailedError:
            _log.warning("cannot_tell", referral_id=referral_id)
            return False
        except RPCError as error:
            _log.info("not_compared", referral_id=referral_id, code=error.status.name)
            return None
        except grpc.aio.AioRpcError as error:
            raise call_failure(error) from error
        # Under load a workflow answers seconds later: then the two are of different moments.
        return False if len(after) == len(before) else None

    @activity.defn(name=sweep_contracts.ACTIVITY_REPORT_RECONCILIATION)
    async def report_reconciliation(self, report: ReconciliationReport) -> None:
        """Store the report; idempotent on its id."""
        for referral_id in report.divergent:
            self._note("divergent", referral_id)
        request = record_pb.RecordReconciliationRequest(reconciliation=_message(report))
        try:
            await self._record.RecordReconciliation(request, timeout=CALL_SECONDS)
        except grpc.aio.AioRpcError as error:
            raise call_failure(error) from error

    def _note(self, finding: str, referral_id: str) -> None:
        self._findings.add(1, {"finding": finding})
        _log.warning("reconciliation", finding=finding, referral_id=referral_id)


@dataclass
class _Page:
    """One page's work. ``missing`` begins with the ``started`` ones."""

    dry_run: bool
    pace: _Pace
    missing: list[str] = field(default_factory=list)
    started: int = 0
    failed: int = 0


class _Pace:
    """At most so many a second, evenly."""

    def __init__(self, per_second: float) -> None:
        self._pause = 1.0 / max(per_second, 0.1)
        self._next = 0.0

    async def wait(self) -> None:
        now = asyncio.get_running_loop().time()
        turn = max(self._next, now)
        self._next = turn + self._pause
        await asyncio.sleep(turn - now)


def _of_earlier_attempt() -> list[str]:
    """What an attempt that broke off had started, from its last heartbeat."""
    details = activity.info().heartbeat_details
    return [str(item) for item in details[0]] if details else []


def sample_of(referral_ids: Iterable[str], seed: str, size: int) -> list[tuple[str, str]]:
    """(digest, id) of the ``size`` smallest digests: the same for a seed, however it is paged."""
    scored = ((hashlib.sha256(f"{seed}/{i}".encode()).hexdigest()[:16], i) for i in referral_ids)
    return heapq.nsmallest(size, scored)


def _message(report: ReconciliationReport) -> casework_pb.Reconciliation:
    message = casework_pb.Reconciliation(
        reconciliation_id=report.reconciliation_id,
        dry_run=report.dry_run,
        open_referrals=report.open_referrals,
        missing=report.missing,
        missing_workflows=report.missing_workflows,
        started_workflows=report.started_workflows,
        unmatched_events=report.unmatched_events,
        matched_events=report.matched_events,
        compared=report.compared,
        divergent=report.divergent,
    )
    message.request_time.FromDatetime(datetime.fromisoformat(report.requested_at))
    message.finish_time.FromDatetime(datetime.now(UTC))
    return message
