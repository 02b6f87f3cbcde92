"""How a workflow that sweeps over many referrals calls its activities."""

from __future__ import annotations

from datetime import timedelta
from typing import Any, TypeVar

from temporalio import workflow
from temporalio.common import RetryPolicy

CALL_DEADLINE = timedelta(seconds=30)
_HEARTBEAT = timedelta(seconds=10)
_RETRY = RetryPolicy(initial_interval=timedelta(seconds=1), maximum_interval=timedelta(seconds=30))
# Whatever is away for so long is found by the next run.
_PATIENCE = timedelta(hours=1)

T = TypeVar("T")


async def call(
    activity: str, request: Any, kind: type[T], deadline: timedelta = CALL_DEADLINE
) -> T:
    """Its answer, tried again while the patience lasts; without a ``request`` no argument."""
    answer: T = await workflow.execute_activity(
        activity,
        args=[] if request is None else [request],
        result_type=kind,
        start_to_close_timeout=deadline,
        heartbeat_timeout=_HEARTBEAT,
        schedule_to_close_timeout=_PATIENCE,
        retry_policy=_RETRY,
    )
    return answer
