"""From corpus items to the matrices that models are fitted on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from services.classification import features, heads
from services.classification.domain import AssessmentInput
from services.classification.engine import RuleEngine
from services.classification.training.corpus import REFERENCE, Item

# A fact that fewer texts show is left out: it would be learnt by heart.
_FEWEST: Final = 3


@dataclass(frozen=True, slots=True)
class Read:
    """One item as the models see it."""

    item: Item
    original: str
    words: list[str]
    facts: dict[str, float]


def read(items: Sequence[Item], rules: RuleEngine) -> list[Read]:
    found = []
    for item in items:
        reading = rules.read(AssessmentInput(item.id, item.text, REFERENCE))
        facts = features.facts(
            reading.text.original, reading.signals, reading.entities, reading.scores
        )
        words = features.words(reading.text.tokens)
        found.append(Read(item, reading.text.original, words, facts))
    return found


def fact_names(texts: Sequence[Read]) -> list[str]:
    """The facts that enough texts show, in order."""
    counts: dict[str, int] = {}
    for text in texts:
        for name in text.facts:
            counts[name] = counts.get(name, 0) + 1
    return sorted(name for name, count in counts.items() if count >= _FEWEST)


def fact_matrix(texts: Sequence[Read], names: Sequence[str]) -> NDArray[np.float64]:
    """Texts by facts."""
    places = {name: place for place, name in enumerate(names)}
    matrix = np.zeros((len(texts), len(names)))
    for row, text in enumerate(texts):
        for name, value in text.facts.items():
            if name in places:
                matrix[row, places[name]] = value
    return matrix


def labels(texts: Sequence[Read]) -> NDArray[np.float64]:
    """Texts by heads, 0 or 1, in the order of ``heads.NAMES``."""
    matrix = np.zeros((len(texts), heads.SIZE))
    for row, text in enumerate(texts):
        item = text.item
        named = {f"act:{item.speech_act.value}"}
        named |= {f"category:{category.value}" for category in item.categories}
        named |= {f"hook:{hook.value}" for hook in item.hooks}
        if item.advert:
            named.add("advert")
        for place, name in enumerate(heads.NAMES):
            matrix[row, place] = name in named
    return matrix


def shown(matrix: NDArray[Any]) -> NDArray[np.float16]:
    """As it is saved: half precision, which also swallows the last digit's noise."""
    return matrix.astype(np.float16)
