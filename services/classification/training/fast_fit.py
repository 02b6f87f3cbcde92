"""Fitting the fast model: terms of words, pairs of words and facts, one linear model a head."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix, diags, hstack

from services.classification import heads
from services.classification.fast import VERSION, FastModel
from services.classification.features import LONGEST, pairs, terms
from services.classification.training import linear, vectors
from services.classification.training.vectors import Read

# Chosen by cross-validation on train and validation: see docs/classification.md.
STRENGTH: Final = 20.0
FACTS_SCALE: Final = 0.05
# So many terms are kept: those that say most.
KEPT: Final = 90_000
# Texts that a piece of a word is in at least, or a whole word or a pair of words.
_FEWEST: Final = 2
_FEWEST_WHOLE: Final = 3
# How much more a whole word or a pair of words weighs than a piece.
WHOLE: Final = 3.0


@dataclass(frozen=True, slots=True)
class Fitted:
    arrays: dict[str, NDArray[Any]]
    facts: dict[str, Any]

    def model(self) -> FastModel:
        return FastModel(self.arrays, self.facts, "")


def fit(texts: Sequence[Read], deciding: int = heads.SIZE) -> Fitted:
    """Fit the first ``deciding`` heads on these texts; the others stay at zero."""
    known, matrix, weighing = _terms(texts)
    names = vectors.fact_names(texts)
    facts = csr_matrix(vectors.fact_matrix(texts, names) * FACTS_SCALE)
    weights, bias = linear.fit(
        hstack([matrix, facts]).tocsr(), vectors.labels(texts), range(deciding), STRENGTH
    )
    size = len(known)
    kept = _most_telling(weights[:size], weighing)
    return Fitted(
        {
            "terms": vectors.shown(weights[kept]),
            "weights": vectors.shown(weighing[kept]),
            "facts": vectors.shown(weights[size:] * FACTS_SCALE),
            "bias": bias.astype(np.float32),
        },
        {
            "version": VERSION,
            "heads": list(heads.NAMES),
            "terms": [known[place] for place in kept],
            "facts": names,
        },
    )


def _terms(texts: Sequence[Read]) -> tuple[list[str], csr_matrix, NDArray[np.float64]]:
    """(terms, texts by terms as ``FastModel`` adds them up, weight of each term)."""
    read = [list(dict.fromkeys(text.words)) for text in texts]
    words = sorted({word for row in read for word in row})
    of_words = [terms(word) for word in words]
    paired = [pairs(text.words) for text in texts]
    counts = _texts_of(words, of_words, read)
    counts.update(Counter(pair for row in paired for pair in row))
    known = sorted(term for term, count in counts.items() if count >= _fewest(term))
    idf = np.log((1 + len(texts)) / (1 + np.array([counts[term] for term in known]))) + 1
    weights = idf * [WHOLE if _is_whole(term) else 1.0 for term in known]
    by_word, by_term = _ones(read, words), _ones(of_words, known)
    by_pair = _ones(paired, known)
    lengths = by_word @ (by_term @ weights**2) + by_pair @ weights**2
    scale = diags(1.0 / np.sqrt(np.maximum(lengths, 1e-9)))
    matrix = scale @ (by_word @ by_term + by_pair) @ diags(weights)
    return known, matrix.tocsr(), weights


def _texts_of(
    words: Sequence[str], of_words: Sequence[Sequence[str]], read: Sequence[Sequence[str]]
) -> Counter[str]:
    """In how many texts each term of a word is."""
    found = dict(zip(words, of_words, strict=True))
    return Counter(
        term for row in read for term in dict.fromkeys(t for word in row for t in found[word])
    )


def _ones(rows: Sequence[Iterable[str]], names: Sequence[str]) -> csr_matrix:
    """Rows by names, 1 where a row has a name; what is no name is left out."""
    places = {name: place for place, name in enumerate(names)}
    found = [[places[name] for name in row if name in places] for row in rows]
    ends = np.cumsum([0, *map(len, found)])
    columns = np.fromiter((place for row in found for place in row), np.int64, ends[-1])
    return csr_matrix((np.ones(len(columns)), columns, ends), shape=(len(rows), len(names)))


def _is_whole(term: str) -> bool:
    """A pair of words, or a word too long to be a piece."""
    return len(term) > LONGEST or " " in term[1:-1]


def _fewest(term: str) -> int:
    return _FEWEST_WHOLE if _is_whole(term) else _FEWEST


def _most_telling(weights: NDArray[np.float64], weighing: NDArray[np.float64]) -> NDArray[np.int64]:
    telling = np.abs(weights).max(axis=1) * weighing
    if len(telling) <= KEPT:
        return np.arange(len(telling))
    order = np.argsort(-telling, kind="stable")[:KEPT]
    return np.sort(order)
