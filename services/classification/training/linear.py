"""One linear model for each head, fitted on the same matrix."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression

from services.classification import heads

# The log-odds of what was never, or always, seen: there is nothing to learn it from.
_CERTAIN = 10.0


def fit(
    matrix: Any, labels: NDArray[np.float64], places: range, strength: float
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Weights and constants of the heads at ``places``, the others at zero.

    Acts are read by softmax: one against the rest each, which comes near enough to it.
    """
    weights = np.zeros((matrix.shape[1], heads.SIZE))
    bias = np.zeros(heads.SIZE)
    for place in places:
        truth = labels[:, place]
        if not 0 < truth.sum() < len(truth):
            bias[place] = _CERTAIN if truth.any() else -_CERTAIN
            continue
        model = LogisticRegression(C=strength, max_iter=1000, solver="liblinear", random_state=0)
        model.fit(matrix, truth)
        weights[:, place] = model.coef_[0]
        bias[place] = model.intercept_[0]
    return weights, bias
