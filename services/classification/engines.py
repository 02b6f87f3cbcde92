"""Which engine serves: the rules alone, with the fast model, or with the semantic one too."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Final, Literal

from threadpoolctl import threadpool_limits

from services.classification import engine, fast, semantic, thresholds
from services.classification.cascade import ModelEngine
from services.classification.domain import Engine
from services.classification.lazy import Lazy

MODEL: Final = Path(__file__).with_name("model")
Kind = Literal["rules", "fast", "cascade"]


def load(kind: Kind = "cascade", folder: Path = MODEL, threads: int = 1) -> Engine:
    """The engine of this release, or of another model package in ``folder``.

    The semantic model embeds on ``threads`` threads. Limits this process's BLAS to one.

    Raises ValueError, naming the file, when rules or models are missing or damaged. The semantic
    extra need not be there: what would have needed it says so.
    """
    if kind == "rules":
        return engine.load()
    # An assessment has small matrices: more threads of BLAS end no call sooner, and spin after it.
    # That took another core for as long again as the whole assessment.
    threadpool_limits(1, user_api="blas")
    # The models first: a damaged package is refused before the lexica are read.
    meaning = _meaning(folder, threads) if kind == "cascade" else None
    quick, chosen = fast.load(folder), thresholds.load(folder)
    return ModelEngine(engine.load(), quick, chosen, meaning)


def _meaning(folder: Path, threads: int) -> semantic.Meaning:
    model = semantic.load(folder)
    layers = folder / semantic.LAYERS
    return semantic.Meaning(model, Lazy(partial(semantic.Embedder, layers, model.layers, threads)))
