"""Promises of the whole life, with skipped time; each also without the worker's cache."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from tests.workflow.asking import ANSWERED, DAY, ESCALATE, HOLD, HOUR, REVIEWED, details, later
from tests.workflow.conftest import Begin
from tests.workflow.world import UNSURE, World
from workflows import contracts
from workflows.contracts import AssessmentFacts, PlatformPolicy

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
