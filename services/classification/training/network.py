"""The encoder and its answers as a function that can be differentiated: what tuning moves.

The same sums as ``training/graph.py`` writes, for several texts at once and in full precision; a
test holds the two against each other. Named as in ``embedding/encoder.py``: ``originals`` and
``head.linear``, ``head.facts``, ``head.bias``.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Final

import jax
import jax.numpy as jnp

from services.classification.embedding.encoder import DEPTH
from services.classification.embedding.packed import EPSILON, HEADS, WIDTH

Parameters = Mapping[str, jax.Array]
# Of what layers give on and of the embedding, so much is dropped at random while tuning.
DROPPED: Final = 0.1
# An embedding less the centre is short: so much longer, heads learn as fast as the layers.
STRETCH: Final = 5.0
# Instead of nothing where there is no token, before attention is shared out.
_NOWHERE: Final = -1e9


def logits(
    moved: Parameters,
    centre: jax.Array,
    given: jax.Array,
    mask: jax.Array,
    facts: jax.Array,
    key: jax.Array | None = None,
) -> jax.Array:
    """Texts by heads. ``given``: texts by tokens by WIDTH, ``mask``: where there is a token.

    With ``key`` something is dropped at random.
    """
    embedded = (encode(moved, given, mask, key) - centre) * STRETCH
    if key is not None:
        embedded = _dropped(jax.random.fold_in(key, DEPTH), embedded)
    return embedded @ moved["head.linear"] + facts @ moved["head.facts"] + moved["head.bias"]


def encode(
    moved: Parameters, given: jax.Array, mask: jax.Array, key: jax.Array | None = None
) -> jax.Array:
    """Texts by WIDTH, each of length one: the mean over a text's tokens after the last layer."""
    state = _norm(moved, "start", given)
    hidden = jnp.where(mask, 0.0, _NOWHERE)[:, None, None, :]
    for layer in range(DEPTH):
        drawn = None if key is None else jax.random.fold_in(key, layer)
        state = _layer(moved, layer, state, hidden, drawn)
    mean = (state * mask[:, :, None]).sum(1) / mask.sum(1, keepdims=True)
    embedded: jax.Array = mean / jnp.linalg.norm(mean, axis=-1, keepdims=True)
    return embedded


def _layer(
    moved: Parameters, layer: int, state: jax.Array, hidden: jax.Array, key: jax.Array | None
) -> jax.Array:
    keys = (None, None) if key is None else jax.random.split(key)
    seen = _times(moved, f"{layer}.out", _attention(moved, layer, state, hidden))
    first = _norm(moved, f"{layer}.first", state + _dropped(keys[0], seen))
    bent = jax.nn.gelu(_times(moved, f"{layer}.up", first), approximate=False)
    down = _dropped(keys[1], _times(moved, f"{layer}.down", bent))
    return _norm(moved, f"{layer}.second", first + down)


def _attention(moved: Parameters, layer: int, state: jax.Array, hidden: jax.Array) -> jax.Array:
    texts, tokens, _ = state.shape
    size = WIDTH // HEADS
    made = _times(moved, f"{layer}.qkv", state).reshape(texts, tokens, 3, HEADS, size)
    queries, keys, values = made[:, :, 0], made[:, :, 1], made[:, :, 2]
    near = jnp.einsum("nthd,nshd->nhts", queries, keys) / math.sqrt(size) + hidden
    seen = jnp.einsum("nhts,nshd->nthd", jax.nn.softmax(near), values)
    return seen.reshape(texts, tokens, WIDTH)


def _times(moved: Parameters, name: str, state: jax.Array) -> jax.Array:
    return state @ moved[f"{name}.w"] + moved[f"{name}.b"]


def _norm(moved: Parameters, name: str, state: jax.Array) -> jax.Array:
    mean = state.mean(-1, keepdims=True)
    spread = ((state - mean) ** 2).mean(-1, keepdims=True)
    even = (state - mean) * jax.lax.rsqrt(spread + EPSILON)
    return even * moved[f"{name}.w"] + moved[f"{name}.b"]


def _dropped(key: jax.Array | None, state: jax.Array) -> jax.Array:
    if key is None:
        return state
    kept = jax.random.bernoulli(key, 1.0 - DROPPED, state.shape)
    return jnp.where(kept, state / (1.0 - DROPPED), 0.0)
