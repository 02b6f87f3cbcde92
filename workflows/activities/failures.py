"""How a failed call becomes an activity failure: what is retried, when, and what never is."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress

import grpc
from temporalio import activity
from temporalio.exceptions import ApplicationError, ApplicationErrorCategory

from services.kernel.errors import DomainError, ErrorKind
from services.kernel.grpc_errors import from_rpc_error
from workflows import contracts

# What repeating the same call cannot mend.
_FINAL = frozenset(
    {
        ErrorKind.INVALID,
        ErrorKind.FAILED_PRECONDITION,
        ErrorKind.PERMISSION_DENIED,
        ErrorKind.ALREADY_EXISTS,
    }
)

# Seconds; well within the workflow's heartbeat timeout.
BEAT = 2.0


@asynccontextmanager
async def beating(so_far: Callable[[], object] | None = None) -> AsyncIterator[None]:
    """Heartbeats while the work goes on, so that a worker's death is noticed in seconds and not
    only when the activity's own deadline has passed. ``so_far`` tells the next attempt what was
    done."""

    async def beat() -> None:
        while True:
            await asyncio.sleep(BEAT)
            activity.heartbeat(*(() if so_far is None else (so_far(),)))

    task = asyncio.create_task(beat())
    try:
        yield
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


def notice_failure(error: grpc.aio.AioRpcError) -> ApplicationError:
    """A notice that the adapter will never send is refused; anything else is tried again."""
    failure = from_rpc_error(error)
    if failure.kind in _FINAL:
        return ApplicationError(failure.message, type=contracts.ERROR_REFUSED, non_retryable=True)
    return again(failure)


def call_failure(error: grpc.aio.AioRpcError) -> ApplicationError:
    """A failed call to one of our own services: always tried again."""
    return again(from_rpc_error(error))


def again(failure: DomainError) -> ApplicationError:
    """Retried after what the callee asked for; benign when it merely asked us to wait.

    The reason alone travels: a message could hold content and would stay in the history.
    """
    busy = failure.retry_after is not None
    return ApplicationError(
        f"{failure.kind} {failure.reason}",
        type=failure.reason,
        next_retry_delay=failure.retry_after,
        category=ApplicationErrorCategory.BENIGN if busy else ApplicationErrorCategory.UNSPECIFIED,
    )
