"""Do the work, then raise (A3): activities whose result is lost change nothing in the end."""

from __future__ import annotations

import random
import uuid
from collections import Counter
from dataclasses import dataclass, field
from typing import Any, get_type_hints

import pytest
from temporalio import activity
from temporalio.exceptions import ApplicationError
from temporalio.testing import WorkflowEnvironment

from tests.conftest import Figures
from tests.workflow import conftest
from tests.workflow.world import World
from workflows import contracts
from workflows.contracts import VERSION, StartReferral

pytestmark = [pytest.mark.faults, pytest.mark.timeout(110)]
SHARE = 0.1


@dataclass
class Forgetting(World):
    """Does everything it is asked, and then raises for a share of it."""

    chance: random.Random = field(default_factory=random.Random)
    raised: Counter[str] = field(default_factory=Counter)

    def activities(self) -> list[Any]:
        return [self._forgetting(method) for method in super().activities()]

    def _forgetting(self, method: Any) -> Any:
        name = method.__name__

        async def done_and_forgotten(request: Any) -> Any:
            answer = await method(request)
            if self.chance.random() < SHARE:
                self.raised[name] += 1
                raise ApplicationError("the result was lost", type="LOST")
            return answer

        types = get_type_hints(method)
        given = next(kind for key, kind in types.items() if key != "return")
        done_and_forgotten.__annotations__ = {"request": given, "return": types["return"]}
        told = activity._Definition.must_from_callable(method)
        return activity.defn(name=told.name)(done_and_forgotten)


async def live(environment: WorkflowEnvironment, world: World) -> str:
    """A life from start to outcome, with workers of its own."""
    start = StartReferral(str(uuid.uuid4()), "tiktok", "VIDEO", "ROUTINE", version=VERSION)
    queue = f"referrals-{uuid.uuid4()}"
    async with conftest.serving(environment, world, queue, conftest.CACHED, "tiktok"):
        handle = await environment.client.start_workflow(
            contracts.WORKFLOW, start, id=contracts.workflow_id(start.referral_id),
            task_queue=queue, result_type=str,
        )  # fmt: skip
        play = conftest.Play(world, handle, environment)
        await play.until("AWAITING_ACKNOWLEDGEMENT")
        await play.answer("ACKNOWLEDGEMENT")
        world.availability = ["REMOVED"]
        await play.answer("REMOVAL_CLAIM")
        return await play.outcome()


async def test_a_life_ends_the_same_whatever_results_are_lost(
    environment: WorkflowEnvironment, long: bool, figures: Figures
) -> None:
    raised: Counter[str] = Counter()
    lost = duplicates = 0
    lives = 50 if long else 6
    for seed in range(lives):
        world = Forgetting(chance=random.Random(seed))
        lost += await live(environment, world) != "REMOVED"
        duplicates += len(world.effects) - 1
        types = Counter(world.types())
        duplicates += types["NOTICE_DELIVERED"] - 1 + types["CLOSED"] - 1
        assert world.only_legal_transitions()
        raised += world.raised
    figures("A3", lives=lives, results_lost=dict(raised), lost=lost, duplicates=duplicates)
    assert raised.total() > lives / 2
    assert (lost, duplicates) == (0, 0)
