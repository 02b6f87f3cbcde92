"""One supervised process: started in a session of its own, found again after we die."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import time
from dataclasses import dataclass, field
from pathlib import Path

import psutil

from infra.local.layout import REPOSITORY, write_private

_SLOWEST_RESTART = 5.0
_CALM_AFTER = 10.0
# Seconds: a pid that was given out again belongs to a process born at another time.
_SAME_BIRTH = 0.5
_TRIES = 10
_PAUSE = 0.11


@dataclass(frozen=True)
class Spec:
    """What to run. ``clean_exit`` False where the program itself exits otherwise on SIGTERM."""

    name: str
    command: list[str]
    ready_file: Path | None = None
    user: str | None = None
    environment: dict[str, str] = field(default_factory=dict)
    stop_signal: str = "SIGTERM"
    clean_exit: bool = True
    # How far it gives way to others where processors are short: 0 not at all, 19 wholly.
    niceness: int = 0


class Process:
    """A spec and, while it runs, its process: our child, or one adopted by its record."""

    def __init__(self, spec: Spec, run: Path, logs: Path) -> None:
        self.spec = spec
        self._record = run / f"{spec.name}.json"
        self._log = logs / f"{spec.name}.log"
        self._child: subprocess.Popen[bytes] | None = None
        self._adopted: psutil.Process | None = self._find()
        self._started = 0.0
        self._pause = 0.0
        self.restarts = 0

    @property
    def pid(self) -> int | None:
        if self._child is not None:
            return self._child.pid
        return self._adopted.pid if self._adopted is not None else None

    def alive(self) -> bool:
        if self._child is not None:
            return self._child.poll() is None
        if self._adopted is not None:
            try:
                return self._adopted.is_running() and (
                    self._adopted.status() != psutil.STATUS_ZOMBIE
                )
            except psutil.NoSuchProcess:
                return False
        return False

    def ready(self) -> bool:
        """Running, and it has said so itself where it can."""
        return self.alive() and (self.spec.ready_file is None or self.spec.ready_file.exists())

    def due(self) -> bool:
        """Whether it may be started now: one that dies at once is started ever more slowly."""
        return time.monotonic() >= self._started + self._pause

    def start(self) -> None:
        if self.spec.ready_file is not None:
            self.spec.ready_file.unlink(missing_ok=True)
        calm = time.monotonic() - self._started > _CALM_AFTER
        self._pause = 0.2 if calm else min(max(self._pause, 0.1) * 2, _SLOWEST_RESTART)
        self._started = time.monotonic()
        with self._log.open("ab") as log:
            self._child = subprocess.Popen(
                self.spec.command,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                cwd="/" if self.spec.user else REPOSITORY,
                user=self.spec.user,
                env={**os.environ, **self.spec.environment},
                start_new_session=True,
            )
        self._adopted = None
        self._give_way(self._child.pid)
        self._remember(self._child.pid)

    def _give_way(self, pid: int) -> None:
        # At once: threads that it starts have the niceness of that moment.
        if self.spec.niceness:
            with contextlib.suppress(psutil.NoSuchProcess):
                process = psutil.Process(pid)
                # Never less than we give way ourselves: that only a superuser may.
                niceness = max(process.nice(), self.spec.niceness)
                process.nice(niceness)
                _give_way_as_a_session(pid, niceness)

    def terminate(self) -> None:
        if not self.alive():
            return
        import signal

        pid = self.pid
        if pid is not None:
            os.kill(pid, signal.Signals[self.spec.stop_signal])

    def wait(self, seconds: float) -> int | None:
        """The exit status (None when unknown); killed when it outlives ``seconds``."""
        status = None
        try:
            if self._child is not None:
                status = self._child.wait(seconds)
            elif self._adopted is not None:
                status = self._adopted.wait(seconds)
        except (subprocess.TimeoutExpired, psutil.TimeoutExpired):
            status = self.kill()
        self._record.unlink(missing_ok=True)
        if self.spec.ready_file is not None:
            self.spec.ready_file.unlink(missing_ok=True)
        return status

    def kill(self) -> int | None:
        if self._child is not None:
            self._child.kill()
            return self._child.wait()
        if self._adopted is not None and self._adopted.is_running():
            self._adopted.kill()
        return None

    def memory_mb(self) -> float:
        """Resident memory of the process alone."""
        pid = self.pid
        if pid is None:
            return 0.0
        try:
            return float(psutil.Process(pid).memory_info().rss) / 1_048_576
        except psutil.NoSuchProcess:
            return 0.0

    def _remember(self, pid: int) -> None:
        try:
            born = psutil.Process(pid).create_time()
        except psutil.NoSuchProcess:
            return
        write_private(self._record, json.dumps({"pid": pid, "born": born}))

    def _find(self) -> psutil.Process | None:
        """The process of an earlier supervisor: the same pid, born at the same time."""
        try:
            known = json.loads(self._record.read_text(encoding="utf-8"))
            process = psutil.Process(known["pid"])
            return process if abs(process.create_time() - known["born"]) < _SAME_BIRTH else None
        except (OSError, ValueError, KeyError, psutil.NoSuchProcess):
            return None


def _give_way_as_a_session(pid: int, niceness: int) -> None:
    """Give way to other sessions too.

    Where the kernel shares processors out by session (sched(7), autogroup), and every process of
    ours has one, its niceness counts only inside it; the session has one of its own.
    """
    group = Path(f"/proc/{pid}/autogroup")
    for _ in range(_TRIES):
        try:
            group.write_text(f"{niceness}\n", encoding="ascii")
        except BlockingIOError:
            # The kernel takes ten of these a second, of all users together.
            time.sleep(_PAUSE)
        except OSError:
            # No such grouping here, or the process is gone.
            return
        else:
            return
