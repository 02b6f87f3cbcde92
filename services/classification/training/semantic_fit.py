"""Fitting the semantic model: the encoder's layers are tuned, the answers are linear."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from services.classification import arrays, heads, semantic
from services.classification.embedding.encoder import Given, initializers, originals
from services.classification.embedding.packed import PackedFile
from services.classification.embedding.reading import Reader
from services.classification.training import network, tuning, vectors
from services.classification.training.vectors import Read

# Facts are brought near to the size of an embedding's numbers.
FACTS_SCALE: Final = 0.25
# How much of acts, categories and hooks is the semantic model's.
SHARE: Final = 0.6
_HEAD: Final = ("linear", "facts", "bias")


@dataclass(frozen=True, slots=True)
class Fitted:
    """What the two files hold but for the weights of both models together."""

    layers: dict[str, NDArray[Any]]
    names: list[str]
    linear: NDArray[np.float64]
    bias: NDArray[np.float64]

    def save(self, folder: Path, together: NDArray[np.float64]) -> None:
        """``together``: weights of both log-odds and the constant."""
        told = {"version": semantic.VERSION, "heads": list(heads.NAMES)}
        layers = arrays.write(folder / semantic.LAYERS, self.layers, told)
        known: dict[str, NDArray[Any]] = {
            "linear": vectors.shown(self.linear),
            "bias": self.bias.astype(np.float32),
            "together": together.astype(np.float32),
        }
        facts = told | {"facts": self.names, "share": SHARE, "layers": layers}
        arrays.write(folder / semantic.FILE, known, facts)


def fit(texts: Sequence[Read], say: Callable[[str], None]) -> Fitted:
    """Tune on these texts; raises ImportError without the extra."""
    file = PackedFile(semantic.weights())
    reader = Reader(file.vocabulary)
    names = vectors.fact_names(texts)
    task = tuning.Task(
        [reader.read(text.original) for text in texts],
        (vectors.fact_matrix(texts, names) * FACTS_SCALE).astype(np.float32),
        vectors.labels(texts).astype(np.float32),
        Given(file),
    )
    moved, centre = tuning.tune(task, originals(file), say)
    head = {name: moved.pop(f"head.{name}").astype(np.float64) for name in _HEAD}
    of_meaning = head["linear"] * network.STRETCH
    return Fitted(
        initializers(moved),
        names,
        np.vstack([of_meaning, head["facts"] * FACTS_SCALE]),
        head["bias"] - centre.astype(np.float64) @ of_meaning,
    )
