"""Choosing the thresholds of the policy for a stated precision, on texts that no model had seen."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from services.classification import features
from services.classification.thresholds import ThresholdData
from services.classification.training.crossing import Unseen
from services.classification.training.vectors import Read

# What is asked: of referrals without a person, so many right (the promise is 0.97), and of
# protected speech no more than so much referred (the promise is 0.02).
PRECISION: Final = 0.9875
PROTECTED_AT_MOST: Final = 0.0125
# Of suggested rejections, so many adverts at most; a person confirms every one.
MISSED_AT_MOST: Final = 0.02
# The fast model decides alone outside of these.
UNSURE: Final = (0.15, 0.98)
OFFER_ACT: Final = 0.5
# Weight of the rules against an advert; nearly every concept weighs more.
AGAINST: Final = 0.9
# Kinds of content that hold a line or two: their threshold is chosen on short texts.
SHORT_KINDS: Final = ("comment", "live", "story")
_SHORT: Final = 60
_FEWEST: Final = 40
_GRID: Final = np.round(np.arange(0.5, 0.996, 0.005), 3)
_STRICTEST: Final = 0.99
_IN_A_ROW: Final = 3


def choose(texts: Sequence[Read], unseen: Unseen) -> ThresholdData:
    """The lowest thresholds from which on everything asked holds."""
    probability, offer, _ = unseen.cascade(*UNSURE)
    against = np.array([text.facts["against"] * features.AGAINST for text in texts])
    free = (offer >= OFFER_ACT) & (against <= AGAINST)
    truth = np.array([text.item.advert for text in texts])
    guarded = np.array([text.item.protected for text in texts])
    short = np.array([len(text.original) <= _SHORT for text in texts])
    everywhere = np.ones(len(texts), bool)
    default = _lowest(probability, free, truth, guarded, everywhere)
    brief = max(default, _lowest(probability, free, truth, guarded, short))
    return ThresholdData(
        precision=PRECISION,
        refer={"default": default, **dict.fromkeys(SHORT_KINDS, brief)},
        offer_act=OFFER_ACT,
        against=AGAINST,
        suggest_reject=_reject(probability, truth),
        unsure_from=UNSURE[0],
        unsure_to=UNSURE[1],
    )


def _lowest(
    probability: NDArray[Any],
    free: NDArray[Any],
    truth: NDArray[Any],
    guarded: NDArray[Any],
    where: NDArray[Any],
) -> float:
    holds = []
    for threshold in _GRID:
        referred = (probability >= threshold) & free & where
        wrong = (referred & guarded).sum() / max(1, (guarded & where).sum())
        enough = referred.sum() >= _FEWEST
        holds.append(
            bool(enough and truth[referred].mean() >= PRECISION and wrong <= PROTECTED_AT_MOST)
        )
    for place, threshold in enumerate(_GRID):
        # With its neighbours above: one lucky threshold between two that fail is no threshold.
        if all(holds[place : place + _IN_A_ROW]):
            return float(threshold)
    return _STRICTEST


def _reject(probability: NDArray[Any], truth: NDArray[Any]) -> float:
    highest = 0.01
    for threshold in np.round(np.arange(0.01, 0.3, 0.01), 2):
        rejected = probability <= threshold
        if rejected.sum() and truth[rejected].mean() > MISSED_AT_MOST:
            break
        highest = float(threshold)
    return highest
