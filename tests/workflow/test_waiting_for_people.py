"""Promises of a life that waits for people; each also without the worker's cache."""

from __future__ import annotations

import pytest
from temporalio.testing import WorkflowEnvironment

from tests.workflow.asking import (
    ANSWERED,
    DAY,
    HOLD,
    HOUR,
    RELEASE,
    REVIEWED,
    WITHDRAWAL,
    details,
    later,
)
from tests.workflow.conftest import Begin
from tests.workflow.world import UNSURE, World
from workflows import contracts

# --- holds --------------------------------------------------------------------------------


async def test_a_hold_keeps_the_notice_back_until_it_is_released(begin: Begin) -> None:
    world = World(assessment=UNSURE)
    play = await begin(world)
    await play.until("IN_REVIEW")
    await play.command(HOLD, reason="LIVE_INVESTIGATION", until=await later(play, DAY))
    await play.until("ON_HOLD")
    await play.command(REVIEWED, "REFER")
    snapshot = await play.until("ON_HOLD")
    assert snapshot.waiting_for == "the end of the hold"
    assert world.effects == []
    await play.command(RELEASE)
    await play.until("AWAITING_ACKNOWLEDGEMENT")
    (ended,) = details(world, "HOLD_ENDED")
    assert ended["end"] == "HOLD_END_RELEASED"
    assert ended["cost"]["vanished"] is False
    assert world.only_legal_transitions()


async def test_a_hold_that_runs_out_resumes_the_state_before_it(begin: Begin) -> None:
    world = World(assessment=UNSURE)
    play = await begin(world)
    await play.until("IN_REVIEW")
    await play.command(HOLD, reason="SURVEILLANCE", until=await later(play, 3 * DAY))
    await play.until("ON_HOLD")
    await play.environment.sleep(3 * DAY + HOUR)
    assert (await play.until("IN_REVIEW")).state == "IN_REVIEW"
    (ended,) = details(world, "HOLD_ENDED")
    assert ended["end"] == "HOLD_END_EXPIRED"
    assert int(ended["cost"]["heldSeconds"]) == pytest.approx(3 * 86400, abs=120)
    assert ended["cost"]["observations"] >= 6


async def test_what_vanishes_on_hold_is_counted_and_gets_no_notice(
    begin: Begin, environment: WorkflowEnvironment
) -> None:
    held = World(availability=["NOT_FOUND"])
    until = await later(environment, 2 * DAY)
    play = await begin(held, hold_until=until, hold_reason="SAFEGUARDING")
    assert await play.outcome() == "GONE_BEFORE_NOTICE"
    (ended,) = details(held, "HOLD_ENDED")
    assert ended["cost"]["vanished"] is True
    assert ended["cost"]["vanishTime"]
    assert held.effects == []


async def test_a_departure_that_passes_on_hold_is_measured(begin: Begin) -> None:
    world = World(assessment=UNSURE)
    play = await begin(world)
    await play.until("IN_REVIEW")
    departure = await later(play, 6 * HOUR)
    await play.command(
        contracts.KIND_URGENCY_RAISED, "IMMINENT_DEPARTURE", departure_time=departure
    )
    await play.command(HOLD, reason="LIVE_INVESTIGATION", until=await later(play, DAY))
    await play.until("ON_HOLD")
    await play.environment.sleep(DAY + HOUR)
    await play.until("IN_REVIEW")
    (ended,) = details(world, "HOLD_ENDED")
    assert ended["cost"]["departurePassed"] is True
    assert "URGENCY_LAPSED" in world.types()
    assert (await play.snapshot()).urgency == "ROUTINE"


async def test_a_renewed_hold_lasts_until_its_new_expiry(begin: Begin) -> None:
    world = World(assessment=UNSURE)
    play = await begin(world)
    await play.until("IN_REVIEW")
    await play.command(HOLD, reason="SURVEILLANCE", until=await later(play, DAY))
    await play.until("ON_HOLD")
    await play.command(HOLD, reason="LIVE_INVESTIGATION", until=await later(play, 5 * DAY))
    await play.environment.sleep(4 * DAY)
    assert (await play.snapshot()).state == "ON_HOLD"
    await play.environment.sleep(2 * DAY)
    await play.until("IN_REVIEW")
    assert world.types().count("HOLD_RENEWED") == 1
    assert world.types().count("HOLD_ENDED") == 1


async def test_a_hold_after_the_notice_is_refused_and_changes_nothing(begin: Begin) -> None:
    world = World()
    play = await begin(world)
    await play.until("AWAITING_ACKNOWLEDGEMENT")
    await play.command(HOLD, reason="SURVEILLANCE", until=await later(play, DAY))
    snapshot = await play.until("AWAITING_ACKNOWLEDGEMENT")
    assert snapshot.hold_until == ""
    (refused,) = details(world, "COMMAND_REFUSED")
    assert refused["command"] == "hold"
    assert "withdraw" in refused["reason"]


