"""A workflow records before it remembers: what happens when the task in between is lost."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from tests.workflow.world import World
from workflows.contracts import AppendRequest, StartReferral
from workflows.lifecycle import Event, State
from workflows.progress import EndedOnRecordError, Progress

NOW = datetime(2026, 11, 24, 10, tzinfo=UTC)


def fresh() -> Progress:
    return Progress.begin(StartReferral("r", "tiktok", "VIDEO", "ROUTINE", version=2))


async def append(world: World, progress: Progress) -> str:
    request = AppendRequest("r", list(progress.unrecorded))
    progress.unrecorded.clear()
    return (await world.append_events(request)).outcome


def assessed(progress: Progress) -> None:
    progress.record(NOW, "REVIEW_REQUESTED", by=Event.REVIEW_NEEDED)


def held(progress: Progress) -> None:
    progress.record(NOW, "HOLD_PLACED", by=Event.HOLD_PLACED)


async def test_the_same_step_again_records_nothing_twice() -> None:
    world = World()
    for _ in range(2):
        progress = fresh()
        assessed(progress)
        await append(world, progress)
    assert world.types() == ["REVIEW_REQUESTED"]


async def test_another_event_in_its_place_is_recorded_where_the_workflow_really_is() -> None:
    world = World()
    lost = fresh()
    assessed(lost)
    await append(world, lost)
    again = fresh()
    held(again)
    await append(world, again)
    assert world.types() == ["REVIEW_REQUESTED", "RESUMED", "HOLD_PLACED"]
    assert [e.state for e in world.ordered()] == ["IN_REVIEW", "RECEIVED", "ON_HOLD"]
    assert world.only_legal_transitions()


async def test_what_was_closed_on_record_stays_closed_and_the_workflow_accepts_it() -> None:
    world = World()
    lost = fresh()
    lost.record(NOW, "CLOSED", by=Event.WITHDRAWN, detail={"outcome": "OUTCOME_WITHDRAWN"})
    await append(world, lost)
    again = fresh()
    assessed(again)
    outcome = await append(world, again)
    assert outcome == "WITHDRAWN"
    assert [e.state for e in world.ordered()] == ["CLOSED", "CLOSED"]
    with pytest.raises(EndedOnRecordError):
        again.accept_the_end(outcome)
    assert (again.state, again.outcome) == (State.CLOSED, "WITHDRAWN")
