"""Promises about time (D1), with a server whose clock is skipped over the turns of the year."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta
from itertools import pairwise

import pytest
from temporalio.testing import WorkflowEnvironment

from tests.conftest import Figures
from tests.workflow.conftest import CACHED, Begin
from tests.workflow.world import World
from workflows.contracts import EventRecord
from workflows.policy import LONDON

pytestmark = [pytest.mark.faults, pytest.mark.timeout(60)]
DAY = timedelta(days=1)
# A referral begins shortly before the hour changes in London, and before a leap day.
TURNS = {
    "spring": datetime(2027, 3, 26, 22, 30, tzinfo=UTC),
    "autumn": datetime(2027, 10, 30, 23, 30, tzinfo=UTC),
    "leap_day": datetime(2028, 2, 28, 18, 0, tzinfo=UTC),
}
SLACK = timedelta(seconds=30)


@pytest.fixture
def cache() -> int:
    """With the worker's cache alone: what is proven here is time, and months of it are slow."""
    return CACHED


async def skip_to(environment: WorkflowEnvironment, moment: datetime) -> None:
    await environment.sleep(moment - await environment.get_current_time())


def times(world: World, kind: str) -> list[datetime]:
    return [at(event) for event in world.ordered() if event.type == kind]


def at(event: EventRecord) -> datetime:
    return datetime.fromisoformat(event.occurred_at)


@pytest.mark.parametrize("turn", list(TURNS))
async def test_silence_is_escalated_on_the_hour_across_a_turn_of_the_year(
    environment: WorkflowEnvironment, begin: Begin, turn: str, figures: Figures
) -> None:
    await skip_to(environment, TURNS[turn])
    world = World()
    play = await begin(world)
    assert await play.outcome() == "NO_RESPONSE"
    delivered, passed = times(world, "NOTICE_DELIVERED"), times(world, "DEADLINE_PASSED")
    assert len(delivered) == len(passed) == 6
    waits = [after - before for before, after in zip(delivered, passed, strict=True)]
    early = sum(wait < DAY for wait in waits)
    late = sum(wait > DAY + SLACK for wait in waits)
    escalated = [e for e in world.ordered() if e.type == "ESCALATED"]
    duplicate = len(escalated) - len({e.detail["level"] for e in escalated})
    outside = [moment for moment in times(world, "REMINDER_SENT") if not at_work(moment)]
    figures("D1", early=early, late=late, duplicate=duplicate, outside_hours=len(outside))
    assert (early, late, duplicate, outside) == (0, 0, 0, [])
    assert all(after > before for before, after in pairwise(passed))


def at_work(moment: datetime) -> bool:
    local = moment.astimezone(LONDON)
    return local.weekday() < 5 and time(9) <= local.time() <= time(17, 1)
