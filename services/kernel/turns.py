"""Long work on a server's one event loop, done so that others have their turn in between."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import TypeVar

Given = TypeVar("Given")
Made = TypeVar("Made")


async def in_turns(
    given: Sequence[Given], make: Callable[[Given], Made], at_once: int
) -> list[Made]:
    """What ``make`` makes of each, in order; after every ``at_once`` others go on.

    Raises:
        ValueError: ``at_once`` is below one.
    """
    if at_once < 1:
        raise ValueError(f"at_once is {at_once}; it is at least 1")
    made: list[Made] = []
    for start in range(0, len(given), at_once):
        if start:
            await asyncio.sleep(0)
        made += [make(one) for one in given[start : start + at_once]]
    return made
