"""C1 on a Temporal server: random lives of the real workflow keep to the same small model."""

from __future__ import annotations

import random
import uuid
from collections import Counter
from datetime import timedelta

import pytest
from temporalio.service import RPCError, RPCStatusCode
from temporalio.testing import WorkflowEnvironment
from temporalio.worker import Replayer
from temporalio.worker.workflow_sandbox import SandboxedWorkflowRunner

from tests.conftest import Figures
from tests.unit.workflows.model import Model
from tests.workflow.conftest import Play, serving
from tests.workflow.world import UNSURE, World
from workflows import contracts
from workflows.contracts import Command, Delivery, PlatformAnswer, PlatformPolicy, StartReferral
from workflows.referral import ReferralWorkflow
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
    await play.environment.sleep(chance.choice(PAUSES))


class BySignal(Play):
    """What comes by signal alone, as the relay sends it when an update is not answered.

    This test server hands an update that met a failed task to the workflow again and again, as one
    that was accepted: one life in three never ends.
    """

    async def deliver_like_the_relay(self, delivery: Delivery) -> None:
        await self.handle.signal(contracts.SIGNAL_DELIVER, delivery)


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
    replayer = Replayer(
        workflows=[ReferralWorkflow],
        workflow_runner=SandboxedWorkflowRunner(restrictions=SANDBOX),
    )
    await replayer.replay_workflow(await handle.fetch_history())
    return outcome


@pytest.mark.faults
async def test_random_lives_on_a_server_keep_to_the_model(
    environment: WorkflowEnvironment, cache: int, long: bool, figures: Figures
) -> None:
    # Without its cache a worker replays the whole life at every step: fewer of them.
    wanted = (10_000 if long else 45) // (1 if cache else 3)
    seen: Counter[str] = Counter()
    seed = 0
    while seen["steps"] < wanted:
        model = await live(environment, cache, seed, BySignal if long else Play)
        seed += 1
        seen["steps"] += model.seen
        seen[model.outcome] += 1
    figures("C1", lives=seed, divergences=0, **seen)
