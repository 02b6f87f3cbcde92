"""Records the histories beside it: ``python -m tests.replay.record``. Run it for a new path
only; a recorded history is never recorded again, since old ones must go on replaying."""

from __future__ import annotations

import asyncio
import sys
import uuid
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

from temporalio.testing import WorkflowEnvironment

from tests.workflow.conftest import BIN, CACHED, Play, serving
from tests.workflow.world import UNSURE, World
from workflows import contracts
from workflows.contracts import PlatformPolicy, ResolvedLink, StartReferral

# A notice sent on this Friday evening is late on Saturday; people are at work again on Monday.
FRIDAY = datetime(2027, 3, 5, 20, 0, tzinfo=UTC)
HISTORIES = Path(__file__).with_name("histories")
Scene = Callable[[Play], Awaitable[object]]


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


HOLD = contracts.KIND_HOLD_PLACED
# Recorded by version 1 of the workflow, before it knew the whole life.
FIRST_SCENES: dict[str, tuple[World, str, Scene]] = {
    "removed": (World(), "VIDEO", removed),
    "declined": (World(), "VIDEO", declined),
    "restricted": (World(), "VIDEO", restricted),
    "reviewed_and_withdrawn": (World(assessment=UNSURE), "VIDEO", reviewed_and_withdrawn),
    "rejected": (World(assessment=UNSURE), "VIDEO", rejected),
    "silence": (World(policy=PlatformPolicy(renotice_limit=1)), "VIDEO", ended),
    "gone_before_notice": (World(availability=["NOT_FOUND"]), "VIDEO", ended),
    "refused": (World(send_failures=[contracts.ERROR_REFUSED]), "VIDEO", ended),
    "duplicate": (World(link=ResolvedLink(duplicate_of="d")), "SHORT_LINK", ended),
}
SCENES: dict[str, tuple[World, str, Scene]] = {
    "v2_removed": (World(), "VIDEO", removed),
    "v2_declined": (World(), "VIDEO", declined),
    "v2_restricted": (World(), "VIDEO", noted),
    "v2_silence": (World(policy=PlatformPolicy(renotice_limit=1)), "VIDEO", ended),
    "v2_duplicate": (World(link=ResolvedLink(duplicate_of="d")), "SHORT_LINK", ended),
    "v2_refused": (World(send_failures=[contracts.ERROR_REFUSED]), "VIDEO", ended),
    "v2_gone_before_notice": (World(availability=["NOT_FOUND"]), "VIDEO", ended),
    "v2_reviewed_and_withdrawn": (World(assessment=UNSURE), "VIDEO", reviewed_and_withdrawn),
    "v2_review_late": (World(assessment=UNSURE), "VIDEO", review_late),
    "v2_hold_released": (World(assessment=UNSURE), "VIDEO", hold_released),
    "v2_hold_expired": (World(assessment=UNSURE), "VIDEO", hold_expired),
    "v2_hold_renewed_and_withdrawn": (
        World(assessment=UNSURE), "VIDEO", hold_renewed_and_withdrawn
    ),
    "v2_hold_too_late": (World(), "VIDEO", hold_too_late),
    "v2_clarified": (World(), "VIDEO", clarified),
    "v2_clarified_late": (World(), "VIDEO", clarified_late),
    "v2_contradicted": (World(), "VIDEO", contradicted),
    "v2_claimed_again": (World(), "VIDEO", claimed_again),
    "v2_reappeared": (World(), "VIDEO", reappeared),
    "v2_reversed": (World(), "VIDEO", reversed_),
    "v2_escalated": (World(unreachable=4), "VIDEO", escalated),
    "v2_lapsed": (World(), "VIDEO", lapsed),
    "v2_seen_gone": (World(), "VIDEO", seen_gone),
    "v2_sent_on": (World(send_failures=["UNAVAILABLE"] * 6), "VIDEO", sent_on),
}  # fmt: skip
# Since version 3 what is settled is not reminded of, and what is late is while a notice is sent.
THIRD_SCENES: dict[str, tuple[World, str, Scene]] = {
    "v3_settled": (World(), "VIDEO", settled),
    "v3_sent_late": (World(policy=PlatformPolicy(renotice_limit=1)), "VIDEO", sent_late),
    "v3_review_late": (World(assessment=UNSURE), "VIDEO", review_late),
    "v3_escalated": (World(unreachable=4), "VIDEO", escalated),
}


async def record(name: str, version: int, world: World, kind: str, scene: Scene) -> None:
    environment = await WorkflowEnvironment.start_time_skipping(
        test_server_existing_path=str(BIN / "temporal-test-server")
    )
    async with environment, serving(environment, world, "record", CACHED, "tiktok"):
        await environment.sleep(FRIDAY - await environment.get_current_time())
        start = StartReferral(
            str(uuid.uuid4()), "tiktok", kind, "ROUTINE", test=True, version=version
        )
        handle = await environment.client.start_workflow(
            contracts.WORKFLOW, start, id=contracts.workflow_id(start.referral_id),
            task_queue="record", result_type=str,
        )  # fmt: skip
        await scene(Play(world, handle, environment))
        history = await handle.fetch_history()
    # Stack traces name folders of the machine that recorded them: cut to what is ours.
    text = history.to_json().replace(f"{BIN.parents[1]}/", "")
    (HISTORIES / f"{name}.json").write_text(text + "\n", encoding="utf-8")


async def main() -> int:
    HISTORIES.mkdir(exist_ok=True)
    for version, scenes in ((1, FIRST_SCENES), (2, SCENES), (3, THIRD_SCENES)):
        for name, (world, kind, scene) in scenes.items():
            if not (HISTORIES / f"{name}.json").exists():
                await record(name, version, world, kind, scene)
    return 0


if __name__ == "__main__":
    sys.exit(asyncio.run(main()))
