"""Promises of the whole life, with skipped time; each also without the worker's cache."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from temporalio.testing import WorkflowEnvironment

from tests.workflow.conftest import Begin, Play
from tests.workflow.world import UNSURE, World
from workflows import contracts
from workflows.contracts import AssessmentFacts, PlatformPolicy

HOLD, RELEASE = contracts.KIND_HOLD_PLACED, contracts.KIND_HOLD_RELEASED
ANSWERED, ESCALATE = contracts.KIND_CLARIFICATION_ANSWERED, contracts.KIND_ESCALATION_REQUESTED
WITHDRAWAL, REVIEWED = contracts.KIND_WITHDRAWAL_REQUESTED, contracts.KIND_REVIEW_DECIDED
HOUR, DAY = timedelta(hours=1), timedelta(days=1)


async def later(where: Play | WorkflowEnvironment, pause: timedelta) -> str:
    """An instant so far ahead by the server's own clock."""
    environment = where.environment if isinstance(where, Play) else where
    return (await environment.get_current_time() + pause).isoformat()


def details(world: World, kind: str) -> list[dict[str, Any]]:
    return [e.detail for e in world.ordered() if e.type == kind]


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


# --- contradiction ------------------------------------------------------------------------


async def test_a_claim_that_is_seen_to_be_untrue_is_a_contradiction(begin: Begin) -> None:
    world = World()
    play = await begin(world, urgency="URGENT")
    await play.until("AWAITING_ACKNOWLEDGEMENT")
    await play.answer("REMOVAL_CLAIM")
    await play.environment.sleep(HOUR)
    snapshot = await play.until("CONTRADICTED")
    assert snapshot.contradictions == 1
    assert ("PLATFORM_CONTACT", "contradiction") in world.reminders
    world.availability = ["REMOVED"]
    assert await play.outcome() == "REMOVED"
    assert world.closed()["contradictions"] == 1
    assert len(world.effects) == 1


async def test_a_contradiction_that_stands_leads_to_a_further_notice(begin: Begin) -> None:
    world = World(policy=PlatformPolicy(renotice_limit=1))
    play = await begin(world)
    await play.until("AWAITING_ACKNOWLEDGEMENT")
    await play.answer("REMOVAL_CLAIM")
    await play.environment.sleep(8 * HOUR)
    assert len(world.effects) == 2
    passed = [d for d in details(world, "DEADLINE_PASSED") if d["deadline"] == "contradiction"]
    assert passed[0]["nextStep"] == "renotice"
    assert await play.outcome() == "NO_RESPONSE"
    assert world.only_legal_transitions()


async def test_a_claim_that_comes_again_is_looked_at_again(begin: Begin) -> None:
    world = World()
    play = await begin(world)
    await play.until("AWAITING_ACKNOWLEDGEMENT")
    await play.answer("REMOVAL_CLAIM")
    await play.environment.sleep(HOUR)
    await play.until("CONTRADICTED")
    await play.answer("REMOVAL_CLAIM")
    await play.environment.sleep(HOUR)
    assert (await play.until("CONTRADICTED")).contradictions == 2


# --- reappearance and reversal ------------------------------------------------------------


async def test_what_reappears_gets_a_further_notice_and_keeps_both_times(begin: Begin) -> None:
    world = World()
    play = await begin(world)
    await play.until("AWAITING_ACKNOWLEDGEMENT")
    world.availability = ["REMOVED"]
    await play.answer("REMOVAL_CLAIM")
    await world.recorded("REMOVAL_CONFIRMED")
    world.availability = ["AVAILABLE"]
    await play.environment.sleep(DAY + HOUR)
    await world.recorded("NOTICE_DELIVERED", 2)
    assert len(world.effects) == 2
    world.availability = ["REMOVED"]
    await play.answer("REMOVAL_CLAIM")
    assert await play.outcome() == "REMOVED"
    closed = world.closed()
    assert closed["reappearances"] == 1
    assert closed["firstRemovalTime"] < closed["finalRemovalTime"]


async def test_a_reversal_ends_the_referral_and_tells_the_referrer(begin: Begin) -> None:
    world = World()
    play = await begin(world)
    await play.until("AWAITING_ACKNOWLEDGEMENT")
    world.availability = ["REMOVED"]
    await play.answer("REMOVAL_CLAIM")
    await play.until("MONITORING")
    await play.answer("REVERSAL", event_id="r1")
    assert await play.outcome() == "DECLINED"
    closed = world.closed()
    assert closed["reversed"] is True
    assert closed["firstRemovalTime"]
    assert "REVERSED" in world.types()
    assert ("REFERRER_LIAISON", "reversal") in world.reminders


async def test_a_reversal_of_what_was_never_removed_is_noted(begin: Begin) -> None:
    world = World()
    play = await begin(world)
    await play.until("AWAITING_ACKNOWLEDGEMENT")
    await play.answer("REVERSAL")
    await play.until("AWAITING_ACKNOWLEDGEMENT")
    assert details(world, "PLATFORM_EVENT_NOTED")[0]["reason"] == "impossible_in_state"


# --- the ladder ---------------------------------------------------------------------------


async def test_silence_climbs_the_ladder_step_by_step_and_ends_as_no_response(
    begin: Begin,
) -> None:
    world = World()
    play = await begin(world)
    assert await play.outcome() == "NO_RESPONSE"
    assert len(world.effects) == 6
    escalated = [(d["level"], d["deadline"]) for d in details(world, "ESCALATED")]
    assert escalated == [
        ("ESCALATION_LEVEL_PLATFORM_CONTACT", "acknowledgement"),
        ("ESCALATION_LEVEL_REFERRER_LIAISON", "acknowledgement"),
        ("ESCALATION_LEVEL_HEAD_OF_UNIT", "acknowledgement"),
    ]
    assert [level for level, _ in world.reminders] == [
        "PLATFORM_CONTACT", "REFERRER_LIAISON", "HEAD_OF_UNIT",
    ]  # fmt: skip


