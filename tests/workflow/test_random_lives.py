"""C1 on a Temporal server: random lives of the real workflow keep to the same small model."""

from __future__ import annotations

import asyncio
import random
import uuid
from collections import Counter
from datetime import timedelta
from typing import Any

import pytest
from temporalio.api.enums.v1 import EventType
from temporalio.api.workflowservice.v1 import ListOpenWorkflowExecutionsRequest
from temporalio.client import Client, WorkflowHandle
from temporalio.service import RPCError, RPCStatusCode
from temporalio.testing import WorkflowEnvironment
from temporalio.worker import Replayer
from temporalio.worker.workflow_sandbox import SandboxedWorkflowRunner

from tests.conftest import Figures
from tests.replay.prefixes import told
from tests.unit.workflows.model import Model
from tests.workflow.conftest import BIN, Play, serving
from tests.workflow.world import UNSURE, World
from workflows import contracts
from workflows.contracts import Command, Delivery, PlatformAnswer, PlatformPolicy, StartReferral
from workflows.referral import ReferralWorkflow
from workflows.relay import GOING_ON
from workflows.worker import SANDBOX

ANSWERS = (
    "ACKNOWLEDGEMENT", "REMOVAL_CLAIM", "REMOVAL_CLAIM", "DECISION", "CLARIFICATION_REQUEST",
    "REVERSAL", "RECEIPT", "WITHDRAWAL_RECEIPT",
)  # fmt: skip
DECISIONS = ("REMOVE", "REMOVE", "REMOVE", "RESTRICT", "DECLINE")
# Looks and deadlines are due at whole minutes; what comes in the moment in which a timer ends makes
# this test server lose the workflow's task for good.
ASIDE = timedelta(seconds=13)
PAUSES = (
    timedelta(), timedelta(), timedelta(minutes=40) + ASIDE, timedelta(hours=7) + ASIDE,
    timedelta(days=1) + ASIDE,
)  # fmt: skip
PIECE = timedelta(hours=2)
# Seconds of real time; the longest life takes half a minute on a busy machine.
PATIENCE = 240.0
COMMANDS = (
    contracts.KIND_HOLD_PLACED, contracts.KIND_HOLD_RELEASED, contracts.KIND_REVIEW_DECIDED,
    contracts.KIND_CLARIFICATION_ANSWERED, contracts.KIND_ESCALATION_REQUESTED,
    contracts.KIND_URGENCY_RAISED,
)  # fmt: skip


async def something(play: Play, chance: random.Random, said: list[str]) -> None:
    """One thing that happens: an answer (perhaps again), a command, a page, time."""
    kind = chance.choice(("answer", "answer", "command", "page", "time", "time"))
    if kind == "answer":
        item = chance.choice(said) if said and chance.random() < 0.2 else str(uuid.uuid4())
        said.append(item)
        answer = chance.choice(ANSWERS)
        decision = chance.choice(DECISIONS) if answer == "DECISION" else ""
        given = PlatformAnswer(item, answer, "2026-11-24T10:00:00Z", decision=decision)
        await play.deliver_like_the_relay(
            Delivery(item, contracts.KIND_PLATFORM_EVENT, answer=given)
        )
    elif kind == "command":
        now = await play.environment.get_current_time()
        later = (now + chance.choice((timedelta(hours=2), timedelta(days=3)))).isoformat()
        command = chance.choice(COMMANDS)
        value = "IMMINENT_DEPARTURE" if command == contracts.KIND_URGENCY_RAISED else "REFER"
        given_command = Command(
            "test", value, "SURVEILLANCE", later, later, chance.choice(said) if said else ""
        )
        await play.deliver_like_the_relay(
            Delivery(str(uuid.uuid4()), command, command=given_command)
        )
    elif kind == "page":
        seen = ("AVAILABLE", "AVAILABLE", "REMOVED", "UNKNOWN")
        play.world.availability = [chance.choice(seen)]
    await sleep(play.environment, chance.choice(PAUSES))


