"""A Temporal test server that skips time, and a worker with and without its cache."""

from __future__ import annotations

import sys
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from temporalio.client import WorkflowHandle, WorkflowUpdateRPCTimeoutOrCancelledError
from temporalio.service import RPCError, RPCStatusCode
from temporalio.testing import WorkflowEnvironment
from temporalio.worker import Worker
from temporalio.worker.workflow_sandbox import SandboxedWorkflowRunner

from tests.workflow.timers import keep_clear
from tests.workflow.world import World
from workflows import contracts
from workflows.contracts import Command, Delivery, PlatformAnswer, StartReferral
from workflows.referral import ReferralWorkflow
from workflows.relay import GOING_ON
from workflows.snapshot import QUERY_SNAPSHOT, Snapshot
from workflows.worker import SANDBOX

BIN = Path(sys.executable).parent
CACHED, UNCACHED = 500, 0


@pytest.fixture(params=[CACHED, UNCACHED], ids=["cached", "uncached"])
def cache(request: pytest.FixtureRequest) -> int:
    size: int = request.param
    return size


@pytest.fixture
async def environment() -> AsyncIterator[WorkflowEnvironment]:
    environment = await WorkflowEnvironment.start_time_skipping(
        test_server_existing_path=str(BIN / "temporal-test-server")
    )
    async with environment:
        yield environment


@dataclass
class Play:
    """One referral's workflow in its world."""

    world: World
    handle: WorkflowHandle[Any, str]
    environment: WorkflowEnvironment

    async def deliver(self, delivery: Delivery, update_id: str = "") -> str:
        await keep_clear(self.environment, self.handle)
        while True:
            try:
                answer: str = await self.handle.execute_update(
                    contracts.UPDATE_DELIVER, delivery, id=update_id or delivery.item_id,
                    result_type=str,
                )  # fmt: skip
            except RPCError as error:
                # Between two runs this server knows neither: the relay delivers again, too.
                missing = error.status is RPCStatusCode.NOT_FOUND
                if not missing or (await self.handle.describe()).status not in GOING_ON:
                    raise
            else:
                return answer

    async def deliver_like_the_relay(self, delivery: Delivery) -> None:
        """An update; when nobody answers it, a signal carries the same delivery."""
        try:
            await self.handle.execute_update(
                contracts.UPDATE_DELIVER, delivery, id=delivery.item_id, result_type=str,
                rpc_timeout=timedelta(seconds=4),
            )  # fmt: skip
        except (RPCError, WorkflowUpdateRPCTimeoutOrCancelledError) as error:
            if isinstance(error, RPCError) and error.status is RPCStatusCode.NOT_FOUND:
                raise
            await self.handle.signal(contracts.SIGNAL_DELIVER, delivery)

    async def answer(self, kind: str, update_id: str = "", **facts: Any) -> str:
        item = facts.pop("item_id", str(uuid.uuid4()))
        given = PlatformAnswer(
            event_id=facts.pop("event_id", str(uuid.uuid4())),
            type=kind,
            occurred_at="2026-11-24T10:00:00Z",
            **facts,
        )
        delivery = Delivery(item, contracts.KIND_PLATFORM_EVENT, answer=given)
        return await self.deliver(delivery, update_id)

    async def command(self, kind: str, value: str = "", **facts: Any) -> str:
        command = Command(actor="test", value=value, **facts)
        return await self.deliver(Delivery(str(uuid.uuid4()), kind, command=command))

    async def snapshot(self) -> Snapshot:
        return await self.handle.query(QUERY_SNAPSHOT, result_type=Snapshot)

    async def until(self, *states: str) -> Snapshot:
        """Wait, in real time, until the workflow waits in one of these states."""
        while True:
            snapshot = await self.snapshot()
            if snapshot.state in states and (snapshot.waiting_for or snapshot.outcome):
                return snapshot
            with self.environment.auto_time_skipping_disabled():
                await self.environment.sleep(0.02)

    async def outcome(self) -> str:
        return await self.handle.result()


Begin = Callable[..., Awaitable[Play]]


@pytest.fixture
async def begin(environment: WorkflowEnvironment, cache: int) -> AsyncIterator[Begin]:
    """``await begin(world, **start)`` starts one referral in that world."""
    stack: list[Any] = []
    started: list[WorkflowHandle[Any, str]] = []

    async def start(world: World, **changes: Any) -> Play:
        given = replace(
            StartReferral(
                str(uuid.uuid4()),
                "tiktok",
                "VIDEO",
                "ROUTINE",
                test=True,
                version=contracts.VERSION,
            ),
            **changes,
        )
        queue = f"referrals-{uuid.uuid4()}"
        running = serving(environment, world, queue, cache, given.platform)
        await running.__aenter__()
        stack.append(running)
        handle = await environment.client.start_workflow(
            contracts.WORKFLOW, given, id=contracts.workflow_id(given.referral_id),
            task_queue=queue, result_type=str,
        )  # fmt: skip
        started.append(handle)
        return Play(world, handle, environment)

    yield start
    # An open workflow without a worker would keep the server from skipping time.
    for handle in started:
        with suppress(RPCError):
            await handle.terminate()
    for running in reversed(stack):
        await running.__aexit__(None, None, None)


@asynccontextmanager
async def serving(
    environment: WorkflowEnvironment, world: World, queue: str, cache: int, platform: str
) -> AsyncIterator[None]:
    main = Worker(
        environment.client,
        task_queue=queue,
        workflows=[ReferralWorkflow],
        activities=world.activities(),
        workflow_runner=SandboxedWorkflowRunner(restrictions=SANDBOX),
        max_cached_workflows=cache,
        workflow_failure_exception_types=[AssertionError],
    )
    others = [
        Worker(environment.client, task_queue=name, activities=world.activities())
        for name in (
            contracts.OBSERVATION_QUEUE,
            contracts.NOTIFICATIONS_QUEUE,
            contracts.platform_queue(platform),
        )
    ]
    async with main, others[0], others[1], others[2]:
        yield
