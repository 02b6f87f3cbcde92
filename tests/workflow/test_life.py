"""Promises of a referral's life, with skipped time; each also without the worker's cache."""

from __future__ import annotations

from datetime import datetime

import pytest

from tests.workflow.conftest import CACHED, UNCACHED, Begin
from tests.workflow.world import OFFER, UNLIKELY, UNSURE, World
from workflows import contracts
from workflows.contracts import PlatformPolicy, ResolvedLink

REVIEWED = contracts.KIND_REVIEW_DECIDED
WITHDRAWAL = contracts.KIND_WITHDRAWAL_REQUESTED
CANNOT_TELL = ["UNKNOWN", "PROBE_BLOCKED", "LOGIN_WALL"]


async def test_a_claimed_and_observed_removal_ends_as_removed(begin: Begin) -> None:
    world = World()
    play = await begin(world)
    await play.until("AWAITING_ACKNOWLEDGEMENT")
    await play.answer("ACKNOWLEDGEMENT")
    world.availability = ["REMOVED"]
    await play.answer("REMOVAL_CLAIM")
    assert await play.outcome() == "REMOVED"
    closed = world.closed()
    assert closed["removalBasis"] == "REMOVAL_BASIS_CLAIM_AND_OBSERVATION"
    assert closed["removedBy"] == "REMOVED_BY_PLATFORM"
    assert len(world.effects) == 1
    assert world.only_legal_transitions()
    assert world.looks.count("MONITORING") == 7


async def test_nothing_is_sent_for_what_is_gone_already(begin: Begin) -> None:
    world = World(availability=["AUTHOR_DELETED"])
    play = await begin(world)
    assert await play.outcome() == "GONE_BEFORE_NOTICE"
    assert world.effects == []
    assert world.closed()["removedBy"] == "REMOVED_BY_AUTHOR"


async def test_one_look_that_sees_it_gone_is_not_enough(begin: Begin) -> None:
    world = World(availability=["NOT_FOUND", "AVAILABLE"])
    play = await begin(world)
    await play.until("AWAITING_ACKNOWLEDGEMENT")
    assert len(world.effects) == 1


# Without the cache this life, the longest of all, is played through once, with all of them.
@pytest.mark.parametrize(
    ("cache", "seen"),
    [*((CACHED, [one]) for one in CANNOT_TELL), (UNCACHED, CANNOT_TELL * 10)],
    indirect=["cache"],
)
async def test_what_cannot_be_told_never_counts_towards_removal(
    begin: Begin, seen: list[str]
) -> None:
    world = World()
    play = await begin(world)
    await play.until("AWAITING_ACKNOWLEDGEMENT")
    world.availability = seen.copy()
    await play.answer("REMOVAL_CLAIM")
    assert await play.outcome() == "NO_RESPONSE"
    assert "REMOVAL_CONFIRMED" not in world.types()


async def test_an_unsure_assessment_waits_for_a_person(begin: Begin) -> None:
    world = World(assessment=UNSURE)
    play = await begin(world)
    await play.until("IN_REVIEW")
    assert world.effects == []
    await play.command(REVIEWED, "REFER")
    await play.until("AWAITING_ACKNOWLEDGEMENT")
    assert len(world.effects) == 1


async def test_an_unlikely_advert_is_never_rejected_by_the_classifier(begin: Begin) -> None:
    world = World(assessment=UNLIKELY)
    play = await begin(world)
    await play.until("IN_REVIEW")
    await play.command(REVIEWED, "REJECT")
    assert await play.outcome() == "REJECTED"
    assert world.effects == []


@pytest.mark.parametrize("kind", ["ACCOUNT", "PAGE", "GROUP", "CHANNEL"])
async def test_a_whole_account_always_needs_a_person(begin: Begin, kind: str) -> None:
    world = World(assessment=OFFER)
    play = await begin(world, kind=kind)
    assert (await play.until("IN_REVIEW")).waiting_for == "a person's decision"


@pytest.mark.parametrize(
    ("decision", "outcome"), [("DECLINE", "DECLINED"), ("RESTRICT", "RESTRICTED")]
)
async def test_a_decision_ends_the_referral(begin: Begin, decision: str, outcome: str) -> None:
    world = World()
    play = await begin(world)
    await play.until("AWAITING_ACKNOWLEDGEMENT")
    await play.answer(
        "DECISION", decision=decision, decline_reason="NOT_A_TERMS_BREACH", countries=("GB",)
    )
    assert await play.outcome() == outcome
    assert world.types()[-2:] == ["DECIDED", "CLOSED"]