async def sleep(environment: WorkflowEnvironment, pause: timedelta) -> None:
    """In pieces: the call that skips time has a deadline in real time, which a day of looks passes
    where every one of them replays a long history. On a busy machine a piece may pass it, too: then
    the server goes on skipping, and only one that skips nothing at all has stopped."""
    if not pause:
        await environment.sleep(pause)
    until = await environment.get_current_time() + pause
    while (now := await environment.get_current_time()) < until:
        try:
            await environment.sleep(min(PIECE, until - now))
        except RPCError:
            if await environment.get_current_time() - now < timedelta(minutes=1):
                raise


class BySignal(Play):
    """What comes by signal alone, as the relay sends it when an update is not answered.

    This test server hands an update that met a failed task to the workflow again and again, as one
    that was accepted: one life in three never ends.
    """

    async def deliver_like_the_relay(self, delivery: Delivery) -> None:
        """Again where this server knows of no run, although the workflow goes on in another."""
        for _ in range(100):
            try:
                return await self.handle.signal(contracts.SIGNAL_DELIVER, delivery)
            except RPCError as error:
                if error.status is not RPCStatusCode.NOT_FOUND:
                    raise
                if (await self.handle.describe()).status not in GOING_ON:
                    raise
        raise AssertionError("it goes on, and takes nothing")


async def live(
    environment: WorkflowEnvironment, cache: int, seed: int, as_played: type[Play] = Play
) -> Model:
    """One life, taken back at the end if it is still open; the record is held to the model."""
    chance = random.Random(seed)
    world = World(
        policy=PlatformPolicy(renotice_limit=2),
        slowness=chance.choice((0.0, 0.05)) if cache else 0.0,
    )
    if chance.random() < 0.5:
        world.assessment = UNSURE
    queue = f"referrals-{uuid.uuid4()}"
    async with serving(environment, world, queue, cache, "tiktok"):
        outcome = await _lived(environment, world, queue, chance, as_played)
    model = Model()
    for event in world.ordered():
        state = event.state or model.state
        if event.type == "RESUMED":
            model.state = state
            continue
        model.see(event.type, state, event.detail)
    assert (model.state, model.outcome) == ("CLOSED", outcome)
    assert len(world.effects) <= model.notices
    assert world.only_legal_transitions()
    return model


async def _lived(
    environment: WorkflowEnvironment,
    world: World,
    queue: str,
    chance: random.Random,
    as_played: type[Play],
) -> str:
    start = StartReferral(
        str(uuid.uuid4()), "tiktok", "VIDEO", "ROUTINE", test=True, version=contracts.VERSION,
        steps_per_run=chance.choice((0, 0, 3)),
    )  # fmt: skip
    handle = await environment.client.start_workflow(
        contracts.WORKFLOW, start, id=contracts.workflow_id(start.referral_id),
        task_queue=queue, result_type=str,
    )  # fmt: skip
    play = as_played(world, handle, environment)
    said: list[str] = []
    try:
        for _ in range(12):
            await something(play, chance, said)
        withdrawal = Delivery(
            str(uuid.uuid4()), contracts.KIND_WITHDRAWAL_REQUESTED, command=Command("test")
        )
        await play.deliver_like_the_relay(withdrawal)
    except RPCError as error:
        # It ended while we still had something to say: that is late, and nobody's fault.
        if error.status is not RPCStatusCode.NOT_FOUND:
            raise
    outcome = await play.outcome()
    # Whatever came in whatever order, and however long recording took: the history replays.
    await replayer().replay_workflow(await handle.fetch_history())
    return outcome


def replayer() -> Replayer:
    return Replayer(
        workflows=[ReferralWorkflow],
        workflow_runner=SandboxedWorkflowRunner(restrictions=SANDBOX),
    )


