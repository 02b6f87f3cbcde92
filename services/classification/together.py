"""Many texts at once: the same step for all of them, and then the next.

A step's code and words stay in the processor's nearest memory while it is done many times over: on
the texts of the test split that takes a quarter less time than text by text (docs/performance.md).
"""

from __future__ import annotations

import gc
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import Final

from services.classification import decision
from services.classification.domain import MAX_TEXT, AssessmentInput, AssessmentResult

# More gain nothing. Whatever they are, a group's texts take no more memory than the longest one.
MOST: Final = 64
_CHARACTERS: Final = MAX_TEXT
# New objects between two of the garbage collector's rounds (700 unless told): a group makes some
# hundred thousand, and nearly all of them go without it.
_YOUNG: Final = 5_000


def collect_seldom() -> None:
    """For a process that does nothing else: look less often through what is new for garbage.

    What is loaded is kept out of the rounds by ``kernel.process.settle``, when it is ready.
    """
    gc.set_threshold(_YOUNG)


def assessed(
    items: Sequence[AssessmentInput],
    assess: Callable[[Sequence[AssessmentInput]], list[AssessmentResult]],
) -> list[AssessmentResult]:
    """As ``in_groups``, as far as pictures may decide."""
    return in_groups(items, partial(decision.with_pictures, assess=assess))


def in_groups(
    items: Sequence[AssessmentInput],
    assess: Callable[[Sequence[AssessmentInput]], list[AssessmentResult]],
) -> list[AssessmentResult]:
    """What ``assess`` says of all, in order; it is handed one group at a time."""
    return [result for group in _groups(items) for result in assess(group)]


def _groups(items: Sequence[AssessmentInput]) -> Iterator[Sequence[AssessmentInput]]:
    start, length = 0, 0
    for index, item in enumerate(items):
        size = len(item.text) + len(item.picture_text)
        if index > start and (index - start == MOST or length + size > _CHARACTERS):
            yield items[start:index]
            start, length = index, 0
        length += size
    if items:
        yield items[start:]
