"""What every process does at its beginning and its end, whether it serves or not.

Kept apart from the server, so that one that serves nothing loads nothing of a server.
"""

from __future__ import annotations

import asyncio
import gc
import os
import signal
import sys
from collections.abc import Coroutine, Sequence
from contextvars import ContextVar
from pathlib import Path
from typing import Any, Final

import structlog
import uvloop

from services.kernel.grpc_errors import origin

# Set by ``run`` before main begins, so that a signal during start-up is a stop as well.
_STOP: Final[ContextVar[asyncio.Event | None]] = ContextVar("takedown_stop", default=None)
_log = structlog.get_logger("process")


def write_ready(ready_file: Path, port: int) -> None:
    """Tell whoever started us that we serve, and where: atomically."""
    draft = ready_file.with_suffix(".new")
    draft.write_text(f"{port}\n", encoding="ascii")
    draft.replace(ready_file)


def settle() -> None:
    """Keep what a process has loaded by now out of the garbage collector's rounds.

    A full round went through all of it and held up every call for 60 ms. Only in a process of
    ``run``'s: elsewhere others are to be collected.
    """
    if _STOP.get() is not None:
        gc.collect()
        gc.freeze()


def stop_event() -> asyncio.Event:
    """The event that SIGTERM and SIGINT set: the one of ``run``, or a new one outside it."""
    stop = _STOP.get() or asyncio.Event()
    _on_signals(stop)
    return stop


def _on_signals(stop: asyncio.Event) -> None:
    """Set ``stop`` on SIGTERM and SIGINT, however often they come."""
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)


async def until_stopped(stop: asyncio.Event, workers: Sequence[asyncio.Task[None]]) -> int:
    """0 when a signal came; 1 when background work ended first, which it never should."""
    waiting = asyncio.create_task(stop.wait())
    done, _ = await asyncio.wait([waiting, *workers], return_when=asyncio.FIRST_COMPLETED)
    if waiting in done:
        return 0
    waiting.cancel()
    for task in done:
        failure = task.exception()
        place = origin(failure) if failure is not None else ""
        _log.error("background_work_died", type=type(failure).__name__, where=place)
    return 1


def run(main: Coroutine[Any, Any, int]) -> None:
    """Run a main to its end and leave with its status; 1, with a log line, if it fails.

    On libuv's event loop, which costs a tenth less processor time a referral (decision 27).
    The process leaves from inside the event loop, when all that main opened is closed.
    Finalising the interpreter can abort it (exit 134, 139) while the gRPC and Temporal cores still
    hold threads (21 of 80 processes that only asked a Temporal server something and ended), and
    closing the loop takes the signal handlers off, so that one more SIGTERM would end a clean stop
    with -15.
    """
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(_to_the_exit(main))


async def _to_the_exit(main: Coroutine[Any, Any, int]) -> None:
    _STOP.set(stop_event())
    try:
        status = await main
    except Exception as error:
        # The type and the place: a message may hold content or a secret.
        _log.critical("failed", type=type(error).__name__, where=origin(error))
        status = 1
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(status)
