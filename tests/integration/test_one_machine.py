"""What answers the workflows gives way to accepting a referral and to carrying it."""

from __future__ import annotations

import sys
from pathlib import Path

import psutil
import pytest

from infra.local.layout import Layout
from infra.local.processes import Process, Spec
from infra.local.stack import Stack


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


def test_what_accepts_and_carries_a_referral_gives_way_to_nobody(tmp_path: Path) -> None:
    processes = Stack(Layout.prepare(tmp_path)).processes
    ours = {name: process.spec.niceness for name, process in processes.items()}
    assert {name for name, niceness in ours.items() if not niceness} == {
        "postgres", "temporal", "intake", "worker",
    }  # fmt: skip
    assert len(set(ours.values())) == 2