async def test_an_escalation_by_hand_is_one_step_up_at_once(begin: Begin) -> None:
    world = World()
    play = await begin(world, urgency="URGENT")
    await play.until("AWAITING_ACKNOWLEDGEMENT")
    await play.command(ESCALATE)
    await play.until("AWAITING_ACKNOWLEDGEMENT")
    await play.command(ESCALATE)
    snapshot = await play.until("AWAITING_ACKNOWLEDGEMENT")
    assert snapshot.escalation_level == "REFERRER_LIAISON"
    assert world.reminders == [("PLATFORM_CONTACT", "request"), ("REFERRER_LIAISON", "request")]
    assert len(world.effects) == 1


async def test_a_reminder_that_nobody_takes_is_tried_again_and_holds_nothing_up(
    begin: Begin,
) -> None:
    world = World(unreachable=5)
    play = await begin(world, urgency="URGENT")
    await play.until("AWAITING_ACKNOWLEDGEMENT")
    await play.command(ESCALATE)
    await play.environment.sleep(0.9 * HOUR)
    assert world.reminders == [("PLATFORM_CONTACT", "request")]
    assert "REMINDER_SENT" in world.types()
    assert len(world.effects) == 1


# --- urgency ------------------------------------------------------------------------------


async def test_a_departure_that_the_text_names_is_proposed_and_hurries_nothing(
    begin: Begin,
) -> None:
    world = World(
        assessment=AssessmentFacts(
            0.97, "OFFER", "REFER", "test-1",
            departure_time=(datetime.now(UTC) + 2 * DAY).isoformat(),
        )
    )  # fmt: skip
    play = await begin(world)
    snapshot = await play.until("AWAITING_ACKNOWLEDGEMENT")
    assert snapshot.urgency == "ROUTINE"
    assert len(details(world, "DEPARTURE_PROPOSED")) == 1


async def test_after_the_departure_it_is_routine_again(begin: Begin) -> None:
    world = World()
    play = await begin(world)
    departure = await later(play, 2 * HOUR)
    await play.until("AWAITING_ACKNOWLEDGEMENT")
    await play.command(
        contracts.KIND_URGENCY_RAISED, "IMMINENT_DEPARTURE", departure_time=departure
    )
    assert (await play.until("AWAITING_ACKNOWLEDGEMENT")).urgency == "IMMINENT_DEPARTURE"
    await play.environment.sleep(2.5 * HOUR)
    assert (await play.snapshot()).urgency == "ROUTINE"
    assert world.types().count("URGENCY_LAPSED") == 1


# --- sending ------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", [contracts.KIND_URGENCY_RAISED, ESCALATE])
async def test_a_command_while_a_notice_is_on_its_way_does_not_pass_for_its_delivery(
    begin: Begin, kind: str
) -> None:
    world = World(send_failures=["UNAVAILABLE"] * 8)
    play = await begin(world)
    await play.until("NOTIFYING")
    await play.command(kind, "URGENT")
    await play.environment.sleep(HOUR / 2)
    await play.until("AWAITING_ACKNOWLEDGEMENT")
    assert len(world.effects) == 1
    assert world.send_failures == []


async def test_an_answer_to_nothing_in_particular_does_not_pass_for_the_delivery(
    begin: Begin,
) -> None:
    world = World(send_failures=["UNAVAILABLE"] * 8)
    play = await begin(world)
    await play.until("NOTIFYING")
    await play.answer("RECEIPT")
    await play.environment.sleep(HOUR / 2)
    await play.until("AWAITING_ACKNOWLEDGEMENT")
    assert len(world.effects) == 1


# --- long life ----------------------------------------------------------------------------


@pytest.mark.parametrize("every", [1, 2])
async def test_a_life_that_is_continued_as_new_at_every_step_loses_nothing(
    begin: Begin, every: int
) -> None:
    # The record is asked and not the workflow: this test server answers no query after a run that
    # was continued as new.
    world = World(assessment=UNSURE)
    play = await begin(world, steps_per_run=every, urgency="URGENT")
    await world.recorded("REVIEW_REQUESTED")
    await play.command(HOLD, reason="SURVEILLANCE", until=await later(play, 2 * HOUR))
    await world.recorded("HOLD_PLACED")
    await play.environment.sleep(2.5 * HOUR)
    await world.recorded("HOLD_ENDED")
    await play.command(REVIEWED, "REFER")
    await world.recorded("NOTICE_DELIVERED")
    await play.answer("CLARIFICATION_REQUEST", event_id="q1", item_id="item-1")
    await world.recorded("CLARIFICATION_REQUESTED")
    # Under another update id: to the same one the server itself gives the first answer again.
    again = await play.answer("CLARIFICATION_REQUEST", "other", event_id="q1", item_id="item-1")
    assert again == "repeated"
    await play.environment.sleep(5 * HOUR)
    await play.command(ANSWERED, subject="q1")
    await world.recorded("CLARIFICATION_DELIVERED")
    await play.answer("REMOVAL_CLAIM")
    await play.environment.sleep(HOUR)
    await world.recorded("CONTRADICTED")
    world.availability = ["REMOVED"]
    assert await play.outcome() == "REMOVED"
    assert world.closed()["contradictions"] == 1
    assert len(world.effects) == 1
    assert world.types().count("CLARIFICATION_REQUESTED") == 1
    assert world.only_legal_transitions()
