"""What of an open workflow's history can be replayed."""

from __future__ import annotations

from temporalio.api.enums.v1 import EventType
from temporalio.api.history.v1 import HistoryEvent
from temporalio.client import WorkflowHistory


def told(history: WorkflowHistory) -> WorkflowHistory:
    """Up to the last task that was completed, and what it commanded.

    A task that is due or under way may begin with a local activity, whose result stands nowhere
    yet: a replayer waits for it for ever.
    """
    events = list(history.events)
    ended = [
        place
        for place, event in enumerate(events)
        if event.event_type == EventType.EVENT_TYPE_WORKFLOW_TASK_COMPLETED
    ]
    stop = ended[-1] + 1 if ended else 0
    while stop < len(events) and _commanded(events[stop]):
        stop += 1
    return WorkflowHistory(history.workflow_id, events[:stop])


def _commanded(event: HistoryEvent) -> bool:
    """Whether a completed task made it: such an event names the task."""
    attributes = getattr(event, event.WhichOneof("attributes") or "", None)
    return hasattr(attributes, "workflow_task_completed_event_id")
