"""The worker process: workflows, activities on every queue, and both relays.

Relay and workflow worker share the process, so that a start is eager: the first workflow
task comes back with the answer to the start.
"""

from __future__ import annotations

import asyncio
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import AsyncExitStack
from datetime import timedelta
from typing import Any, Final

import grpc
import structlog
from temporalio.client import Client
from temporalio.contrib.opentelemetry import TracingInterceptor
from temporalio.runtime import Runtime, TelemetryConfig
from temporalio.service import GrpcCompression, RPCError
from temporalio.worker import UnsandboxedWorkflowRunner, Worker, WorkflowRunner
from temporalio.worker.workflow_sandbox import SandboxedWorkflowRunner, SandboxRestrictions

from services.kernel import config, grpc_client, process, telemetry, waiting
from workflows import bank_holidays, contracts, schedules, sweep_contracts
from workflows.activities.adapter import AdapterActivities
from workflows.activities.classification import ClassificationActivities
from workflows.activities.intake import IntakeActivities
from workflows.activities.notifications import NotificationActivities
from workflows.activities.observation import ObservationActivities
from workflows.activities.reconciliation import ReconciliationActivities
from workflows.activities.restoring import Restoring
from workflows.activities.signal_bank import SignalBankActivities
from workflows.admission import Admission
from workflows.config import WorkerSettings
from workflows.reconcile import ReconcileWorkflow
from workflows.referral import ReferralWorkflow
from workflows.relay import Relay
from workflows.signal_bank import SignalBankWorkflow

# A routine referral's notice takes a second or two; a place that a dead worker held is free after.
PLACE_SECONDS: Final = 30.0
GRACE: Final = timedelta(seconds=20)
_log = structlog.get_logger("worker")
# Data, rules and generated code are passed through; the workflow's own code is sandboxed.
SANDBOX: Final = SandboxRestrictions.default.with_passthrough_modules(
    "services.kernel",
    "takedown",
    "google.protobuf",
    "workflows.contracts",
    "workflows.carrying",
    "workflows.event_keys",
    "workflows.snapshot",
    "workflows.sweep_contracts",
    "workflows.lifecycle",
    "workflows.policy",
    "workflows.progress",
    "workflows.answers",
    "workflows.closing",
    "workflows.ladder",
    "workflows.reviewing",
)


async def connect(settings: WorkerSettings, stop: asyncio.Event) -> Client | None:
    """A client once Temporal answers; None when told to stop before."""
    runtime = Runtime(telemetry=TelemetryConfig())
    while not stop.is_set():
        try:
            return await Client.connect(
                settings.temporal.address,
                namespace=settings.temporal.namespace,
                interceptors=[TracingInterceptor()],
                runtime=runtime,
                # The server is near: packing costs more than it saves.
                grpc_compression=GrpcCompression.NONE,
            )
        except (RPCError, RuntimeError) as error:
            _log.info("temporal_away", type=type(error).__name__)
            await waiting.until_any(0.5, stop)
    return None


def runner(sandbox: bool) -> WorkflowRunner:
    """The sandbox finds what is not deterministic; it is for tests (docs/decisions/0014)."""
    return SandboxedWorkflowRunner(restrictions=SANDBOX) if sandbox else UnsandboxedWorkflowRunner()


def workers(client: Client, settings: WorkerSettings, activities: Activities) -> list[Worker]:
    """One worker for workflows and the record, one for each queue beside it."""
    executor = ThreadPoolExecutor(max_workers=4, thread_name_prefix="workflow")
    main = Worker(
        client,
        task_queue=contracts.REFERRALS_QUEUE,
        workflows=[ReferralWorkflow],
        activities=[activities.intake.append_events, activities.classification.assess_referral],
        workflow_task_executor=executor,
        workflow_runner=runner(settings.sandbox),
        max_concurrent_workflow_tasks=settings.workflow_tasks,
        max_concurrent_local_activities=settings.local_activities,
        max_cached_workflows=settings.cached_workflows,
        graceful_shutdown_timeout=GRACE,
    )
    reconciliation = Worker(
        client,
        task_queue=sweep_contracts.RECONCILIATION_QUEUE,
        workflows=[ReconcileWorkflow, SignalBankWorkflow],
        activities=[*activities.reconciliation(client), *activities.signal_bank.all()],
        workflow_runner=runner(settings.sandbox),
        graceful_shutdown_timeout=GRACE,
    )
    others = [
        Worker(
            client,
            task_queue=queue,
            activities=found,
            max_concurrent_activities=most,
            graceful_shutdown_timeout=GRACE,
            # Eager activities would bypass every limit and pause of the queue.
            disable_eager_activity_execution=True,
        )
        for queue, found, most in _queues(settings, activities)
    ]
    return [main, *others, reconciliation]


