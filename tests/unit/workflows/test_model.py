"""C1: random lives through the workflow's own modules, against a small model of the record.

Events come duplicated, reordered, contradictory, late, early and while others are acted on. The
same model follows the real workflow on a Temporal server in ``tests/workflow/test_random_lives``.
"""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from typing import Any, Final

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.conftest import Figures
from tests.unit.workflows.lives import Life
from tests.unit.workflows.model import Model
from workflows import contracts
from workflows.contracts import StartReferral
from workflows.lifecycle import State, is_legal

STEPS: Final = 10_000
REFERRAL: Final = "0192f0a0-0000-7000-8000-000000000001"
PEOPLE: Final = frozenset({State.IN_REVIEW, State.CLARIFICATION_REQUESTED})
SILENCE: Final = {
    "who": "nobody", "how far time goes": 1.0,
    "something comes while it looks": False, "an answer overtakes the sending": False,
    "somebody takes the reminder": True,
}  # fmt: skip


class Dice:
    """Answers every question of a life by chance; once ``silent``, as if nobody spoke again."""

    def __init__(self, seed: int) -> None:
        self._chance = random.Random(seed)
        self._at_last = self._chance.choice(("AVAILABLE", "REMOVED"))
        self.silent = False

    def __call__(self, question: str, among: tuple[Any, ...]) -> Any:
        if self.silent and question == "look":
            return self._at_last
        if self.silent and question in SILENCE:
            return SILENCE[question]
        return self._chance.choice(among)


async def live(seed: int, version: int = contracts.VERSION) -> tuple[Life, Model]:
    """One life to its end, or until it waits for a person; every recorded event is checked."""
    dice, model = Dice(seed), Model()
    kind = dice("kind", ("VIDEO", "VIDEO", "ACCOUNT", "SHORT_LINK"))
    start = StartReferral(REFERRAL, "tiktok", kind, "ROUTINE", test=True, version=version)
    life = Life(dice, start)
    await life.live(40)
    dice.silent = True
    await life.live(400)
    before = State.RECEIVED
    for event in life.record[1:]:
        model.see(event.type, event.state, event.detail)
        after = State(event.state)
        assert after is before or is_legal(before, after)
        before = after
    return life, model


def lives(seeds: list[int]) -> Counter[str]:
    """Steps seen and outcomes reached over many lives.

    Raises:
        AssertionError: a divergence, an illegal transition, or a life that is stuck.
    """
    seen: Counter[str] = Counter()
    for seed in seeds:
        life, model = asyncio.run(live(seed))
        progress = life.progress
        assert progress.state is State.CLOSED or progress.state in PEOPLE, f"stuck: seed {seed}"
        assert model.state == progress.state
        assert model.outcome == progress.outcome
        assert len(set(life.sent)) == model.notices, "a notice that the record does not know"
        seen["steps"] += model.seen
        seen[progress.outcome or str(progress.state)] += 1
    return seen


@pytest.mark.faults
def test_ten_thousand_steps_of_random_lives_never_leave_the_model(
    long: bool, figures: Figures
) -> None:
    seen: Counter[str] = Counter()
    seed = 0
    while seen["steps"] < (20 * STEPS if long else STEPS):
        seen += lives(list(range(seed, seed + 25)))
        seed += 25
    for outcome in ("REMOVED", "DECLINED", "RESTRICTED", "WITHDRAWN", "NO_RESPONSE", "REJECTED"):
        assert seen[outcome] > 0, f"no life ended as {outcome}: {seen}"
    figures("C1", lives=seed, divergences=0, illegal=0, stuck=0, **seen)


@settings(max_examples=100, deadline=None)
@given(seed=st.integers(10**6, 2**32))
def test_any_life_keeps_to_the_model(seed: int) -> None:
    lives([seed])
