"""Every fault test at full length: ``python -m tests.faults [pytest's own arguments]``.

A fault test is any test marked ``faults``; it asks the ``long`` fixture how far to go and
publishes what it found with the ``figures`` fixture, in ``build/faults/<id>.json``.
"""

from __future__ import annotations

import shutil
import sys

import pytest

from tests.faults import FIGURES


def main(arguments: list[str]) -> int:
    if not arguments:
        # A whole run publishes a whole set; a part of it adds to what is there.
        shutil.rmtree(FIGURES, ignore_errors=True)
    return int(pytest.main(["-m", "faults", "--long", "-q", *arguments]))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
