"""Precision, recall and what else is published of a classifier, from plain arrays."""

from __future__ import annotations

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

_BINS: Final = 10


def ratio(part: float, whole: float) -> float | None:
    """None where there is nothing to divide by: not a hundred per cent, not nothing."""
    return round(float(part) / float(whole), 4) if whole else None


def detection(probability: NDArray[Any], truth: NDArray[Any]) -> dict[str, Any]:
    """At one half: precision, recall, F1; and the calibration error."""
    said = probability >= 0.5  # noqa: PLR2004 - the label's cut
    right = int((said & truth).sum())
    return {
        "texts": len(truth),
        "adverts": int(truth.sum()),
        "precision": ratio(right, said.sum()),
        "recall": ratio(right, truth.sum()),
        "f1": ratio(2 * right, said.sum() + truth.sum()),
        "calibration_error": calibration_error(probability, truth),
    }


def calibration_error(probability: NDArray[Any], truth: NDArray[Any]) -> float:
    """Expected calibration error over ten bins of equal width."""
    total = 0.0
    for _, said, seen, count in reliability(probability, truth):
        total += abs(said - seen) * count
    return round(total / max(1, len(truth)), 4)


def reliability(
    probability: NDArray[Any], truth: NDArray[Any]
) -> list[tuple[float, float, float, int]]:
    """(bin's lower end, mean probability, share of adverts, texts) of every bin that holds any."""
    places = np.minimum((probability * _BINS).astype(int), _BINS - 1)
    found = []
    for place in range(_BINS):
        inside = places == place
        if inside.any():
            said, seen = probability[inside].mean(), truth[inside].mean()
            found.append((place / _BINS, float(said), float(seen), int(inside.sum())))
    return found
