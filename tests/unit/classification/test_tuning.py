"""Tuning: the same sums as the graph, and every text learnt from makes the next ones likelier.

In a process of its own: a process with jax in it may not fork any more, and other tests do.
"""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from services.classification.embedding.encoder import DEPTH
from tests.unit.classification.corpus import LANGUAGES, examples

PROGRAM = """
import json, sys
import jax
import numpy as np
from services.classification import engine, semantic
from services.classification.embedding.encoder import GRAPH, Encoder, Given, initializers, originals
from services.classification.embedding.packed import WIDTH, PackedFile
from services.classification.embedding.reading import TOKENS, Reader
from services.classification.training import network, semantic_fit, tuning, vectors
from services.classification.training.corpus import load

said = []
# Of one length, so that there is one program to compile.
long = [one for one in load() if one.language == "en" and len(one.text) > 180]
texts = vectors.read(long[:64], engine.load())
tuning.ROUNDS, tuning.TOGETHER = 2, 8
fits = [semantic_fit.fit(texts, said.append) for _ in range(2)]
file = PackedFile(semantic.weights())
reader, given, begun = Reader(file.vocabulary), Given(file), originals(file)
encoder = Encoder(file, initializers(begun), 1, GRAPH.read_bytes())
near = []
# As long as may be, for the same reason; the mask says where each text ends.
encode = jax.jit(network.encode)
for text in json.load(sys.stdin):
    tokens = reader.read(text)
    padded, mask = np.zeros((1, TOKENS, WIDTH), np.float32), np.zeros((1, TOKENS), np.float32)
    padded[0, : len(tokens)], mask[0, : len(tokens)] = given.of(tokens), 1.0
    exact = np.asarray(encode(begun, padded, mask))[0]
    near.append(float(exact @ encoder.encode(tokens)))
same = all(
    np.array_equal(fits[0].layers[name], fits[1].layers[name]) for name in fits[0].layers
) and np.array_equal(fits[0].linear, fits[1].linear)
before = initializers(begun)
moved = {name for name in before if not np.array_equal(fits[0].layers[name], before[name])}
json.dump({"said": said, "near": near, "same": same, "moved": sorted(moved)}, sys.stdout)
"""


@pytest.mark.timeout(300)
def test_tuning_learns_repeats_itself_and_computes_what_the_graph_does() -> None:
    shown = [example.text for language in LANGUAGES for example in examples(language)[:3]]
    run = subprocess.run(
        [sys.executable, "-c", PROGRAM], input=json.dumps(shown), capture_output=True, text=True,
        timeout=280, check=False,
    )  # fmt: skip
    assert run.returncode == 0, run.stderr[-2000:]
    found = json.loads(run.stdout)
    losses = [float(line.rsplit(" ", 1)[1]) for line in found["said"]]
    assert losses[1] < losses[0]
    assert losses[2:] == losses[:2]
    assert found["same"]
    assert {"0.qkv.w", "start.w", f"{DEPTH - 1}.down.w"} <= set(found["moved"])
    assert min(found["near"]) > 0.99