async def test_silence_for_thirty_days_is_answered_by_the_whole_ladder(begin: Begin) -> None:
    world = World()
    play = await begin(world)
    assert await play.outcome() == "NO_RESPONSE"
    assert len(world.effects) == 1 + PlatformPolicy().renotice_limit
    assert world.types().count("DEADLINE_PASSED") == 6
    assert world.only_legal_transitions()


async def test_an_acknowledged_notice_without_a_decision_is_noticed_again(begin: Begin) -> None:
    world = World(policy=PlatformPolicy(renotice_limit=1))
    play = await begin(world)
    await play.until("AWAITING_ACKNOWLEDGEMENT")
    await play.answer("ACKNOWLEDGEMENT")
    assert await play.outcome() == "NO_RESPONSE"
    deadlines = [e.detail["deadline"] for e in world.events.values() if e.type == "DEADLINE_PASSED"]
    assert deadlines == ["decision", "acknowledgement"]


async def test_a_claim_on_content_that_stays_visible_leads_to_a_further_notice(
    begin: Begin,
) -> None:
    world = World(policy=PlatformPolicy(renotice_limit=1))
    play = await begin(world)
    await play.until("AWAITING_ACKNOWLEDGEMENT")
    await play.answer("REMOVAL_CLAIM")
    assert await play.outcome() == "NO_RESPONSE"
    assert len(world.effects) == 2


async def test_content_seen_gone_without_a_claim_rests_on_observation(begin: Begin) -> None:
    world = World()
    play = await begin(world)
    await play.until("AWAITING_ACKNOWLEDGEMENT")
    world.availability = ["ACCOUNT_SUSPENDED"]
    assert await play.outcome() == "REMOVED"
    assert world.closed()["removalBasis"] == "REMOVAL_BASIS_OBSERVATION_ONLY"
    assert world.closed()["removedBy"] == "REMOVED_BY_ACCOUNT_ACTION"


async def test_what_is_seen_again_before_confirmation_is_waited_for_again(begin: Begin) -> None:
    world = World(policy=PlatformPolicy(renotice_limit=0))
    play = await begin(world)
    await play.until("AWAITING_ACKNOWLEDGEMENT")
    world.availability = ["NOT_FOUND", "AVAILABLE"]
    assert await play.outcome() == "NO_RESPONSE"
    assert "REMOVAL_CONFIRMED" not in world.types()
    assert world.only_legal_transitions()


async def test_reappearance_opens_the_notice_loop_again(begin: Begin) -> None:
    world = World()
    play = await begin(world)
    await play.until("AWAITING_ACKNOWLEDGEMENT")
    world.availability = ["REMOVED", "REMOVED", "AVAILABLE"]
    await play.answer("REMOVAL_CLAIM")
    assert await play.outcome() == "NO_RESPONSE"
    assert "REAPPEARED" in world.types()
    assert len(world.effects) > 1


async def test_a_withdrawal_before_the_notice_stops_it(begin: Begin) -> None:
    world = World(assessment=UNSURE)
    play = await begin(world)
    await play.until("IN_REVIEW")
    await play.command(WITHDRAWAL)
    assert await play.outcome() == "WITHDRAWN"
    assert world.effects == []
    assert world.withdrawn == []
    assert world.closed()["withdrawnAfterNotice"] is False


async def test_a_withdrawal_after_the_notice_is_told_to_the_platform(begin: Begin) -> None:
    world = World()
    play = await begin(world)
    await play.until("AWAITING_ACKNOWLEDGEMENT")
    await play.command(WITHDRAWAL)
    assert await play.outcome() == "WITHDRAWN"
    assert world.withdrawn == world.effects
    assert world.closed()["withdrawnAfterNotice"] is True


async def test_a_refused_notice_ends_as_undeliverable(begin: Begin) -> None:
    world = World(send_failures=[contracts.ERROR_REFUSED])
    play = await begin(world)
    assert await play.outcome() == "UNDELIVERABLE"
    assert "NOTICE_FAILED" in world.types()


async def test_a_platform_that_is_away_for_a_while_gets_one_notice(begin: Begin) -> None:
    world = World(
        send_failures=["PLATFORM_UNAVAILABLE"] * 8 + ["lost_answer"],
        policy=PlatformPolicy(renotice_limit=0),
    )
    play = await begin(world)
    assert await play.outcome() == "NO_RESPONSE"
    assert len(world.effects) == 1


