"""A reminder says what is so when it goes out, and nothing else holds it up."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from temporalio.testing import WorkflowEnvironment

from tests.workflow.conftest import Begin
from tests.workflow.test_clocks import skip_to
from tests.workflow.world import World

pytestmark = pytest.mark.timeout(60)
DAY, HOUR = timedelta(days=1), timedelta(hours=1)
# A notice sent on this Friday evening is late on Saturday; people are at work again on Monday.
FRIDAY = datetime(2027, 3, 5, 20, 0, tzinfo=UTC)


async def test_what_was_confirmed_over_the_weekend_is_not_called_unconfirmed_on_monday(
    environment: WorkflowEnvironment, begin: Begin
) -> None:
    await skip_to(environment, FRIDAY)
    world = World()
    play = await begin(world)
    await play.until("AWAITING_ACKNOWLEDGEMENT")
    # Between two looks: this test server loses a task when an answer meets the end of a timer.
    await environment.sleep(DAY + HOUR / 2)
    assert (await play.snapshot()).escalation_level == "PLATFORM_CONTACT"
    world.availability = ["REMOVED"]
    await play.answer("REMOVAL_CLAIM")
    assert await play.outcome() == "REMOVED"
    assert world.reminders == []
    assert "REMINDER_SENT" not in world.types()


async def test_what_nobody_confirmed_over_the_weekend_is_told_on_monday(
    environment: WorkflowEnvironment, begin: Begin
) -> None:
    await skip_to(environment, FRIDAY)
    world = World()
    play = await begin(world)
    await play.until("AWAITING_ACKNOWLEDGEMENT")
    await environment.sleep(2 * DAY + 14 * HOUR)
    assert world.reminders[:1] == [("PLATFORM_CONTACT", "acknowledgement")]


async def test_a_reminder_goes_out_while_the_further_notice_cannot_be_delivered(
    environment: WorkflowEnvironment, begin: Begin
) -> None:
    world = World()
    play = await begin(world, urgency="URGENT")
    await play.until("AWAITING_ACKNOWLEDGEMENT")
    world.send_failures = ["PLATFORM_UNAVAILABLE"] * 1_000
    await environment.sleep(6 * HOUR)
    assert (await play.snapshot()).state == "NOTIFYING"
    assert world.reminders == [("PLATFORM_CONTACT", "acknowledgement")]
    assert world.types()[-1] == "REMINDER_SENT"
    assert len(world.effects) == 1


async def test_a_reminder_planned_for_monday_goes_out_while_the_notice_is_on_its_way(
    environment: WorkflowEnvironment, begin: Begin
) -> None:
    await skip_to(environment, FRIDAY)
    world = World()
    play = await begin(world)
    await play.until("AWAITING_ACKNOWLEDGEMENT")
    world.send_failures = ["PLATFORM_UNAVAILABLE"] * 10_000
    await environment.sleep(2 * DAY + 14 * HOUR)
    assert (await play.snapshot()).state == "NOTIFYING"
    assert world.reminders == [("PLATFORM_CONTACT", "acknowledgement")]
