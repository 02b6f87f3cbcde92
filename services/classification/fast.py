"""The fast model: pieces of words and facts, one linear score for each question."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from functools import lru_cache
from itertools import chain
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from services.classification import arrays, heads
from services.classification.arrays import ModelFileError
from services.classification.features import pieces

FILE: Final = "fast.npz"
VERSION: Final = 1
# The longest word whose pieces are remembered between texts, and how many words are.
_REMEMBERED: Final = 40
_WORDS: Final = 50_000


class FastModel:
    """Scores are dense sums over a few hundred rows; pure, and safe from several threads."""

    def __init__(self, known: arrays.Arrays, facts: Mapping[str, Any], sha256: str) -> None:
        self._vocabulary = {p: i for i, p in enumerate(facts["pieces"])}
        self._facts = {name: i for i, name in enumerate(facts["facts"])}
        self._fact_rows = known["facts"].astype(np.float32)
        self._rows = known["pieces"].astype(np.float32)
        self._idf = known["idf"].astype(np.float32)
        self._bias = known["bias"].astype(np.float32)
        self.sha256 = sha256
        self._indices = lru_cache(_WORDS)(self._look_up)

    def _look_up(self, word: str) -> tuple[int, ...]:
        found = map(self._vocabulary.get, pieces(word))
        return tuple([place for place in found if place is not None])

    def answers(self, words: Sequence[str], facts: Mapping[str, float]) -> heads.Answers:
        """Of the words of ``features.words`` and the facts of ``features.facts``."""
        known = [self._indices(w) if len(w) <= _REMEMBERED else self._look_up(w) for w in words]
        # In the order of their first time: sums of floats depend on it.
        counts = Counter(chain.from_iterable(known))
        raw = self._of_facts(facts)
        if counts:
            places = np.fromiter(counts, np.int64, len(counts))
            times = np.fromiter(counts.values(), np.float32, len(counts))
            weights = (1.0 + np.log(times)) * self._idf.take(places)
            weights /= math.sqrt(float(weights @ weights))
            raw += weights @ self._rows.take(places, axis=0)
        return heads.answers(raw)

    def _of_facts(self, facts: Mapping[str, float]) -> NDArray[np.float32]:
        known = self._facts
        found = [(known[name], value) for name, value in facts.items() if name in known]
        places = np.array([place for place, _ in found], np.int64)
        values = np.array([value for _, value in found], np.float32)
        raw: NDArray[np.float32] = self._bias + values @ self._fact_rows.take(places, axis=0)
        return raw


def load(folder: Path) -> FastModel:
    """Raises ModelFileError, naming the file, when it is missing, damaged or of another kind."""
    path = folder / FILE
    try:
        known, facts, sha256 = arrays.read(path)
    except OSError as error:
        raise ModelFileError(f"{FILE}: cannot be opened ({error.strerror})") from error
    check(FILE, facts, VERSION)
    shapes = {
        "pieces": (len(facts.get("pieces", ())), heads.SIZE),
        "idf": (len(facts.get("pieces", ())),),
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
