"""What is asked for in requirements/*.in is locked: otherwise a fresh installation lacks it."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2] / "requirements"
_ASKED = re.compile(r"^([A-Za-z0-9][\w.-]*)", re.M)
_LOCKED = re.compile(r"^([a-z0-9][\w.-]*)==[^\n]*\\\n +--hash=sha256:", re.M)


def canonical(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def asked(name: str) -> set[str]:
    """Of this file and of those that it includes."""
    text = (ROOT / name).read_text("utf-8")
    found = {canonical(item) for item in _ASKED.findall(text)}
    for other in re.findall(r"^-r (\S+)", text, re.M):
        found |= asked(other)
    return found


@pytest.mark.parametrize("name", ["dev", "run"])
def test_every_requirement_is_locked_with_a_hash(name: str) -> None:
    locked = {canonical(item) for item in _LOCKED.findall((ROOT / f"{name}.txt").read_text())}
    wanted = asked(f"{name}.in")
    assert len(wanted) > 20
    assert sorted(wanted - locked) == []
