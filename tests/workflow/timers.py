"""Keeps what a test sends clear of a timer's end.

The test server that skips time refuses a workflow task which cancels a timer that fired while the
task was being worked on ("invalid history builder state for action"), and never gives the task out
again: the workflow stands still for good (temporalio/sdk-java, issues 2606 and 3088; open as of
1.40). A real server takes the cancellation. Between two skips this server's clock goes on with the
real one, so a busy machine is enough to bring the two together.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from temporalio.api.enums.v1 import EventType
from temporalio.client import WorkflowHandle
from temporalio.testing import WorkflowEnvironment

# Longer than a delivery and its workflow task take on a busy machine.
NEAR = timedelta(seconds=15)
BEYOND = timedelta(seconds=1)
# A workflow that sets timers seconds apart all the time would never be clear of them.
MOST_SKIPS = 20
ENDS = {
    EventType.EVENT_TYPE_TIMER_FIRED: "timer_fired_event_attributes",
    EventType.EVENT_TYPE_TIMER_CANCELED: "timer_canceled_event_attributes",
}


async def due(handle: WorkflowHandle[Any, Any]) -> list[datetime]:
    """When the timers of the present run that neither fired nor were cancelled will fire."""
    running: dict[str, datetime] = {}
    async for event in handle.fetch_history_events():
        if event.event_type == EventType.EVENT_TYPE_TIMER_STARTED:
            begun = event.timer_started_event_attributes
            running[begun.timer_id] = (
                event.event_time.ToDatetime(UTC) + begun.start_to_fire_timeout.ToTimedelta()
            )
        elif event.event_type in ENDS:
            running.pop(getattr(event, ENDS[event.event_type]).timer_id, None)
    return sorted(running.values())


async def keep_clear(environment: WorkflowEnvironment, handle: WorkflowHandle[Any, Any]) -> None:
    """Skip past every timer that would end while something is delivered now."""
    for _ in range(MOST_SKIPS):
        now = await environment.get_current_time()
        near = [moment for moment in await due(handle) if moment < now + NEAR]
        if not near:
            return
        await environment.sleep(max(near[-1] - now, timedelta()) + BEYOND)
    raise AssertionError(f"a timer ends within {NEAR} at any time: nothing can be delivered")
