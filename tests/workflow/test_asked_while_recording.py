"""What is asked for while a workflow records must not spoil its history.

A query that meets a busy workflow is answered within its next task. The SDK from 1.32 to 1.35 may
report that task before the workflow has acted on a local activity that just ended. A delivery that
comes with the task after it is then taken first, and last in every replay: the history no longer
replays (decision 26). The server that skips time hands queries over by another way and never shows
it; a referral's own workflow does so once in some fifty busy lives, this one once in four.
"""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import AsyncIterator
from datetime import timedelta

import pytest
from temporalio import activity, workflow
from temporalio.client import WorkflowHandle, WorkflowHistory
from temporalio.testing import WorkflowEnvironment
from temporalio.worker import Replayer, UnsandboxedWorkflowRunner, Worker

from tests.workflow.conftest import BIN

LIVES, DELIVERIES = 24, 40
QUEUE = "asked-while-recording"
DEADLINE = timedelta(seconds=10)
# The server takes ten updates of one workflow at once.
AT_ONCE = 6
# Seconds: as long as a query takes in the worker, more and less.
RECORDING = (0.0, 0.001, 0.002, 0.003, 0.004, 0.005)
BETWEEN_DELIVERIES, BETWEEN_QUERIES = 0.004, 0.005


@activity.defn
async def record(taken: int) -> int:
    await asyncio.sleep(RECORDING[taken % len(RECORDING)])
    return taken


@activity.defn
async def look(taken: int) -> int:
    return taken


@workflow.defn
class Recording:
    """What a referral's workflow does with deliveries: take, record, act."""

    def __init__(self) -> None:
        self._pending: list[str] = []
        self._taken = 0

    @workflow.run
    async def run(self, deliveries: int) -> int:
        while self._taken < deliveries:
            await workflow.wait_condition(lambda: bool(self._pending))
            self._taken += len(self._pending)
            self._pending.clear()
            await workflow.execute_local_activity(
                record, self._taken, start_to_close_timeout=DEADLINE
            )
            await workflow.execute_activity(look, self._taken, start_to_close_timeout=DEADLINE)
        await workflow.wait_condition(workflow.all_handlers_finished)
        return self._taken

    @workflow.update
    async def deliver(self, item: str) -> None:
        self._pending.append(item)

    @workflow.query
    def taken(self) -> int:
        return self._taken


Handle = WorkflowHandle[Recording, int]


@pytest.fixture
async def server() -> AsyncIterator[WorkflowEnvironment]:
    environment = await WorkflowEnvironment.start_local(
        dev_server_existing_path=str(BIN / "temporal")
    )
    async with environment:
        yield environment


async def ask_until(over: asyncio.Event, handle: Handle) -> int:
    """How often it was asked and answered, which a spoilt history ends early."""
    asked = 0
    while not over.is_set():
        await handle.query(Recording.taken)
        asked += 1
        await asyncio.sleep(BETWEEN_QUERIES)
    return asked


async def deliver(handle: Handle, number: int, room: asyncio.Semaphore) -> None:
    await asyncio.sleep(number * BETWEEN_DELIVERIES)
    async with room:
        await handle.execute_update(Recording.deliver, str(number))


async def busy_life(server: WorkflowEnvironment) -> tuple[int, WorkflowHistory]:
    """How often it was asked, and its history."""
    handle = await server.client.start_workflow(
        Recording.run, DELIVERIES, id=str(uuid.uuid4()), task_queue=QUEUE
    )
    over, room = asyncio.Event(), asyncio.Semaphore(AT_ONCE)
    asking = asyncio.create_task(ask_until(over, handle))
    await asyncio.gather(*(deliver(handle, number, room) for number in range(DELIVERIES)))
    assert await handle.result() == DELIVERIES
    over.set()
    return await asking, await handle.fetch_history()


@pytest.mark.timeout(120)
async def test_a_workflow_that_is_asked_while_it_records_replays(
    server: WorkflowEnvironment,
) -> None:
    runner = UnsandboxedWorkflowRunner()
    replayer = Replayer(workflows=[Recording], workflow_runner=runner)
    worker = Worker(
        server.client,
        task_queue=QUEUE,
        workflows=[Recording],
        activities=[record, look],
        workflow_runner=runner,
    )
    asked = 0
    async with worker:
        for _ in range(LIVES):
            times, history = await busy_life(server)
            asked += times
            await replayer.replay_workflow(history)
    assert asked > LIVES
