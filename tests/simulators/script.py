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
    """``after`` seconds from the notice (or from our answer, for steps that wait for one).

    ``do`` and what ``value`` is: page (its new state); acknowledge, claim, decide_remove, reverse;
    suspend (a removal with the account); decline (the reason); restrict (the countries); ask (the
    question); repeat (the place of an answer that comes a second time); stray (an acknowledgement
    of a notice that nobody sent).
    """

    after: float
    do: str
    value: str = ""


@dataclass(frozen=True)
class Due:
    """A step with its moment; ``place`` names it for good."""

    place: int
    at: float
    step: Step


@dataclass(frozen=True)
class Behaviour:
    """``steps`` by the number of the notice, ``answered`` once its question was answered;
    ``faults`` are answered to the first sends; ``slow`` is how long an accepted send is answered
    late, so that answers overtake it."""

    page: str = "available"
    steps: dict[int, tuple[Step, ...]] = field(default_factory=dict)
    answered: dict[int, tuple[Step, ...]] = field(default_factory=dict)
    faults: tuple[str, ...] = ()
    expects: str = "REMOVED"
    leads_to: str = ""
    slow: float = 0.0

    def page_state(self, accepted: dict[int, float], answered: dict[int, float], now: float) -> str:
        """The page at ``now``, given when each notice was accepted and its question answered."""
        state = self.page
        due = sorted(
            (item.at, item.step.value)
            for number, at in accepted.items()
            for item in self._plan(number, at, answered.get(number))
            if item.step.do == "page" and item.at <= now
        )
        for _, value in due:
            state = value
        return state

    def answers_due(
        self, number: int, accepted: float, answered: float | None, now: float
    ) -> list[Due]:
        """Every answer to this notice that is due."""
        return [
            item
            for item in self._plan(number, accepted, answered)
            if item.step.do != "page" and item.at <= now
        ]

    def finished(self, number: int, accepted: float, answered: float | None, now: float) -> bool:
        plan = self._plan(number, accepted, answered)
        waits = bool(self.answered.get(number)) and answered is None
        return bool(plan) and not waits and all(item.at <= now for item in plan)

    def _plan(self, number: int, accepted: float, answered: float | None) -> list[Due]:
        first = self.steps.get(number, ())
        plan = [Due(place, accepted + step.after, step) for place, step in enumerate(first)]
        if answered is not None:
            plan += [
                Due(place, answered + step.after, step)
                for place, step in enumerate(self.answered.get(number, ()), len(first))
            ]
        return plan


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
    return Behaviour(
        page=raw.get("page", "available"),
        steps=_steps(raw["steps"]) if "steps" in raw else DEFAULT.steps,
        answered=_steps(raw.get("answered", {})),
        faults=tuple(raw.get("faults", ())),
        expects=raw.get("expects", "REMOVED"),
        leads_to=raw.get("leads_to", ""),
        slow=float(raw.get("slow", 0.0)),
    )


def _steps(raw: dict[str, Any]) -> dict[int, tuple[Step, ...]]:
    return {
        int(number): tuple(Step(float(after), do, *rest) for after, do, *rest in found)
        for number, found in raw.items()
    }
