"""Fault tests at full length, and where they publish what they found.

A leaf: whoever starts the test runner from here must not have loaded what it rewrites.
"""

from pathlib import Path
from typing import Final

FIGURES: Final = Path(__file__).resolve().parents[2] / "build" / "faults"
