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
    """Texts by WIDTH, each of length one; the last layer's two matrices see the tokens' mean."""
    state = _norm(moved, "start", given)
    for layer in range(DEPTH):
        drawn = (None, None)
        if key is not None:
            drawn = tuple(jax.random.split(jax.random.fold_in(key, layer)))
        state = _attended(moved, layer, state, mask, drawn[0])
        if layer == DEPTH - 1:
            state = (state * mask[:, :, None]).sum(1) / mask.sum(1, keepdims=True)
        state = _bent(moved, layer, state, drawn[1])
    embedded: jax.Array = state / jnp.linalg.norm(state, axis=-1, keepdims=True)
    return embedded


def _attended(
    moved: Parameters, layer: int, state: jax.Array, mask: jax.Array, key: jax.Array | None
) -> jax.Array:
    hidden = jnp.where(mask, 0.0, _NOWHERE)[:, None, None, :]
    seen = _times(moved, f"{layer}.out", _attention(moved, layer, state, hidden))
    return _norm(moved, f"{layer}.first", state + _dropped(key, seen))


def _bent(moved: Parameters, layer: int, state: jax.Array, key: jax.Array | None) -> jax.Array:
    bent = jax.nn.gelu(_times(moved, f"{layer}.up", state), approximate=False)
    down = _dropped(key, _times(moved, f"{layer}.down", bent))
    return _norm(moved, f"{layer}.second", state + down)


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
