"""Writes the encoder's graph: ``python -m services.classification.training.graph``.

A BERT encoder with one text at a time and no padding: attention and two layers of INNER numbers,
DEPTH times. The weights stay open and come from the model package when the graph is loaded.
"""

from __future__ import annotations

import math
from typing import Any, Final

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

from services.classification.embedding.encoder import DEPTH, GRAPH, shapes
from services.classification.embedding.packed import EPSILON, HEADS, WIDTH

OPSET: Final = 20
IR_VERSION: Final = 9
_TYPES: Final = {"float32": TensorProto.FLOAT, "int8": TensorProto.INT8}
_SMALL: Final[dict[str, NDArray[Any]]] = {
    "by_head": np.array([0, 3, HEADS, WIDTH // HEADS], np.int64),
    "joined": np.array([0, WIDTH], np.int64),
    "tokens": np.array([0], np.int64),
    # Attention's dot products grow with the root of their length.
    "scale": np.array(1.0 / math.sqrt(WIDTH // HEADS), np.float32),
}


class _Graph:
    def __init__(self) -> None:
        self.nodes: list[Any] = []

    def op(self, kind: str, given: list[str], into: str, domain: str = "", **how: Any) -> str:
        self.nodes.append(helper.make_node(kind, given, [into], name=into, domain=domain, **how))
        return into

    def norm(self, given: str, weights: str, into: str) -> str:
        names = [given, f"{weights}.w", f"{weights}.b"]
        return self.op("LayerNormalization", names, into, axis=-1, epsilon=EPSILON)

    def matrix(self, given: str, layer: int, name: str) -> str:
        at = f"{layer}.{name}"
        return self.op(
            "DynamicQuantizeMatMul", [given, f"{at}.w", f"{at}.s", "", f"{at}.b"], f"{at}.made",
            "com.microsoft",
        )  # fmt: skip

    def attention(self, given: str, layer: int) -> str:
        at = f"{layer}.attention"
        heads = self.op("Reshape", [self.matrix(given, layer, "qkv"), "by_head"], f"{at}.heads")
        turned = self.op("Transpose", [heads], f"{at}.turned", perm=[1, 2, 0, 3])
        parts = [f"{at}.{name}" for name in "qkv"]
        self.nodes.append(helper.make_node("Split", [turned], parts, axis=0, num_outputs=3))
        queries = self.op("Mul", [parts[0], "scale"], f"{at}.scaled")
        keys = self.op("Transpose", [parts[1]], f"{at}.keys", perm=[0, 1, 3, 2])
        near = self.op("MatMul", [queries, keys], f"{at}.near")
        shares = self.op("Softmax", [near], f"{at}.shares", axis=-1)
        seen = self.op("MatMul", [shares, parts[2]], f"{at}.seen")
        back = self.op("Transpose", [seen], f"{at}.back", perm=[2, 0, 1, 3])
        return self.op("Reshape", [back, "joined"], f"{at}.joined")

    def mean(self, given: str, into: str, **how: Any) -> str:
        return self.op("ReduceMean", [given, "tokens"], into, **how)

    def layer(self, given: str, layer: int, early: bool) -> str:
        seen = self.matrix(self.attention(given, layer), layer, "out")
        summed = self.op("Add", [given, seen], f"{layer}.summed")
        first = self.norm(summed, f"{layer}.first", f"{layer}.first.made")
        first = self.mean(first, f"{layer}.mean", keepdims=1) if early else first
        up = self.op("Gelu", [self.matrix(first, layer, "up")], f"{layer}.bent")
        calm = self.op("Mul", [up, f"{layer}.calm"], f"{layer}.calmed")
        down = self.op("Add", [first, self.matrix(calm, layer, "down")], f"{layer}.added")
        return self.norm(down, f"{layer}.second", f"{layer}.second.made")


def graph(depth: int = DEPTH, early: bool = True) -> bytes:
    """The same bytes every time.

    ``early``: the mean over all tokens is taken inside of the last layer, before the two layers of
    INNER numbers (docs/decisions/0032); else at the end, as the wheel's own encoder has it.
    """
    made = _Graph()
    state = made.norm("given", "start", "start.made")
    for layer in range(depth):
        state = made.layer(state, layer, early and layer == depth - 1)
    # Of one row, where the mean was taken before.
    made.mean(state, "mean", keepdims=0)
    whole = helper.make_graph(
        made.nodes, "encoder",
        [helper.make_tensor_value_info("given", TensorProto.FLOAT, ["tokens_given", WIDTH])],
        [helper.make_tensor_value_info("mean", TensorProto.FLOAT, [WIDTH])],
        [numpy_helper.from_array(value, name) for name, value in _SMALL.items()]
        + [_open(name, *shape) for name, shape in shapes(depth).items()],
    )  # fmt: skip
    opsets = [helper.make_opsetid("", OPSET), helper.make_opsetid("com.microsoft", 1)]
    model = helper.make_model(
        whole, opset_imports=opsets, ir_version=IR_VERSION, producer_name="takedown"
    )
    saved: bytes = model.SerializeToString(deterministic=True)
    return saved


def _open(name: str, shape: tuple[int, ...], kind: str) -> onnx.TensorProto:
    """A tensor whose content is given when the graph is loaded."""
    tensor = TensorProto(name=name, dims=shape, data_type=_TYPES[kind])
    tensor.data_location = TensorProto.EXTERNAL
    tensor.external_data.add(key="location", value="encoder")
    return tensor


if __name__ == "__main__":
    GRAPH.write_bytes(graph())
