"""Fitting the fast model: tf-idf of word pieces and facts, one linear model for each head."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix, hstack
from sklearn.feature_extraction.text import TfidfVectorizer

from services.classification import heads
from services.classification.fast import VERSION, FastModel
from services.classification.features import pieces
from services.classification.training import linear, vectors
from services.classification.training.vectors import Read

# Chosen by cross-validation on train and validation: see docs/classification.md.
STRENGTH: Final = 10.0
FACTS_SCALE: Final = 0.05
# So many word pieces are kept: those that say most.
KEPT: Final = 40_000
_FEWEST: Final = 2


@dataclass(frozen=True, slots=True)
class Fitted:
    arrays: dict[str, NDArray[Any]]
    facts: dict[str, Any]

    def model(self) -> FastModel:
        return FastModel(self.arrays, self.facts, "")


def _all_pieces(words: Sequence[str]) -> list[str]:
    return [piece for word in words for piece in pieces(word)]


def fit(texts: Sequence[Read], deciding: int = heads.SIZE) -> Fitted:
    """Fit the first ``deciding`` heads on these texts; the others stay at zero."""
    vectorizer = TfidfVectorizer(
        analyzer=_all_pieces, min_df=_FEWEST, sublinear_tf=True, dtype=np.float64
    )
    grams = vectorizer.fit_transform([text.words for text in texts])
    names = vectors.fact_names(texts)
    facts = csr_matrix(vectors.fact_matrix(texts, names) * FACTS_SCALE)
    weights, bias = linear.fit(
        hstack([grams, facts]).tocsr(), vectors.labels(texts), range(deciding), STRENGTH
    )
    size = grams.shape[1]
    known = vectorizer.get_feature_names_out().tolist()
    kept = _most_telling(weights[:size], vectorizer.idf_)
    return Fitted(
        {
            "pieces": vectors.shown(weights[kept]),
            "idf": vectors.shown(vectorizer.idf_[kept]),
            "facts": vectors.shown(weights[size:] * FACTS_SCALE),
            "bias": bias.astype(np.float32),
        },
        {
            "version": VERSION,
            "heads": list(heads.NAMES),
            "pieces": [known[place] for place in kept],
            "facts": names,
        },
    )


def _most_telling(weights: NDArray[np.float64], idf: NDArray[np.float64]) -> NDArray[np.int64]:
    telling = np.abs(weights).max(axis=1) * idf
    if len(telling) <= KEPT:
        return np.arange(len(telling))
    order = np.argsort(-telling, kind="stable")[:KEPT]
    return np.sort(order)
