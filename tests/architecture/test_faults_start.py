"""``make faults`` starts: its main hands over to the test runner before anything else is loaded."""

import subprocess
import sys
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[2]


def test_the_command_of_make_faults_collects() -> None:
    one = "tests/unit/kernel"
    command = [sys.executable, "-m", "tests.faults", "--collect-only", one]
    done = subprocess.run(
        command, cwd=REPOSITORY, capture_output=True, text=True, timeout=120, check=False
    )
    # 5: nothing in that folder is a fault test, so nothing was collected.
    assert done.returncode in (0, 5), done.stdout + done.stderr
