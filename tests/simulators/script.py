"""What a simulated platform does with each item: scripted per content, a function of time.

Nothing here is remembered: the state of a page and the answers that are due follow from when the
notice was accepted and when questions were answered, which the ledger keeps, so a simulator that
was killed goes on where it was.

A script's ``steps`` are ``[after, do, value]`` per number of the notice. ``after`` counts seconds
from the notice; after an ``ask`` it counts from when that question was answered, and nothing that
stands behind the question happens before. ``do`` is one of:

- ``page`` (``value`` is the page's new state) and ``restore`` (the page is again what it was before
  the first notice), which show and say nothing;
- ``acknowledge``, ``claim``, ``decide_remove``, ``decline`` (reason), ``restrict`` (countries);
- ``suspend``: decided, and the whole account is suspended;
- ``ask`` (the question) and ``reverse``: the platform puts back what it had removed;
- ``repeat``: the answer before it once more, under the same event id;
- ``stray``: an acknowledgement of a notice that nobody knows.

So a lie is a ``claim`` with no ``page`` before it, an answer out of order a ``claim`` with a
smaller ``after`` than the ``acknowledge``, a late one comes after the decision that closes the
referral, and an early one goes with the fault ``slow:SECONDS``, which takes a notice at once and
says so later.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

GONE = ("removed", "author_deleted", "suspended", "not_found")
SHOWN: Final = frozenset({"page", "restore"})
SAID: Final = frozenset(
    {"acknowledge", "claim", "decide_remove", "decline", "restrict", "suspend", "ask", "reverse",
     "repeat", "stray"}
)  # fmt: skip
# When each question about one notice was answered, by the question's place among the steps.
Heard = Mapping[int, float]


@dataclass(frozen=True)
class Step:
    """``after`` seconds from the notice, or from the answer to the question before it."""

    after: float
    do: str
    value: str = ""


@dataclass(frozen=True)
class Due:
    """An answer that is due since ``at``, seconds since the epoch.

    ``place`` among the steps is its own; ``says`` is that of the answer whose words and event id
    it has: another one's for a repetition.
    """

    place: int
    says: int
    step: Step
    at: float


@dataclass(frozen=True)
class Behaviour:
    """``steps`` by the number of the notice; ``faults`` are answered to the first sends."""

    page: str = "available"
    steps: dict[int, tuple[Step, ...]] = field(default_factory=dict)
    faults: tuple[str, ...] = ()
    expects: str = "REMOVED"
    leads_to: str = ""

    def page_state(
        self, accepted: Mapping[int, float], now: float, heard: Mapping[int, Heard] | None = None
    ) -> str:
        """The page at ``now``, given when each notice number was accepted and what was heard."""
        changes = [
            (at, self.page if step.do == "restore" else step.value)
            for number, since in accepted.items()
            for _, step, at in self._happened(number, since, now, (heard or {}).get(number, {}))
            if step.do in SHOWN
        ]
        # Of changes at one moment the last one in the script counts.
        return sorted(changes, key=lambda change: change[0])[-1][1] if changes else self.page

    def answers_due(
        self, number: int, accepted: float, now: float, heard: Heard | None = None
    ) -> list[Due]:
        """Every answer to this notice that is due, in the order of the steps."""
        found: list[Due] = []
        for place, step, at in self._happened(number, accepted, now, heard or {}):
            if step.do == "repeat":
                original = next(due for due in reversed(found) if due.step.do != "repeat")
                found.append(Due(place, original.says, original.step, original.at))
            elif step.do in SAID:
                found.append(Due(place, place, step, at))
        return found

    def places(self, number: int) -> list[int]:
        """The place of every answer to this notice, those that may never come included."""
        steps = self.steps.get(number, ())
        return [place for place, step in enumerate(steps) if step.do in SAID]

    def finished(
        self, number: int, accepted: float, now: float, heard: Heard | None = None
    ) -> bool:
        """Whether nothing more will come; a platform that never answers is never finished."""
        happened = self._happened(number, accepted, now, heard or {})
        return bool(happened) and len(happened) == len(self.steps[number])

    def _happened(
        self, number: int, accepted: float, now: float, heard: Heard
    ) -> list[tuple[int, Step, float]]:
        """(place, step, when) of what has happened by ``now``."""
        found, since = [], accepted
        for place, step in enumerate(self.steps.get(number, ())):
            at = since + step.after
            if at <= now:
                found.append((place, step, at))
            if step.do == "ask":
                if place not in heard:
                    break
                since = heard[place]
        return found


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
        """Raises ValueError: a step does what no platform does."""
        raw = json.loads(path.read_text(encoding="utf-8"))
        return cls({key: _behaviour(value) for key, value in raw.items()})

    def find(self, platform: str, key: str) -> Behaviour:
        fallback = self._behaviours.get(f"{platform}/*", DEFAULT)
        return self._behaviours.get(f"{platform}/{key.lower()}", fallback)

    def expectations(self) -> dict[str, str]:
        return {key: found.expects for key, found in self._behaviours.items()}


def _behaviour(raw: dict[str, Any]) -> Behaviour:
    steps = {
        int(number): _steps([Step(float(after), do, *rest) for after, do, *rest in found])
        for number, found in raw.get("steps", {}).items()
    }
    return Behaviour(
        page=raw.get("page", "available"),
        steps=steps if "steps" in raw else DEFAULT.steps,
        faults=tuple(raw.get("faults", ())),
        expects=raw.get("expects", "REMOVED"),
        leads_to=raw.get("leads_to", ""),
    )


def _steps(steps: list[Step]) -> tuple[Step, ...]:
    said = False
    for step in steps:
        if step.do not in SHOWN | SAID:
            raise ValueError(f"a platform cannot {step.do!r}; it can {sorted(SHOWN | SAID)}")
        if step.do == "repeat" and not said:
            raise ValueError("there is no answer yet that could be repeated")
        if step.do == "ask" and not step.value:
            raise ValueError("a question is in words")
        said = said or step.do in SAID
    return tuple(steps)
