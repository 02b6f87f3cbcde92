"""Fitting the semantic model: nearness to landmark texts for the advert, linear for the rest."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from sklearn.svm import SVC

from services.classification import heads
from services.classification.semantic import DIMENSIONS, VERSION, scale
from services.classification.training import linear, vectors
from services.classification.training.vectors import Read

# Chosen by cross-validation on train and validation: see docs/classification.md.
GAMMA: Final = 3.2
STRENGTH: Final = 10.0
FACTS_SCALE: Final = 0.0625
STYLE_SCALE: Final = 0.25
_SCALES: Final = {"facts_scale": FACTS_SCALE, "style_scale": STYLE_SCALE}
LINEAR_STRENGTH: Final = 64.0
# How much of acts, categories and hooks is the semantic model's.
SHARE: Final = 0.6


@dataclass(frozen=True, slots=True)
class Fitted:
    """``centre`` and what ``margins`` and ``save`` need of one fit."""

    centre: NDArray[np.float64]
    names: list[str]
    landmarks: NDArray[np.float64]
    duals: NDArray[np.float64]
    bias: float

    def points(self, texts: Sequence[Read], embedded: NDArray[np.float64]) -> NDArray[np.float64]:
        return np.hstack([embedded - self.centre, _scaled(texts, self.names)])

    def margins(self, points: NDArray[np.float64]) -> NDArray[np.float64]:
        apart = (
            (points**2).sum(1)[:, None] + (self.landmarks**2).sum(1) - 2 * points @ self.landmarks.T
        )
        answer: NDArray[np.float64] = (
            np.exp(-GAMMA * np.maximum(apart, 0.0)) @ self.duals + self.bias
        )
        return answer


def _scaled(texts: Sequence[Read], names: Sequence[str]) -> NDArray[np.float64]:
    scales = np.array([scale(name, _SCALES) for name in names])
    scaled: NDArray[np.float64] = vectors.fact_matrix(texts, names) * scales
    return scaled


def fit(texts: Sequence[Read], embedded: NDArray[np.float64]) -> Fitted:
    """The advert head: a support vector machine; its support vectors are the landmarks."""
    centre = embedded.mean(axis=0)
    names = vectors.fact_names(texts)
    points = np.hstack([embedded - centre, _scaled(texts, names)])
    machine = SVC(C=STRENGTH, gamma=GAMMA).fit(points, vectors.labels(texts)[:, 0])
    return Fitted(
        centre, names, points[machine.support_], machine.dual_coef_[0], float(machine.intercept_[0])
    )


def saved(
    fitted: Fitted,
    texts: Sequence[Read],
    embedded: NDArray[np.float64],
    together: NDArray[np.float64],
) -> tuple[dict[str, NDArray[Any]], dict[str, Any]]:
    """Arrays and facts of the file; ``together``: weights of both log-odds and the constant."""
    weights, bias = linear.fit(
        fitted.points(texts, embedded), vectors.labels(texts), range(1, heads.SIZE), LINEAR_STRENGTH
    )
    bias[0] = fitted.bias
    known: dict[str, NDArray[Any]] = {
        "centre": fitted.centre.astype(np.float32),
        "landmarks": vectors.shown(fitted.landmarks),
        "duals": fitted.duals.astype(np.float32),
        "linear": vectors.shown(weights),
        "bias": bias.astype(np.float32),
        "together": together.astype(np.float32),
    }
    facts: dict[str, Any] = {
        "version": VERSION, "heads": list(heads.NAMES), "facts": fitted.names, "gamma": GAMMA,
        "share": SHARE, "dimensions": DIMENSIONS, **_SCALES,
    }  # fmt: skip
    return known, facts
