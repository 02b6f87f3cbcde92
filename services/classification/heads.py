"""The questions that every trained model answers, and their answers' places in its output."""

from __future__ import annotations

import math
from collections.abc import Iterable
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
    acts: tuple[float, ...]
    categories: tuple[float, ...]
    hooks: tuple[float, ...]


def answers(raw: NDArray[Any]) -> Answers:
    """Read one output of SIZE linear scores."""
    # Of so few numbers plain arithmetic takes a half of what arrays do.
    scores: list[float] = raw.tolist()
    if not -_FURTHEST <= min(scores) <= max(scores) <= _FURTHEST:
        scores = [max(-_FURTHEST, min(_FURTHEST, score)) for score in scores]
    most = max(scores[_ACTS])
    shares = [math.exp(act - most) for act in scores[_ACTS]]
    total = sum(shares)
    return Answers(
        scores[0],
        tuple([share / total for share in shares]),
        tuple([1.0 / (1.0 + math.exp(-score)) for score in scores[_CATEGORIES]]),
        tuple([1.0 / (1.0 + math.exp(-score)) for score in scores[_HOOKS]]),
    )


def mixed(first: Answers, second: Answers, share: float) -> Answers:
    """``share`` of the second and the rest of the first; its log-odds are the second's."""

    def each(ones: Iterable[float], others: Iterable[float]) -> tuple[float, ...]:
        return tuple(
            (1.0 - share) * one + share * other for one, other in zip(ones, others, strict=True)
        )

    return Answers(
        second.advert,
        each(first.acts, second.acts),
        each(first.categories, second.categories),
        each(first.hooks, second.hooks),
    )


def probability(log_odds: float) -> float:
    return 1.0 / (1.0 + math.exp(-max(-_FURTHEST, min(_FURTHEST, log_odds))))


def sigmoid(scores: NDArray[np.float64]) -> NDArray[np.float64]:
    answer: NDArray[np.float64] = 1.0 / (1.0 + np.exp(-scores))
    return answer
