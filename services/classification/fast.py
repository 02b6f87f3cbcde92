"""The fast model: words, pieces and pairs of them, and facts: a linear score for each question."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from services.classification import arrays, heads
from services.classification.arrays import ModelFileError
from services.classification.features import pairs, terms

FILE: Final = "fast.npz"
VERSION: Final = 2
# The longest word that is remembered between texts, and how many words are: some 200 bytes each.
_REMEMBERED: Final = 40
_WORDS: Final = 30_000
_NOTHING: Final = np.zeros(0, np.float32)


class FastModel:
    """Scores are sums over words and pairs of words; pure, and safe from several threads.

    A text's vector is the sum of its words' and pairs' vectors, divided by the root of the sum of
    their squared lengths: so a word's part is the same in every text and is remembered
    (docs/decisions/0028).
    """

    def __init__(self, known: arrays.Arrays, facts: Mapping[str, Any], sha256: str) -> None:
        places = {term: i for i, term in enumerate(facts["terms"])}
        self._pairs = {term: i for term, i in places.items() if " " in term[1:-1]}
        self._pieces = {term: i for term, i in places.items() if term not in self._pairs}
        self._facts = {name: i for i, name in enumerate(facts["facts"])}
        self._fact_rows = known["facts"].astype(np.float32)
        weights = known["weights"].astype(np.float32)[:, None]
        # What each term adds to the scores, and in the last column to the squared length.
        self._rows = np.hstack([known["terms"].astype(np.float32) * weights, weights**2])
        self._bias = known["bias"].astype(np.float32)
        self.sha256 = sha256
        self._of_word = lru_cache(_WORDS)(self._add_up)
        # Words that are terms themselves are the common ones: added up before a text has them.
        common = [term.strip() for term in facts["terms"] if _is_word(term)]
        self._common = {word: place for place, word in enumerate(common, len(self._rows))}
        self._rows = np.vstack([self._rows, *map(self._add_up, common)])

    def _add_up(self, word: str) -> NDArray[np.float32]:
        """SIZE scores of a word and its squared length; empty when none of its terms is known."""
        found = [p for p in map(self._pieces.get, terms(word)) if p is not None]
        if not found:
            return _NOTHING
        added: NDArray[np.float32] = self._rows.take(found, axis=0).sum(axis=0)
        return added

    def answers(self, words: Sequence[str], facts: Mapping[str, float]) -> heads.Answers:
        """Of the words of ``features.words`` and the facts of ``features.facts``."""
        raw = self._bias + weighed(facts, self._facts, self._fact_rows)
        places = {word: self._common.get(word) for word in words}
        parts = [
            self._of_word(word) if len(word) <= _REMEMBERED else self._add_up(word)
            for word, place in places.items()
            if place is None
        ]
        beside = map(self._pairs.get, pairs(words))
        known = [place for place in (*places.values(), *beside) if place is not None]
        if known:
            parts.append(self._rows.take(known, axis=0).ravel())
        together = np.concatenate(parts) if parts else _NOTHING
        if together.size:
            total = together.reshape(-1, heads.SIZE + 1).sum(axis=0)
            raw += total[:-1] / math.sqrt(float(total[-1]))
        return heads.answers(raw)


def _is_word(term: str) -> bool:
    """Whether a term is a whole word, and no piece of one or pair of two."""
    return term[0] == term[-1] == " " and " " not in term[1:-1] and term != " "


def weighed(
    facts: Mapping[str, float], places: Mapping[str, int], rows: NDArray[np.float32]
) -> NDArray[np.float32]:
    """What the facts that a model knows add to its scores; ``places``: the row of each."""
    found = [(places[name], value) for name, value in facts.items() if name in places]
    known = np.array([place for place, _ in found], np.int64)
    values = np.array([value for _, value in found], np.float32)
    added: NDArray[np.float32] = values @ rows.take(known, axis=0)
    return added


def load(folder: Path) -> FastModel:
    """Raises ModelFileError, naming the file, when it is missing, damaged or of another kind."""
    known, facts, sha256 = arrays.opened(folder, FILE)
    check(FILE, facts, VERSION)
    shapes = {
        "terms": (len(facts.get("terms", ())), heads.SIZE),
        "weights": (len(facts.get("terms", ())),),
        "facts": (len(facts.get("facts", ())), heads.SIZE),
        "bias": (heads.SIZE,),
    }
    check_shapes(FILE, known, shapes)
    return FastModel(known, facts, sha256)


def check(name: str, facts: Mapping[str, Any], version: int) -> None:
    """Raises ModelFileError unless the file is of this version and answers the same questions."""
    if facts.get("version") != version:
        raise ModelFileError(
            f"{name}: version {facts.get('version')!r}, this release reads {version}"
        )
    if tuple(facts.get("heads", ())) != heads.NAMES:
        raise ModelFileError(f"{name}: it answers other questions than this release asks")


def check_shapes(name: str, known: arrays.Arrays, shapes: Mapping[str, tuple[int, ...]]) -> None:
    """Raises ModelFileError unless every array is there, of its shape, and finite."""
    for key, shape in shapes.items():
        if key not in known or known[key].shape != shape:
            raise ModelFileError(f"{name}: damaged ({key} is missing or of another shape)")
        if known[key].dtype.kind != "f" or not np.isfinite(known[key]).all():
            raise ModelFileError(f"{name}: damaged ({key} holds what is no number)")
