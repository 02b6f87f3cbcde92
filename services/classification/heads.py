"""The questions that every trained model answers, and their answers' places in its output."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from services.classification.domain import Category, Hook, SpeechAct

ACTS: Final = tuple(SpeechAct)
CATEGORIES: Final = tuple(Category)
HOOKS: Final = tuple(Hook)
_ACTS: Final = slice(1, 1 + len(ACTS))
_CATEGORIES: Final = slice(_ACTS.stop, _ACTS.stop + len(CATEGORIES))
_HOOKS: Final = slice(_CATEGORIES.stop, _CATEGORIES.stop + len(HOOKS))
SIZE: Final = _HOOKS.stop
# The names in the order of the output, as a model file states them: another order is refused.
NAMES: Final = (
    "advert",
    *(f"act:{act.value}" for act in ACTS),
    *(f"category:{category.value}" for category in CATEGORIES),
    *(f"hook:{hook.value}" for hook in HOOKS),
)
_FURTHEST: Final = 30.0


@dataclass(frozen=True, slots=True)
class Answers:
    """Log-odds of an advert, probabilities of the acts (they sum to one), categories, hooks."""

    advert: float
    acts: NDArray[np.float64]
    categories: NDArray[np.float64]
    hooks: NDArray[np.float64]


def answers(raw: NDArray[Any]) -> Answers:
    """Read one output of SIZE linear scores."""
    scores = np.minimum(np.maximum(raw.astype(np.float64), -_FURTHEST), _FURTHEST)
    acts = np.exp(scores[_ACTS] - np.maximum.reduce(scores[_ACTS]))
    apart = sigmoid(scores[_CATEGORIES.start :])
    return Answers(
        float(scores[0]),
        acts / np.add.reduce(acts),
        apart[: len(CATEGORIES)],
        apart[len(CATEGORIES) :],
    )


def mixed(first: Answers, second: Answers, share: float) -> Answers:
    """``share`` of the second and the rest of the first; its log-odds are the second's."""
    rest = 1.0 - share
    return Answers(
        second.advert,
        rest * first.acts + share * second.acts,
        rest * first.categories + share * second.categories,
        rest * first.hooks + share * second.hooks,
    )


def probability(log_odds: float) -> float:
    return 1.0 / (1.0 + math.exp(-max(-_FURTHEST, min(_FURTHEST, log_odds))))


def sigmoid(scores: NDArray[np.float64]) -> NDArray[np.float64]:
    answer: NDArray[np.float64] = 1.0 / (1.0 + np.exp(-scores))
    return answer