async def live_or_stall(cache: int, seed: int) -> Model | None:
    """One life on a server of its own; None when that server lost the workflow's task.

    Nothing else may make a life stall: see ``owed_by_the_server``.
    """
    environment = await WorkflowEnvironment.start_time_skipping(
        test_server_existing_path=str(BIN / "temporal-test-server")
    )
    async with environment:
        life = asyncio.create_task(live(environment, cache, seed, BySignal))
        length = 0
        while True:
            await asyncio.wait({life}, timeout=PATIENCE)
            # A server that owes a task skips no time: to sleep on it ends with a deadline.
            if life.done() and not isinstance(life.exception(), RPCError):
                return life.result()
            handle, task_queue = await the_open_one(environment.client)
            grown = len((await handle.fetch_history()).events)
            if life.done() or grown == length:
                break
            # Slow, on a machine that has other work: not stalled.
            length = grown
        await owed_by_the_server(environment.client, handle, "" if life.done() else task_queue)
        await asyncio.wait({life}, timeout=PATIENCE)
        assert life.done()
        # What the end that we made of it looks like from inside says nothing.
        life.exception()
        return None


async def the_open_one(client: Client) -> tuple[WorkflowHandle[Any, Any], str]:
    """The one open workflow, and the queue on which its worker asks for tasks."""
    asked = ListOpenWorkflowExecutionsRequest(namespace=client.namespace)
    (found,) = (await client.workflow_service.list_open_workflow_executions(asked)).executions
    run = found.execution
    return client.get_workflow_handle(run.workflow_id, run_id=run.run_id), found.task_queue


async def owed_by_the_server(
    client: Client, handle: WorkflowHandle[Any, Any], task_queue: str
) -> None:
    """The workflow waits for a task that the server says is due or under way; then end it.

    No task of it ever failed, no activity is pending, and what its history tells replays: it is
    not the workflow that hangs. A worker that is still there (at ``task_queue``) takes another
    workflow's task meanwhile: it is not the worker either.
    """
    history = await handle.fetch_history()
    kinds = [event.event_type for event in history.events]
    assert kinds[-1] in (
        EventType.EVENT_TYPE_WORKFLOW_TASK_SCHEDULED, EventType.EVENT_TYPE_WORKFLOW_TASK_STARTED,
    )  # fmt: skip
    assert EventType.EVENT_TYPE_WORKFLOW_TASK_FAILED not in kinds
    assert not (await handle.describe()).raw_description.pending_activities
    await replayer().replay_workflow(told(history))
    if task_queue:
        await taken_by_its_worker(client, task_queue)
    await handle.terminate()


async def taken_by_its_worker(client: Client, task_queue: str) -> None:
    start = StartReferral(
        str(uuid.uuid4()), "tiktok", "VIDEO", "ROUTINE", version=contracts.VERSION
    )
    other = await client.start_workflow(
        contracts.WORKFLOW, start, id=str(uuid.uuid4()), task_queue=task_queue
    )
    async with asyncio.timeout(PATIENCE):
        # Started, scheduled, taken; the fourth event is what the worker made of it.
        async for event in other.fetch_history_events(wait_new_event=True):
            if event.event_id > 3:
                break
    await other.terminate()


@pytest.mark.faults
async def test_random_lives_on_a_server_keep_to_the_model(
    environment: WorkflowEnvironment, cache: int, long: bool, figures: Figures
) -> None:
    # Without its cache a worker replays the whole life at every step: fewer of them.
    wanted = (10_000 if long else 45) // (1 if cache else 3)
    seen: Counter[str] = Counter()
    seed = stalls = 0
    while seen["steps"] < wanted:
        model = await (live_or_stall(cache, seed) if long else live(environment, cache, seed))
        seed += 1
        if model is None:
            stalls += 1
            continue
        seen["steps"] += model.seen
        seen[model.outcome] += 1
    figures("C1", lives=seed, divergences=0, stalls_of_the_server=stalls, **seen)
    assert stalls <= seed / 20