def _queues(settings: WorkerSettings, activities: Activities) -> list[tuple[str, list[Any], int]]:
    """(queue, its activities, how many at once) of everything that leaves our own services."""
    looks = [
        activities.observation.observe,
        activities.observation.look_first,
        activities.observation.resolve_short_link,
    ]
    sends = [
        activities.adapter.submit_notice,
        activities.adapter.withdraw_notice,
        activities.adapter.answer_clarification,
    ]
    most = settings.platform_activities
    return [
        (contracts.OBSERVATION_QUEUE, looks, settings.observation_activities),
        (contracts.NOTIFICATIONS_QUEUE, [activities.notifications.remind],
         settings.notification_activities),
        *((contracts.platform_queue(slug), sends, most) for slug in settings.adapters),
    ]  # fmt: skip


class Activities:
    """Every activity with its stub, and the channels behind them."""

    def __init__(self, settings: WorkerSettings) -> None:
        def open_channel(target: str, service: str) -> grpc.aio.Channel:
            return grpc_client.channel(target, settings.tls, grpc_client.server_name(service))

        self.intake_channel = open_channel(settings.intake, "intake")
        self.acknowledgement_channel = open_channel(settings.acknowledgement, "acknowledgement")
        classification = open_channel(settings.classification, "classification")
        observation = open_channel(settings.observation, "observation")
        adapters = {slug: open_channel(target, slug) for slug, target in settings.adapters.items()}
        self._channels = [
            self.intake_channel, self.acknowledgement_channel, classification, observation,
            *adapters.values(),
        ]  # fmt: skip
        self.admission = Admission(settings.routine_starts, PLACE_SECONDS, time.monotonic)
        self.intake = IntakeActivities(self.intake_channel, self.admission.moved)
        self.classification = ClassificationActivities(classification, self.intake)
        self.signal_bank = SignalBankActivities(self.intake_channel, classification)
        self.observation = ObservationActivities(observation, self.intake)
        self.adapter = AdapterActivities(adapters, self.intake)
        self.notifications = NotificationActivities(settings.notifier)
        self._restoring = Restoring(
            self.intake_channel, adapters, settings.time_scale, bank_holidays.around
        )

    def reconciliation(self, client: Client) -> list[Any]:
        inboxes = [self.intake_channel, self.acknowledgement_channel]
        return ReconciliationActivities(client, self.intake_channel, inboxes, self._restoring).all()

    async def close(self) -> None:
        for channel in self._channels:
            await channel.close()


async def main(settings: WorkerSettings) -> int:
    observed = telemetry.setup("worker", settings.telemetry)
    stop = process.stop_event()
    client, status = await connect(settings, stop), 0
    if client is not None:
        status = await _work(client, settings, stop)
    observed.shutdown()
    _log.info("stopped", status=status)
    return status


async def _work(client: Client, settings: WorkerSettings, stop: asyncio.Event) -> int:
    """Until the signal, 0; 1 when the relay or the care for the schedule died: start it again."""
    activities = Activities(settings)
    inboxes = {
        "intake": activities.intake_channel,
        "acknowledgement": activities.acknowledgement_channel,
    }
    relays = [
        Relay(name, inbox, activities.intake_channel, client, settings.time_scale,
              activities.admission)
        for name, inbox in inboxes.items()
    ]  # fmt: skip
    async with AsyncExitStack() as stack:
        for worker in workers(client, settings, activities):
            await stack.enter_async_context(worker)
        relaying = [asyncio.create_task(relay.run(stop)) for relay in relays]
        relaying.append(
            asyncio.create_task(schedules.look_after(client, settings.time_scale, stop))
        )
        process.settle()
        if settings.ready_file is not None:
            process.write_ready(settings.ready_file, 0)
        _log.info("serving", platforms=sorted(settings.adapters), time_scale=settings.time_scale)
        status = await process.until_stopped(stop, relaying)
        stop.set()
        await asyncio.gather(*relaying, return_exceptions=status != 0)
    await activities.close()
    return status


if __name__ == "__main__":
    process.run(main(config.load(WorkerSettings, "worker")))
