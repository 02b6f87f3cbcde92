"""Long work in turns: everything is made, in order, and others go on in between."""

from __future__ import annotations

import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.kernel.turns import in_turns


@given(st.lists(st.integers(), max_size=50), st.integers(1, 60))
def test_everything_is_made_in_its_order(numbers: list[int], at_once: int) -> None:
    made = asyncio.run(in_turns(numbers, lambda number: number * 2, at_once))
    assert made == [number * 2 for number in numbers]


async def test_others_have_their_turn_after_every_few() -> None:
    seen: list[str] = []

    async def other() -> None:
        for _ in range(3):
            seen.append("other")
            await asyncio.sleep(0)

    def make(number: int) -> int:
        seen.append(str(number))
        return number

    waiting = asyncio.create_task(other())
    await in_turns(range(6), make, 2)
    await waiting
    assert seen == ["0", "1", "other", "2", "3", "other", "4", "5", "other"]


async def test_what_one_of_them_raises_ends_it() -> None:
    with pytest.raises(ZeroDivisionError):
        await in_turns([1, 0, 2], lambda number: 1 // number, 5)


async def test_no_turn_at_all_is_refused() -> None:
    with pytest.raises(ValueError, match="at least 1"):
        await in_turns([1], lambda number: number, 0)
