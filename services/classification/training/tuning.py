"""Tuning the encoder and the answers together, by gradient: AdamW, a few rounds over the texts.

The words' vectors are not moved: a word that no text here has then still means what it meant.
The same texts give the same weights on the same kind of processor with as many cores.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

import jax
import jax.numpy as jnp
import numpy as np
import optax
from numpy.typing import NDArray

from services.classification import heads
from services.classification.embedding.encoder import Given
from services.classification.embedding.packed import WIDTH
from services.classification.embedding.reading import TOKENS
from services.classification.training import network

# Chosen on writers that were held out: see docs/decisions/0029.
ROUNDS: Final = 2
TOGETHER: Final = 32
RATE: Final = 1.5e-4
HEADS_RATE: Final = 3e-3
DECAY: Final = 0.01
_STEEPEST: Final = 1.0
_WARMING: Final = 0.1
_LAST: Final = 0.02
# How much the advert's question weighs beside each of the others.
_ADVERT, _OTHERS = 3.0, 0.3
# Texts are put together by their length, rounded up to so many tokens.
_STEP: Final = 8
# Texts whose mean embedding is the centre.
_CENTRED: Final = 2048
_SEED: Final = 0


@dataclass(frozen=True, slots=True)
class Task:
    """What there is to learn from: each text's tokens, facts and labels, in one order."""

    tokens: Sequence[Sequence[int]]
    facts: NDArray[np.float32]
    labels: NDArray[np.float32]
    given: Given

    def batch(self, places: NDArray[np.int64]) -> tuple[NDArray[Any], NDArray[Any]]:
        """(vectors, mask) of these texts, as long as the longest of them, rounded up."""
        longest = max(len(self.tokens[place]) for place in places)
        length = min(TOKENS, -(-longest // _STEP) * _STEP)
        vectors = np.zeros((len(places), length, WIDTH), np.float32)
        mask = np.zeros((len(places), length), np.float32)
        for row, place in enumerate(places):
            read = self.tokens[place]
            vectors[row, : len(read)] = self.given.of(read)
            mask[row, : len(read)] = 1.0
        return vectors, mask


def tune(
    task: Task, begun: dict[str, NDArray[np.float32]], say: Callable[[str], None]
) -> tuple[dict[str, NDArray[np.float32]], NDArray[np.float32]]:
    """(tuned weights with the heads, centre): ``begun`` are ``encoder.originals``.

    Raises ValueError with fewer texts than there are in a batch.
    """
    moved = {name: jnp.asarray(value) for name, value in (begun | _heads(task)).items()}
    centre = _centre(task, moved)
    rounds = [_batches(task, np.random.default_rng((_SEED, turn))) for turn in range(ROUNDS)]
    if not rounds[0]:
        raise ValueError(f"fewer than {TOGETHER} texts of about one length: nothing to tune on")
    optimiser = _optimiser(list(moved), sum(map(len, rounds)))
    state: Any = optimiser.init(moved)
    step = _step(optimiser, centre)
    key = jax.random.PRNGKey(_SEED)
    for turn, batches in enumerate(rounds, 1):
        total = 0.0
        for places in batches:
            key, drawn = jax.random.split(key)
            vectors, mask = task.batch(places)
            moved, state, loss = step(
                moved, state, vectors, mask, task.facts[places], task.labels[places], drawn
            )
            total += float(loss)
        say(f"round {turn} of {ROUNDS}: loss {total / max(1, len(batches)):.3f}")
    return {name: np.asarray(value) for name, value in moved.items()}, np.asarray(centre)


def _heads(task: Task) -> dict[str, NDArray[np.float32]]:
    drawn = np.random.default_rng(_SEED).normal(0.0, 0.02, (WIDTH, heads.SIZE))
    return {
        "head.linear": drawn.astype(np.float32),
        "head.facts": np.zeros((task.facts.shape[1], heads.SIZE), np.float32),
        "head.bias": np.zeros(heads.SIZE, np.float32),
    }


def _centre(task: Task, moved: network.Parameters) -> jax.Array:
    encode = jax.jit(network.encode)
    places = np.arange(min(_CENTRED, len(task.tokens)))
    found = [
        encode(moved, *task.batch(places[start : start + TOGETHER]))
        for start in range(0, len(places), TOGETHER)
    ]
    return jnp.concatenate(found).mean(0)


def _batches(task: Task, drawn: np.random.Generator) -> list[NDArray[np.int64]]:
    """Texts of about one length together, all in a drawn order; less than a batch is left out."""
    lengths = np.array([-(-len(read) // _STEP) for read in task.tokens])
    found = [batch for length in np.unique(lengths) for batch in _of(lengths == length, drawn)]
    return [found[place] for place in drawn.permutation(len(found))]


def _of(chosen: NDArray[np.bool_], drawn: np.random.Generator) -> Iterator[NDArray[np.int64]]:
    places = drawn.permutation(np.flatnonzero(chosen))
    for start in range(0, len(places) - TOGETHER + 1, TOGETHER):
        yield places[start : start + TOGETHER]


def _optimiser(names: Sequence[str], steps: int) -> optax.GradientTransformation:
    def rate(most: float) -> optax.Schedule:
        warm = max(1, int(steps * _WARMING))
        return optax.warmup_cosine_decay_schedule(0.0, most, warm, steps, most * _LAST)

    kinds = {name: "head" if name.startswith("head.") else "layer" for name in names}
    by_kind = {
        "head": optax.adamw(rate(HEADS_RATE), weight_decay=DECAY),
        "layer": optax.adamw(rate(RATE), weight_decay=DECAY),
    }
    return optax.chain(optax.clip_by_global_norm(_STEEPEST), optax.multi_transform(by_kind, kinds))


def _step(optimiser: optax.GradientTransformation, centre: jax.Array) -> Callable[..., Any]:
    weights = jnp.full(heads.SIZE, _OTHERS).at[0].set(_ADVERT)

    def loss(moved: Any, vectors: Any, mask: Any, facts: Any, labels: Any, key: Any) -> Any:
        said = network.logits(moved, centre, vectors, mask, facts, key)
        return (optax.sigmoid_binary_cross_entropy(said, labels) * weights).sum(1).mean()

    @jax.jit
    def step(moved: Any, state: Any, *batch: Any) -> Any:
        found, slopes = jax.value_and_grad(loss)(moved, *batch)
        updates, state = optimiser.update(slopes, state, moved)
        return optax.apply_updates(moved, updates), state, found

    return step
