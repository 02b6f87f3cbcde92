"""A stack that stands by itself: what ``up``, ``down`` and ``status`` do, and its two guards.

A supervisor starts again whatever dies; a keeper starts the supervisor again, and the
supervisor the keeper, so that a kill -9 of anything leaves the stack standing.
"""

from __future__ import annotations

import json
import signal
import sys
import time
from pathlib import Path

from infra.local.layout import Layout
from infra.local.processes import Process, Spec
from infra.local.stack import Stack
from infra.local.words import addresses, table

_PATIENCE = 90.0


def guard(root: Path, role: str) -> Process:
    """The supervisor or the keeper as a process that can be found, started and stopped."""
    command = [sys.executable, "-m", "infra.local", role, "--root", str(root)]
    folder = root / "run" / "guards"
    folder.mkdir(parents=True, exist_ok=True)
    return Process(Spec(role, command), folder, root / "logs")


def up(root: Path, time_scale: float | None) -> int:
    layout = Layout.prepare(root, time_scale=time_scale)
    (root / "run" / "up").unlink(missing_ok=True)
    stopping(root).unlink(missing_ok=True)
    supervisor = guard(root, "supervise")
    if not supervisor.alive():
        supervisor.start()
    until = time.monotonic() + _PATIENCE
    while not (root / "run" / "up").exists():
        if time.monotonic() > until or not supervisor.alive():
            sys.stderr.write(f"The stack did not come up; see {root}/logs/supervise.log\n")
            return 1
        time.sleep(0.1)
    sys.stdout.write(addresses(layout) + "\n")
    return 0


def stopping(root: Path) -> Path:
    """While this file exists no guard starts the other: the stack is being stopped."""
    return root / "run" / "stopping"


def down(root: Path) -> int:
    """Both guards are told before either is waited for, so that neither undoes it."""
    (root / "run").mkdir(parents=True, exist_ok=True)
    stopping(root).touch()
    guards = [guard(root, role) for role in ("keep", "supervise")]
    for process in guards:
        process.terminate()
    for process in guards:
        process.wait(_PATIENCE)
    (root / "run" / "up").unlink(missing_ok=True)
    # A supervisor that had been killed leaves its processes to us.
    if (root / "stack.json").exists() and any((root / "run").glob("*.json")):
        Stack(Layout.existing(root)).stop()
    sys.stdout.write("The stack is down; its data stays in " + str(root) + "\n")
    return 0


def status(root: Path, as_json: bool) -> int:
    try:
        stack = Stack(Layout.existing(root))
    except FileNotFoundError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    rows = [
        {"name": name, "state": "up" if process.ready() else "down", "pid": process.pid,
         "memory_mb": round(process.memory_mb())}
        for name, process in stack.processes.items()
    ]  # fmt: skip
    sys.stdout.write((json.dumps(rows) if as_json else table(rows)) + "\n")
    return 0 if all(row["state"] == "up" for row in rows) else 1


def supervise(root: Path) -> int:
    stop = _stop_flag()
    stack = Stack(Layout.existing(root), say=lambda line: print(line, flush=True))
    stack.start()
    (root / "run" / "up").touch()
    _each_other(root, "keep", stop)
    unclean = stack.unclean(stack.stop())
    print(f"stopped; not clean: {unclean or 'none'}", flush=True)
    return 1 if unclean else 0


def keep(root: Path) -> int:
    _each_other(root, "supervise", _stop_flag())
    return 0


def _each_other(root: Path, role: str, stop: list[int]) -> None:
    """Watch the other guard until we are told to stop."""
    while not stop:
        other = guard(root, role)
        if not other.alive() and not stopping(root).exists():
            other.start()
            time.sleep(1.0)
        time.sleep(0.3)


def _stop_flag() -> list[int]:
    told: list[int] = []
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda received, _: told.append(received))
    return told