async def test_a_platform_that_is_away_for_good_ends_as_undeliverable(begin: Begin) -> None:
    world = World(send_failures=["PLATFORM_UNAVAILABLE"] * 100_000)
    play = await begin(world)
    assert await play.outcome() == "UNDELIVERABLE"
    assert world.effects == []


async def test_an_answer_may_overtake_the_record_of_our_sending(begin: Begin) -> None:
    world = World(send_failures=["lost_answer"] + ["PLATFORM_UNAVAILABLE"] * 1000)
    play = await begin(world)
    await play.until("NOTIFYING")
    while not world.effects:
        await play.snapshot()
    world.availability = ["REMOVED"]
    await play.answer("REMOVAL_CLAIM", notice_id=world.effects[0])
    assert await play.outcome() == "REMOVED"
    assert len(world.effects) == 1
    assert world.only_legal_transitions()


async def test_the_same_delivery_twice_is_one(begin: Begin) -> None:
    world = World()
    play = await begin(world)
    await play.until("AWAITING_ACKNOWLEDGEMENT")
    delivery = contracts.Delivery(
        "0b7e6c1e-0000-4000-8000-000000000001",
        contracts.KIND_PLATFORM_EVENT,
        answer=contracts.PlatformAnswer("e", "ACKNOWLEDGEMENT", "2026-11-24T10:00:00Z"),
    )
    assert await play.deliver(delivery) == contracts.ANSWER_ACCEPTED
    await play.handle.signal(contracts.SIGNAL_DELIVER, delivery)
    await play.until("AWAITING_DECISION")
    await play.command(WITHDRAWAL)
    await play.outcome()
    assert world.types().count("ACKNOWLEDGED") == 1


async def test_an_impossible_answer_is_noted_and_changes_nothing(begin: Begin) -> None:
    world = World(assessment=UNSURE)
    play = await begin(world)
    await play.until("IN_REVIEW")
    await play.answer("REVERSAL")
    assert (await play.until("IN_REVIEW")).state == "IN_REVIEW"
    assert "PLATFORM_EVENT_NOTED" in world.types()


async def test_a_short_link_to_known_content_is_a_duplicate(begin: Begin) -> None:
    world = World(link=ResolvedLink(duplicate_of="0192d4c0-0000-7000-8000-000000000000"))
    play = await begin(world, kind="SHORT_LINK")
    assert await play.outcome() == "DUPLICATE"
    assert world.closed()["duplicateOf"] == "0192d4c0-0000-7000-8000-000000000000"


async def test_a_short_link_to_an_account_needs_a_person(begin: Begin) -> None:
    world = World(link=ResolvedLink(kind="ACCOUNT"))
    play = await begin(world, kind="SHORT_LINK")
    await play.until("IN_REVIEW")


ONE_NOTICE = PlatformPolicy(renotice_limit=0, observation_cadence=(1e9,))


async def test_an_urgent_referral_has_an_urgent_deadline(begin: Begin) -> None:
    world = World(policy=ONE_NOTICE)
    play = await begin(world, urgency="URGENT")
    assert await play.outcome() == "NO_RESPONSE"
    assert 3600 <= time_given(world) < 3700


async def test_a_routine_referral_has_a_day(begin: Begin) -> None:
    world = World(policy=ONE_NOTICE)
    play = await begin(world)
    assert await play.outcome() == "NO_RESPONSE"
    assert 86400 <= time_given(world) < 86500


async def test_a_raised_urgency_shortens_the_deadline(begin: Begin) -> None:
    world = World(policy=ONE_NOTICE)
    play = await begin(world)
    await play.until("AWAITING_ACKNOWLEDGEMENT")
    await play.command(contracts.KIND_URGENCY_RAISED, "URGENT")
    assert await play.outcome() == "NO_RESPONSE"
    assert 3600 <= time_given(world) < 3700


def time_given(world: World) -> float:
    """Seconds between delivery and the first deadline that passed, by the record.

    Urgent work is waited for beyond it (docs/decisions/0016).
    """
    (delivered,) = [e for e in world.events.values() if e.type == "NOTICE_DELIVERED"]
    passed = next(e for e in world.events.values() if e.type == "DEADLINE_PASSED")
    due = datetime.fromisoformat(passed.detail["dueTime"])
    return (due - datetime.fromisoformat(delivered.occurred_at)).total_seconds()