async def test_a_withdrawal_on_hold_ends_both_and_says_what_the_hold_cost(
    begin: Begin, environment: WorkflowEnvironment
) -> None:
    held = World()
    until = await later(environment, DAY)
    play = await begin(held, hold_until=until, hold_reason="PARTNER_REQUEST")
    await play.until("ON_HOLD")
    await play.command(WITHDRAWAL)
    assert await play.outcome() == "WITHDRAWN"
    assert details(held, "HOLD_ENDED")[0]["end"] == "HOLD_END_CLOSED"
    assert held.effects == held.withdrawn == []


# --- review -------------------------------------------------------------------------------


async def test_a_review_that_nobody_decides_reminds_and_stays_open(begin: Begin) -> None:
    world = World(assessment=UNSURE)
    play = await begin(world, urgency="URGENT")
    await play.until("IN_REVIEW")
    await play.environment.sleep(3.5 * HOUR)
    assert (await play.snapshot()).state == "IN_REVIEW"
    assert world.reminders == [
        ("REFERRER_LIAISON", "review"),
        ("HEAD_OF_UNIT", "review"),
        ("HEAD_OF_UNIT", "review"),
    ]
    await play.command(REVIEWED, "REJECT")
    assert await play.outcome() == "REJECTED"


async def test_a_decision_that_comes_too_late_is_refused_on_record(begin: Begin) -> None:
    world = World()
    play = await begin(world)
    await play.until("AWAITING_ACKNOWLEDGEMENT")
    await play.command(REVIEWED, "REJECT")
    await play.until("AWAITING_ACKNOWLEDGEMENT")
    assert details(world, "COMMAND_REFUSED")[0]["command"] == "review"


# --- clarification ------------------------------------------------------------------------


async def test_the_platforms_clock_stands_still_while_it_waits_for_us(begin: Begin) -> None:
    world = World()
    play = await begin(world)
    await play.until("AWAITING_ACKNOWLEDGEMENT")
    await play.answer("ACKNOWLEDGEMENT")
    await play.answer("CLARIFICATION_REQUEST", event_id="q1")
    await play.until("CLARIFICATION_REQUESTED")
    # Far beyond the 48 hours that the platform has to decide.
    await play.environment.sleep(10 * DAY)
    assert (await play.snapshot()).state == "CLARIFICATION_REQUESTED"
    assert len(world.effects) == 1
    await play.command(ANSWERED, subject="q1")
    await play.until("AWAITING_DECISION")
    assert world.answered == ["q1"]
    await play.environment.sleep(47 * HOUR)
    assert len(world.effects) == 1
    await play.environment.sleep(3 * HOUR)
    assert len(world.effects) == 2


async def test_an_answer_to_a_question_that_is_closed_changes_nothing(begin: Begin) -> None:
    world = World()
    play = await begin(world)
    await play.until("AWAITING_ACKNOWLEDGEMENT")
    await play.answer("CLARIFICATION_REQUEST", event_id="q1")
    await play.answer("CLARIFICATION_REQUEST", event_id="q2")
    await play.until("CLARIFICATION_REQUESTED")
    await play.command(ANSWERED, subject="q1")
    await play.until("CLARIFICATION_REQUESTED")
    assert world.answered == []
    await play.command(ANSWERED, subject="q2")
    await play.until("AWAITING_DECISION")
    await play.command(ANSWERED, subject="q2")
    await play.until("AWAITING_DECISION")
    assert world.answered == ["q2"]
    assert [d["command"] for d in details(world, "COMMAND_REFUSED")] == ["clarification"] * 2


async def test_an_answer_that_the_platform_does_not_take_leaves_the_question_open(
    begin: Begin,
) -> None:
    world = World(answer_failures=[contracts.ERROR_REFUSED])
    play = await begin(world, urgency="URGENT")
    await play.until("AWAITING_ACKNOWLEDGEMENT")
    await play.answer("CLARIFICATION_REQUEST", event_id="q1")
    await play.command(ANSWERED, subject="q1")
    await play.until("CLARIFICATION_REQUESTED")
    await play.environment.sleep(HOUR / 4)
    assert world.answered == []
    assert ("PLATFORM_CONTACT", "clarification") in world.reminders
    await play.command(ANSWERED, subject="q1")
    await play.until("AWAITING_DECISION")


async def test_a_platform_may_remove_while_it_waits_for_our_answer(begin: Begin) -> None:
    world = World()
    play = await begin(world)
    await play.until("AWAITING_ACKNOWLEDGEMENT")
    await play.answer("CLARIFICATION_REQUEST", event_id="q1")
    world.availability = ["REMOVED"]
    await play.answer("REMOVAL_CLAIM")
    assert await play.outcome() == "REMOVED"
