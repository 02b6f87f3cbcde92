"""What works behind an accepted referral gives way to accepting."""

from __future__ import annotations

import sys
from pathlib import Path

import psutil
import pytest

from infra.local.layout import Layout
from infra.local.processes import Process, Spec
from infra.local.stack import Stack


def test_accepting_gives_way_to_nobody_and_all_else_equally(tmp_path: Path) -> None:
    """Temporal ahead of its worker would make a referral cost a quarter more."""
    processes = Stack(Layout.prepare(tmp_path)).processes
    ours = {name: process.spec.niceness for name, process in processes.items()}
    assert {name for name, niceness in ours.items() if not niceness} == {"postgres", "intake"}
    assert len(set(ours.values())) == 2
    told = Stack(Layout.prepare(tmp_path), gives_way=False).processes
    assert {process.spec.niceness for process in told.values()} == {0}


@pytest.mark.parametrize("niceness", [0, 10])
def test_a_process_gives_way_as_far_as_its_spec_says(tmp_path: Path, niceness: int) -> None:
    process = Process(
        Spec("any", [sys.executable, "-c", "import signal; signal.pause()"], niceness=niceness),
        tmp_path, tmp_path,
    )  # fmt: skip
    before = psutil.Process().nice()
    process.start()
    try:
        assert process.pid is not None
        assert psutil.Process(process.pid).nice() == max(before, niceness)
        # Where the kernel shares out by session, that alone would count inside the session only.
        group = Path(f"/proc/{process.pid}/autogroup")
        if group.exists():
            wanted = max(before, niceness) if niceness else 0
            assert group.read_text("ascii").split()[-1] == str(wanted)
    finally:
        process.terminate()
        process.wait(10)
