"""The one-machine stack: PostgreSQL, Temporal, every service and the simulated platforms.

What dies is started again. Services come up in any order and find each other.
"""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Container
from dataclasses import replace
from pathlib import Path
from typing import Final

from infra.local import access, configs, database
from infra.local.layout import PLATFORMS, REPOSITORY, Layout
from infra.local.processes import Process, Spec

SERVICES: Final = ("intake", "classification", "acknowledgement", "observation")
START_SECONDS: Final = 60.0
STOP_SECONDS: Final = 30.0
RENEW_SECONDS: Final = 600.0
# What works behind an accepted referral gives way to accepting, where all share a few processors.
# All of it equally: with Temporal ahead of its worker a referral cost a quarter more.
_GIVES_WAY: Final = 10
_ACCEPTS: Final = ("postgres", "intake")
# In benchmarks only, and said so: the dev server's own limits would be what is measured.
RAISED_LIMITS: Final = (
    "matching.rps=100000", "history.rps=100000", "frontend.rps=100000",
    "frontend.namespaceRPS=100000", "frontend.namespaceCount=100000",
    "history.persistenceMaxQPS=100000", "matching.persistenceMaxQPS=100000",
    "frontend.persistenceMaxQPS=100000",
)  # fmt: skip


class Stack:
    """Start, watch, stop. ``say`` is told one line per step.

    ``only`` names the processes of a part of the stack; None is the whole of it. With ``gives_way``
    everything behind accepting gives way to it, and to whatever else runs on the machine.
    """

    def __init__(
        self,
        layout: Layout,
        say: Callable[[str], None] = lambda _: None,
        only: Container[str] | None = None,
        gives_way: bool = True,
    ) -> None:
        self.layout = layout
        self._gives_way = gives_way
        self._say = say
        self._files = configs.write_all(layout)
        specs = [spec for spec in self._specs() if only is None or spec.name in only]
        self._processes = {spec.name: self._process(spec) for spec in specs}
        self._lock = threading.RLock()
        self._held: set[str] = set()
        self._stopping = threading.Event()
        self._watching: threading.Thread | None = None
        self._renewed = time.monotonic()

    @property
    def processes(self) -> dict[str, Process]:
        return self._processes

    def start(self) -> None:
        """Bring everything up.

        Raises:
            TimeoutError: something did not come up; its log says why.
        """
        postgres = self._processes["postgres"]
        if not postgres.alive():
            database.clear_stale_lock(self.layout)
            postgres.start()
        self._await("postgres", lambda: database.answers(self.layout))
        subprocess.run(
            [sys.executable, "-m", "infra.local.database", str(self.layout.root)],
            check=True,
            cwd=REPOSITORY,
        )
        self._say("PostgreSQL is up and every schema is current")
        self.watch()
        for name, process in self._processes.items():
            self._await(name, process.ready)
        access.write_profile(self.layout)
        self._say("every service is up")

    def watch(self) -> None:
        """From now on, start again whatever dies."""
        self._tick()
        self._watching = threading.Thread(target=self._watch, name="watch", daemon=True)
        self._watching.start()

    def stop(self) -> dict[str, int | None]:
        """SIGTERM to all, workers first and the database last; exit status by name."""
        self._stopping.set()
        if self._watching is not None:
            self._watching.join()
        statuses: dict[str, int | None] = {}
        for group in _stop_order(self._processes):
            for name in group:
                self._processes[name].terminate()
            for name in group:
                statuses[name] = self._processes[name].wait(STOP_SECONDS)
        return statuses

    def unclean(self, statuses: dict[str, int | None]) -> dict[str, int | None]:
        """The processes that did not stop cleanly."""
        return {
            name: status
            for name, status in statuses.items()
            if status not in (0, None) and self._processes[name].spec.clean_exit
        }

    def hold(self, name: str) -> None:
        """Stop one process and leave it down, for fault tests."""
        with self._lock:
            self._held.add(name)
            self._processes[name].terminate()
            self._processes[name].wait(STOP_SECONDS)

    def release(self, name: str) -> None:
        with self._lock:
            self._held.discard(name)

    def _watch(self) -> None:
        while not self._stopping.wait(0.1):
            self._tick()

    def _tick(self) -> None:
        with self._lock:
            for name, process in self._processes.items():
                if name in self._held or process.alive() or not process.due():
                    continue
                if name == "postgres":
                    database.clear_stale_lock(self.layout)
                if process.pid is not None:
                    process.restarts += 1
                    self._say(f"{name} died and is started again")
                process.start()
            if time.monotonic() - self._renewed > RENEW_SECONDS:
                self._renewed = time.monotonic()
                self._renew()

    def _renew(self) -> None:
        """New certificates where eight hours are left; their owners restart to take them up."""
        for name in self._processes:
            if name in ("postgres", "temporal"):
                continue
            _, renewed = self.layout.certificates(configs.identity_of(name))
            if renewed:
                configs.write_all(self.layout)
                self._processes[name].terminate()

    def _await(self, name: str, ready: Callable[[], bool]) -> None:
        until = time.monotonic() + START_SECONDS
        while not ready():
            if time.monotonic() > until:
                log = self.layout.root / "logs" / f"{name}.log"
                raise TimeoutError(f"{name} did not come up within a minute; see {log}")
            time.sleep(0.05)

    def _process(self, spec: Spec) -> Process:
        return Process(spec, self.layout.root / "run", self.layout.root / "logs")

    def _specs(self) -> list[Spec]:
        python = [sys.executable, "-m"]
        run = self.layout.root / "run"
        modules = {name: f"services.{name}" for name in SERVICES}
        modules |= {f"adapter_{slug}": "services.adapters" for slug in PLATFORMS}
        modules["worker"] = "workflows.worker"
        specs = [
            Spec("postgres", database.prepare(self.layout), user=database.system_user(),
                 stop_signal="SIGINT"),
            Spec("temporal", self._temporal(), clean_exit=False),
            Spec("simulator", [*python, "tests.simulators", "--config",
                 str(self._files["simulator"])], run / "simulator.ready"),
        ]  # fmt: skip
        for name, module in modules.items():
            command = [*python, module, "--config", str(self._files[name])]
            specs.append(Spec(name, command, run / f"{name}.ready"))
        if not self._gives_way:
            return specs
        return [
            spec if spec.name in _ACCEPTS else replace(spec, niceness=_GIVES_WAY) for spec in specs
        ]

    def _temporal(self) -> list[str]:
        ports = self.layout.ports
        command = [
            str(Path(sys.executable).with_name("temporal")), "server", "start-dev",
            "--ip", "127.0.0.1", "--port", str(ports["temporal"]),
            "--ui-ip", "127.0.0.1", "--ui-port", str(ports["temporal_ui"]),
            "--metrics-port", str(ports["temporal_metrics"]),
            "--db-filename", str(self.layout.root / "temporal.sqlite"),
            "--sqlite-pragma", "journal_mode=wal", "--sqlite-pragma", "synchronous=1",
            "--log-level", "warn", "--disable-config-env", "--disable-config-file",
        ]  # fmt: skip
        if self.layout.temporal_limits:
            for limit in RAISED_LIMITS:
                command += ["--dynamic-config-value", limit]
        return command


def _stop_order(processes: dict[str, Process]) -> list[list[str]]:
    ends = ("worker", "temporal", "postgres")
    middle = [name for name in processes if name not in ends]
    order = [["worker"], middle, ["temporal"], ["postgres"]]
    return [[name for name in group if name in processes] for group in order]


def environment_note() -> str:
    return f"{os.cpu_count()} cores, Python {sys.version.split()[0]}"
