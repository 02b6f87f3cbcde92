"""Records the histories beside it: ``python -m tests.replay.record``. Run it for a new path
only; a recorded history is never recorded again, since old ones must go on replaying."""

from __future__ import annotations

import asyncio
import sys
import uuid
from collections.abc import Awaitable, Callable
from pathlib import Path

from temporalio.testing import WorkflowEnvironment

from tests.workflow.conftest import BIN, CACHED, Play, serving
from tests.workflow.world import UNSURE, World
from workflows import contracts
from workflows.contracts import PlatformPolicy, ResolvedLink, StartReferral

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


SCENES: dict[str, tuple[World, str, Scene]] = {
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


async def record(name: str, world: World, kind: str, scene: Scene) -> None:
    environment = await WorkflowEnvironment.start_time_skipping(
        test_server_existing_path=str(BIN / "temporal-test-server")
    )
    async with environment, serving(environment, world, "record", CACHED, "tiktok"):
        start = StartReferral(str(uuid.uuid4()), "tiktok", kind, "ROUTINE", test=True)
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
    for name, (world, kind, scene) in SCENES.items():
        if not (HISTORIES / f"{name}.json").exists():
            await record(name, world, kind, scene)
    return 0


if __name__ == "__main__":
    sys.exit(asyncio.run(main()))
