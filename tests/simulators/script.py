"""What a simulated platform does with each item: scripted per content, a function of time.

Nothing here is remembered: the state of a page and the answers that are due follow from
when the notice was accepted, so a simulator that was killed goes on where it was.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

GONE = ("removed", "author_deleted", "suspended", "not_found")


@dataclass(frozen=True)
class Step:
    """``after`` seconds from the notice. ``do``: acknowledge, decide_remove, claim, page,
    decline or restrict; ``value`` is the page's new state, the reason or the countries."""

    after: float
    do: str
    value: str = ""


@dataclass(frozen=True)
class Behaviour:
    """``steps`` by the number of the notice; ``faults`` are answered to the first sends."""

    page: str = "available"
    steps: dict[int, tuple[Step, ...]] = field(default_factory=dict)
    faults: tuple[str, ...] = ()
    expects: str = "REMOVED"
    leads_to: str = ""

    def page_state(self, accepted: dict[int, float], now: float) -> str:
        """The page at ``now``, given when each notice number was accepted."""
        state = self.page
        due = sorted(
            (at + step.after, step.value)
            for number, at in accepted.items()
            for step in self.steps.get(number, ())
            if step.do == "page" and at + step.after <= now
        )
        for _, value in due:
            state = value
        return state

    def answers_due(self, number: int, accepted: float, now: float) -> list[tuple[int, Step]]:
        """(place, step) of every answer to this notice that is due."""
        return [
            (place, step)
            for place, step in enumerate(self.steps.get(number, ()))
            if step.do != "page" and accepted + step.after <= now
        ]

    def finished(self, number: int, accepted: float, now: float) -> bool:
        steps = self.steps.get(number, ())
        return bool(steps) and all(accepted + step.after <= now for step in steps)


DEFAULT = Behaviour(
    steps={
        1: (
            Step(0.3, "acknowledge"),
            Step(1.0, "page", "removed"),
            Step(1.0, "decide_remove"),
            Step(1.2, "claim"),
        )
    }
)


class Script:
    """Behaviours by ``platform/key``, the key being the content id or the account."""

    def __init__(self, behaviours: dict[str, Behaviour]) -> None:
        self._behaviours = behaviours

    @classmethod
    def read(cls, path: Path) -> Script:
        raw = json.loads(path.read_text(encoding="utf-8"))
        return cls({key: _behaviour(value) for key, value in raw.items()})

    def find(self, platform: str, key: str) -> Behaviour:
        fallback = self._behaviours.get(f"{platform}/*", DEFAULT)
        return self._behaviours.get(f"{platform}/{key.lower()}", fallback)

    def expectations(self) -> dict[str, str]:
        return {key: found.expects for key, found in self._behaviours.items()}


def _behaviour(raw: dict[str, Any]) -> Behaviour:
    steps = {
        int(number): tuple(Step(float(after), do, *rest) for after, do, *rest in found)
        for number, found in raw.get("steps", {}).items()
    }
    return Behaviour(
        page=raw.get("page", "available"),
        steps=steps if "steps" in raw else DEFAULT.steps,
        faults=tuple(raw.get("faults", ())),
        expects=raw.get("expects", "REMOVED"),
        leads_to=raw.get("leads_to", ""),
    )
