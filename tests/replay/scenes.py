"""Lives of a referral, played from their beginning for the histories."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import timedelta

from tests.workflow.conftest import Play
from workflows import contracts

Scene = Callable[[Play], Awaitable[object]]
HOLD = contracts.KIND_HOLD_PLACED


async def removed(play: Play) -> None:
    await play.until("AWAITING_ACKNOWLEDGEMENT")
    await play.answer("ACKNOWLEDGEMENT")
    play.world.availability = ["REMOVED"]
    await play.answer("REMOVAL_CLAIM")
    await play.outcome()


async def declined(play: Play) -> None:
    await play.until("AWAITING_ACKNOWLEDGEMENT")
    await play.answer("DECISION", decision="DECLINE", decline_reason="CANNOT_LOCATE")
    await play.outcome()


async def restricted(play: Play) -> None:
    await play.until("AWAITING_ACKNOWLEDGEMENT")
    await play.answer("DECISION", decision="RESTRICT", countries=("GB",))
    await play.outcome()


async def reviewed_and_withdrawn(play: Play) -> None:
    await play.until("IN_REVIEW")
    await play.command(contracts.KIND_REVIEW_DECIDED, "REFER")
    await play.until("AWAITING_ACKNOWLEDGEMENT")
    await play.command(contracts.KIND_WITHDRAWAL_REQUESTED)
    await play.outcome()


async def rejected(play: Play) -> None:
    await play.until("IN_REVIEW")
    await play.command(contracts.KIND_REVIEW_DECIDED, "REJECT")
    await play.outcome()


async def ended(play: Play) -> None:
    await play.outcome()


async def held(play: Play, pause: timedelta) -> None:
    until = await play.environment.get_current_time() + pause
    await play.command(HOLD, reason="LIVE_INVESTIGATION", until=until.isoformat())
    await play.until("ON_HOLD")


async def hold_released(play: Play) -> None:
    await play.until("IN_REVIEW")
    await held(play, timedelta(days=3))
    await play.command(contracts.KIND_HOLD_RELEASED)
    await play.until("IN_REVIEW")
    await play.command(contracts.KIND_REVIEW_DECIDED, "REJECT")
    await play.outcome()


async def hold_expired(play: Play) -> None:
    await play.until("IN_REVIEW")
    await held(play, timedelta(hours=5))
    await play.environment.sleep(timedelta(hours=6))
    await play.until("IN_REVIEW")
    await play.command(contracts.KIND_REVIEW_DECIDED, "REJECT")
    await play.outcome()


async def hold_renewed_and_withdrawn(play: Play) -> None:
    await play.until("IN_REVIEW")
    await held(play, timedelta(hours=5))
    await held(play, timedelta(hours=9))
    await play.command(contracts.KIND_WITHDRAWAL_REQUESTED)
    await play.outcome()


async def hold_too_late(play: Play) -> None:
    await play.until("AWAITING_ACKNOWLEDGEMENT")
    until = await play.environment.get_current_time() + timedelta(days=1)
    await play.command(HOLD, reason="SURVEILLANCE", until=until.isoformat())
    await declined(play)


async def review_late(play: Play) -> None:
    await play.until("IN_REVIEW")
    await play.environment.sleep(timedelta(hours=30))
    await play.command(contracts.KIND_REVIEW_DECIDED, "REJECT")
    await play.outcome()


async def clarified(play: Play) -> None:
    await play.until("AWAITING_ACKNOWLEDGEMENT")
    await play.answer("CLARIFICATION_REQUEST", event_id="q1")
    await play.until("CLARIFICATION_REQUESTED")
    await play.environment.sleep(timedelta(hours=2))
    await play.command(contracts.KIND_CLARIFICATION_ANSWERED, subject="q1")
    await play.until("AWAITING_DECISION")
    await play.answer("DECISION", decision="DECLINE", decline_reason="OTHER")
    await play.outcome()


async def clarified_late(play: Play) -> None:
    await play.until("AWAITING_ACKNOWLEDGEMENT")
    await play.answer("CLARIFICATION_REQUEST", event_id="q1")
    await play.answer("CLARIFICATION_REQUEST", event_id="q2")
    await play.environment.sleep(timedelta(hours=30))
    await play.command(contracts.KIND_CLARIFICATION_ANSWERED, subject="q1")
    await play.command(contracts.KIND_CLARIFICATION_ANSWERED, subject="q2")
    await play.until("AWAITING_DECISION")
    await play.command(contracts.KIND_WITHDRAWAL_REQUESTED)
    await play.outcome()


async def contradicted(play: Play) -> None:
    await play.until("AWAITING_ACKNOWLEDGEMENT")
    await play.answer("REMOVAL_CLAIM")
    await play.environment.sleep(timedelta(hours=1))
    await play.until("CONTRADICTED")
    play.world.availability = ["REMOVED"]
    await play.outcome()


async def claimed_again(play: Play) -> None:
    await play.until("AWAITING_ACKNOWLEDGEMENT")
    await play.answer("REMOVAL_CLAIM")
    await play.environment.sleep(timedelta(hours=1))
    await play.until("CONTRADICTED")
    await play.answer("REMOVAL_CLAIM")
    await play.command(contracts.KIND_WITHDRAWAL_REQUESTED)
    await play.outcome()


async def reappeared(play: Play) -> None:
    await play.until("AWAITING_ACKNOWLEDGEMENT")
    play.world.availability = ["REMOVED"]
    await play.answer("REMOVAL_CLAIM")
    await play.until("MONITORING")
    play.world.availability = ["AVAILABLE"]
    await play.environment.sleep(timedelta(hours=30))
    await play.until("AWAITING_ACKNOWLEDGEMENT")
    await play.answer("DECISION", decision="DECLINE", decline_reason="OTHER")
    await play.outcome()


async def reversed_(play: Play) -> None:
    await play.until("AWAITING_ACKNOWLEDGEMENT")
    play.world.availability = ["REMOVED"]
    await play.answer("REMOVAL_CLAIM")
    await play.until("MONITORING")
    await play.answer("REVERSAL")
    await play.outcome()


async def escalated(play: Play) -> None:
    await play.until("AWAITING_ACKNOWLEDGEMENT")
    await play.command(contracts.KIND_ESCALATION_REQUESTED)
    await play.environment.sleep(timedelta(minutes=5))
    await play.command(contracts.KIND_WITHDRAWAL_REQUESTED)
    await play.outcome()


async def lapsed(play: Play) -> None:
    departure = await play.environment.get_current_time() + timedelta(hours=2)
    await play.until("AWAITING_ACKNOWLEDGEMENT")
    await play.command(
        contracts.KIND_URGENCY_RAISED, "IMMINENT_DEPARTURE", departure_time=departure.isoformat()
    )
    await play.environment.sleep(timedelta(hours=3))
    await play.command(contracts.KIND_WITHDRAWAL_REQUESTED)
    await play.outcome()


async def seen_gone(play: Play) -> None:
    await play.until("AWAITING_ACKNOWLEDGEMENT")
    await play.answer("ACKNOWLEDGEMENT")
    play.world.availability = ["AUTHOR_DELETED"]
    await play.outcome()


async def noted(play: Play) -> None:
    await play.until("AWAITING_ACKNOWLEDGEMENT")
    await play.answer("RECEIPT")
    await play.answer("REVERSAL")
    await play.answer("DECISION", decision="RESTRICT", countries=("GB",))
    await play.outcome()


async def sent_on(play: Play) -> None:
    await play.until("NOTIFYING")
    await play.command(contracts.KIND_ESCALATION_REQUESTED)
    await play.environment.sleep(timedelta(minutes=30))
    await play.until("AWAITING_ACKNOWLEDGEMENT")
    await play.command(contracts.KIND_WITHDRAWAL_REQUESTED)
    await play.outcome()


async def settled(play: Play) -> None:
    await play.until("AWAITING_ACKNOWLEDGEMENT")
    await play.environment.sleep(timedelta(hours=24.5))
    play.world.availability = ["REMOVED"]
    await play.answer("REMOVAL_CLAIM")
    await play.outcome()


async def sent_late(play: Play) -> None:
    await play.until("AWAITING_ACKNOWLEDGEMENT")
    play.world.send_failures = ["PLATFORM_UNAVAILABLE"] * 550
    await play.outcome()
