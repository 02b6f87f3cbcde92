"""What runs by a schedule of Temporal's: reconciliation, and feeding the signal bank."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Final

import structlog
from temporalio.client import (
    Client,
    Schedule,
    ScheduleActionStartWorkflow,
    ScheduleAlreadyRunningError,
    ScheduleIntervalSpec,
    ScheduleOverlapPolicy,
    SchedulePolicy,
    ScheduleSpec,
    ScheduleUpdate,
    ScheduleUpdateInput,
)
from temporalio.common import WorkflowIDConflictPolicy, WorkflowIDReusePolicy
from temporalio.exceptions import WorkflowAlreadyStartedError
from temporalio.service import RPCError

from services.kernel import waiting
from workflows import sweep_contracts
from workflows.sweep_contracts import FeedSignalBank, Reconcile

SCHEDULE: Final = "reconciliation"
INTERVAL: Final = timedelta(minutes=10)
SHORTEST_INTERVAL: Final = timedelta(seconds=30)
BANK_SCHEDULE: Final = "signal-bank"
BANK_INTERVAL: Final = timedelta(minutes=1)
SHORTEST_BANK_INTERVAL: Final = timedelta(seconds=10)
# Seconds that are read again: a change may carry an earlier time than it became visible at. No
# statement of the record's may take longer than the shortest.
BANK_OVERLAP: Final = 600.0
SHORTEST_OVERLAP: Final = 30.0
# Seconds.
MINIMUM_AGE: Final = 60.0
SHORTEST_AGE: Final = 2.0
# A run that was missed while Temporal was away is not made up for: the next one is soon.
CATCH_UP: Final = timedelta(minutes=1)
# Temporal's store may be lost and begun anew while we run: the schedule is looked after.
LOOKED_AFTER: Final = timedelta(minutes=1)
_RPC: Final = timedelta(seconds=8)
_log = structlog.get_logger("schedules")


def interval(time_scale: float) -> timedelta:
    return max(INTERVAL * time_scale, SHORTEST_INTERVAL)


def bank_interval(time_scale: float) -> timedelta:
    return max(BANK_INTERVAL * time_scale, SHORTEST_BANK_INTERVAL)


def bank_overlap(time_scale: float) -> float:
    """Seconds before the last run that the record is read again for."""
    return max(BANK_OVERLAP * time_scale, SHORTEST_OVERLAP)


def minimum_age(time_scale: float) -> float:
    """Seconds for which a new referral may still be on its way to its workflow."""
    return max(MINIMUM_AGE * time_scale, SHORTEST_AGE)


async def ensure(client: Client, time_scale: float) -> None:
    """Create the schedules, or bring those that are there up to date.

    Raises:
        RPCError: Temporal did not answer.
    """
    await _ensure(client, SCHEDULE, _schedule(time_scale))
    await _ensure(client, BANK_SCHEDULE, _bank_schedule(time_scale))


async def _ensure(client: Client, name: str, wanted: Schedule) -> None:
    try:
        await client.create_schedule(name, wanted, rpc_timeout=_RPC)
    except ScheduleAlreadyRunningError:

        def update(found: ScheduleUpdateInput) -> ScheduleUpdate | None:
            there = found.description.schedule.spec.intervals
            # Whoever paused it keeps it paused, and an update would put off its next run.
            return None if there == wanted.spec.intervals else ScheduleUpdate(wanted)

        await client.get_schedule_handle(name).update(update, rpc_timeout=_RPC)


async def look_after(client: Client, time_scale: float, stop: asyncio.Event) -> None:
    """Ensure the schedule now and from time to time, until told to stop."""
    while not stop.is_set():
        try:
            await ensure(client, time_scale)
        except RPCError as error:
            _log.info("schedule_not_ensured", code=error.status.name)
        await waiting.until_any(LOOKED_AFTER.total_seconds(), stop)


async def run_once(
    client: Client, reconciliation_id: str, dry_run: bool, time_scale: float
) -> None:
    """Start the run that a person asked for; once, however often it is delivered.

    Raises:
        RPCError: Temporal did not answer.
    """
    try:
        await client.start_workflow(
            sweep_contracts.RECONCILE_WORKFLOW,
            Reconcile(reconciliation_id, dry_run, minimum_age=minimum_age(time_scale)),
            id=sweep_contracts.reconciliation_workflow_id(reconciliation_id),
            task_queue=sweep_contracts.RECONCILIATION_QUEUE,
            id_conflict_policy=WorkflowIDConflictPolicy.USE_EXISTING,
            id_reuse_policy=WorkflowIDReusePolicy.REJECT_DUPLICATE,
            rpc_timeout=_RPC,
        )
    except WorkflowAlreadyStartedError:
        _log.info("reconciliation_ran_before", reconciliation_id=reconciliation_id)


def _schedule(time_scale: float) -> Schedule:
    return _every(
        interval(time_scale),
        ScheduleActionStartWorkflow(
            sweep_contracts.RECONCILE_WORKFLOW,
            Reconcile(minimum_age=minimum_age(time_scale)),
            id=sweep_contracts.reconciliation_workflow_id("scheduled"),
            task_queue=sweep_contracts.RECONCILIATION_QUEUE,
        ),
    )


def _bank_schedule(time_scale: float) -> Schedule:
    return _every(
        bank_interval(time_scale),
        ScheduleActionStartWorkflow(
            sweep_contracts.SIGNAL_BANK_WORKFLOW,
            FeedSignalBank(overlap=bank_overlap(time_scale)),
            id=BANK_SCHEDULE,
            task_queue=sweep_contracts.RECONCILIATION_QUEUE,
        ),
    )


def _every(period: timedelta, action: ScheduleActionStartWorkflow) -> Schedule:
    return Schedule(
        action=action,
        spec=ScheduleSpec(intervals=[ScheduleIntervalSpec(every=period)]),
        policy=SchedulePolicy(overlap=ScheduleOverlapPolicy.SKIP, catchup_window=CATCH_UP),
    )
