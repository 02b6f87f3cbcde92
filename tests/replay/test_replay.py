"""Histories that ran once must replay for ever, and a replay must be able to fail."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from temporalio.api.enums.v1 import EventType
from temporalio.client import WorkflowHistory
from temporalio.worker import Replayer
from temporalio.worker.workflow_sandbox import SandboxedWorkflowRunner
from temporalio.workflow import NondeterminismError

from tests.fakes.changed import ChangedWorkflow
from tests.replay.prefixes import told
from workflows.referral import ReferralWorkflow
from workflows.worker import SANDBOX

HISTORIES = sorted(Path(__file__).with_name("histories").glob("*.json"))
# Values that stand for content: none of them may be in any history.
CANARIES = ("http", "www.", "+44", "whatsapp", "@")


def test_there_are_histories() -> None:
    assert len(HISTORIES) >= 25


def read(path: Path) -> WorkflowHistory:
    return WorkflowHistory.from_json(path.stem, path.read_text(encoding="utf-8"))


def replayer() -> Replayer:
    return Replayer(
        workflows=[ReferralWorkflow],
        workflow_runner=SandboxedWorkflowRunner(restrictions=SANDBOX),
    )


@pytest.mark.parametrize("path", HISTORIES, ids=lambda path: path.stem)
async def test_a_recorded_history_replays(path: Path) -> None:
    await replayer().replay_workflow(read(path))


@pytest.mark.parametrize("name", ["v3_settled", "v3_escalated", "v2_hold_renewed_and_withdrawn"])
async def test_what_a_history_tells_replays_whatever_task_is_under_way(name: str) -> None:
    history = read(Path(__file__).with_name("histories") / f"{name}.json")
    begun = [
        place
        for place, event in enumerate(history.events)
        if event.event_type == EventType.EVENT_TYPE_WORKFLOW_TASK_STARTED
    ]
    assert len(begun) >= 5
    for place in begun[1:]:
        known = told(WorkflowHistory(history.workflow_id, history.events[: place + 1]))
        assert known.events[-1].event_id < history.events[place].event_id
        async with asyncio.timeout(30):
            await replayer().replay_workflow(known)


@pytest.mark.parametrize("path", HISTORIES, ids=lambda path: path.stem)
async def test_a_careless_change_is_caught(path: Path) -> None:
    history = read(path)
    with pytest.raises(NondeterminismError):
        await Replayer(workflows=[ChangedWorkflow]).replay_workflow(history)


@pytest.mark.parametrize("path", HISTORIES, ids=lambda path: path.stem)
def test_a_history_holds_no_content(path: Path) -> None:
    history = read(path)
    payloads = b"".join(
        payload.data
        for event in history.events
        for payload in event.workflow_execution_started_event_attributes.input.payloads
    )
    assert not [canary for canary in CANARIES if canary.encode() in payloads.lower()]
