"""Records the histories that are not beside it yet (``python -m tests.replay.record``), and never
one again, since old ones must go on replaying."""

from __future__ import annotations

import asyncio
import sys
import uuid
from datetime import UTC, datetime
from pathlib import Path

from temporalio.testing import WorkflowEnvironment

from tests.replay import scenes
from tests.replay.scenes import Scene
from tests.workflow.conftest import BIN, CACHED, Play, serving
from tests.workflow.world import UNSURE, World
from workflows import contracts
from workflows.contracts import PlatformPolicy, ResolvedLink, StartReferral

# A notice sent on this Friday evening is late on Saturday; people are at work again on Monday.
FRIDAY = datetime(2027, 3, 5, 20, 0, tzinfo=UTC)
HISTORIES = Path(__file__).with_name("histories")
# Recorded by version 1 of the workflow, before it knew the whole life.
FIRST_SCENES: dict[str, tuple[World, str, Scene]] = {
    "removed": (World(), "VIDEO", scenes.removed),
    "declined": (World(), "VIDEO", scenes.declined),
    "restricted": (World(), "VIDEO", scenes.restricted),
    "reviewed_and_withdrawn": (World(assessment=UNSURE), "VIDEO", scenes.reviewed_and_withdrawn),
    "rejected": (World(assessment=UNSURE), "VIDEO", scenes.rejected),
    "silence": (World(policy=PlatformPolicy(renotice_limit=1)), "VIDEO", scenes.ended),
    "gone_before_notice": (World(availability=["NOT_FOUND"]), "VIDEO", scenes.ended),
    "refused": (World(send_failures=[contracts.ERROR_REFUSED]), "VIDEO", scenes.ended),
    "duplicate": (World(link=ResolvedLink(duplicate_of="d")), "SHORT_LINK", scenes.ended),
}
SCENES: dict[str, tuple[World, str, Scene]] = {
    "v2_removed": (World(), "VIDEO", scenes.removed),
    "v2_declined": (World(), "VIDEO", scenes.declined),
    "v2_restricted": (World(), "VIDEO", scenes.noted),
    "v2_silence": (World(policy=PlatformPolicy(renotice_limit=1)), "VIDEO", scenes.ended),
    "v2_duplicate": (World(link=ResolvedLink(duplicate_of="d")), "SHORT_LINK", scenes.ended),
    "v2_refused": (World(send_failures=[contracts.ERROR_REFUSED]), "VIDEO", scenes.ended),
    "v2_gone_before_notice": (World(availability=["NOT_FOUND"]), "VIDEO", scenes.ended),
    "v2_reviewed_and_withdrawn": (World(assessment=UNSURE), "VIDEO", scenes.reviewed_and_withdrawn),
    "v2_review_late": (World(assessment=UNSURE), "VIDEO", scenes.review_late),
    "v2_hold_released": (World(assessment=UNSURE), "VIDEO", scenes.hold_released),
    "v2_hold_expired": (World(assessment=UNSURE), "VIDEO", scenes.hold_expired),
    "v2_hold_renewed_and_withdrawn": (
        World(assessment=UNSURE), "VIDEO", scenes.hold_renewed_and_withdrawn
    ),
    "v2_hold_too_late": (World(), "VIDEO", scenes.hold_too_late),
    "v2_clarified": (World(), "VIDEO", scenes.clarified),
    "v2_clarified_late": (World(), "VIDEO", scenes.clarified_late),
    "v2_contradicted": (World(), "VIDEO", scenes.contradicted),
    "v2_claimed_again": (World(), "VIDEO", scenes.claimed_again),
    "v2_reappeared": (World(), "VIDEO", scenes.reappeared),
    "v2_reversed": (World(), "VIDEO", scenes.reversed_),
    "v2_escalated": (World(unreachable=4), "VIDEO", scenes.escalated),
    "v2_lapsed": (World(), "VIDEO", scenes.lapsed),
    "v2_seen_gone": (World(), "VIDEO", scenes.seen_gone),
    "v2_sent_on": (World(send_failures=["UNAVAILABLE"] * 6), "VIDEO", scenes.sent_on),
}  # fmt: skip
# Since version 3 what is settled is not reminded of, and what is late is while a notice is sent.
THIRD_SCENES: dict[str, tuple[World, str, Scene]] = {
    "v3_settled": (World(), "VIDEO", scenes.settled),
    "v3_sent_late": (World(policy=PlatformPolicy(renotice_limit=1)), "VIDEO", scenes.sent_late),
    "v3_review_late": (World(assessment=UNSURE), "VIDEO", scenes.review_late),
    "v3_escalated": (World(unreachable=4), "VIDEO", scenes.escalated),
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
    for version, table in ((1, FIRST_SCENES), (2, SCENES), (3, THIRD_SCENES)):
        for name, (world, kind, scene) in table.items():
            if not (HISTORIES / f"{name}.json").exists():
                await record(name, version, world, kind, scene)
    return 0


if __name__ == "__main__":
    sys.exit(asyncio.run(main()))
