"""``make evaluate``: how good the models of the release are, on texts that they have not seen.

Cross-validated on train and validation (every text judged without its writer), once on the test
split, and once on the writer of whom nothing was fitted on. Writes build/evaluation/report.json,
the plots and docs/classification-figures.md.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Final

for _name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(_name, "1")

import numpy as np  # noqa: E402

from services.classification import engines, thresholds  # noqa: E402
from services.classification.domain import (  # noqa: E402
    AssessmentInput,
    AssessmentResult,
    Category,
    Decision,
    Engine,
    Hook,
    SpeechAct,
)
from services.classification.training import cards, corpus, figures, pages  # noqa: E402
from services.classification.training.corpus import REFERENCE, Item  # noqa: E402

ROOT: Final = Path(__file__).resolve().parents[3]
BUILD: Final = ROOT / "build" / "evaluation"
PAGE: Final = ROOT / "docs" / "classification-figures.md"
CARD: Final = ROOT / "docs" / "classification-model-card.md"
# Minutes a person needs for one review, to give the cost of review in hours (an assumption).
REVIEW_MINUTES: Final = 3.0
Judged = Sequence[tuple[Item, AssessmentResult]]


def judge(engine: Engine, items: Sequence[Item]) -> Judged:
    texts = [AssessmentInput(item.id, item.text, REFERENCE, kind="post") for item in items]
    return list(zip(items, engine.assess_all(texts), strict=True))


def measured(judged: Judged) -> dict[str, Any]:
    """All figures of some judged texts."""
    truth = np.array([item.advert for item, _ in judged], bool)
    probability = np.array([result.probability for _, result in judged])
    return {
        **figures.detection(probability, truth),
        **decisions(judged),
        "speech_act_right": figures.ratio(
            sum(item.speech_act is result.speech_act for item, result in judged), len(judged)
        ),
        "departures": departures(judged),
    }


def decisions(judged: Judged) -> dict[str, Any]:
    referred = [item for item, result in judged if result.decision is Decision.REFER]
    rejected = [item for item, result in judged if result.decision is Decision.SUGGEST_REJECT]
    protected = sum(item.protected for item, _ in judged)
    reviewed = len(judged) - len(referred)
    return {
        "referred": len(referred),
        "refer_right": figures.ratio(sum(item.advert for item in referred), len(referred)),
        "adverts_referred": figures.ratio(
            sum(item.advert for item in referred), sum(item.advert for item, _ in judged)
        ),
        "protected": protected,
        "protected_referred": figures.ratio(sum(item.protected for item in referred), protected),
        "suggest_reject": len(rejected),
        "adverts_among_rejected": figures.ratio(
            sum(item.advert for item in rejected), len(rejected)
        ),
        "review_minutes_per_100": round(100 * REVIEW_MINUTES * reviewed / max(1, len(judged))),
    }


def departures(judged: Judged) -> dict[str, Any]:
    """Of adverts that state one, resolved exactly; of all others, found all the same."""
    stated = [(i, r) for i, r in judged if i.departs is not None]
    right = sum(
        r.departure_time is not None and r.departure_time.replace(tzinfo=None) == i.departs
        for i, r in stated
    )
    others = [r for i, r in judged if i.departs is None]
    return {
        "stated": len(stated),
        "resolved": figures.ratio(right, len(stated)),
        "invented": figures.ratio(sum(r.departure_time is not None for r in others), len(others)),
    }


def many(judged: Judged, wanted: Callable[[Item], Sequence[str]],
         given: Callable[[AssessmentResult], Sequence[str]], names: Sequence[str],
         ) -> dict[str, Any]:  # fmt: skip
    """Precision and recall of each of several labels, over adverts."""
    found = {}
    for name in names:
        true = sum(name in wanted(item) for item, _ in judged)
        said = sum(name in given(result) for _, result in judged)
        right = sum(name in wanted(i) and name in given(r) for i, r in judged)
        found[name] = {
            "texts": true,
            "precision": figures.ratio(right, said),
            "recall": figures.ratio(right, true),
        }
    return found


def report(engine: Engine, items: Sequence[Item]) -> dict[str, Any]:
    judged = judge(engine, items)
    adverts = [(item, result) for item, result in judged if item.advert]
    languages = sorted({item.language for item in items})
    return {
        "all": measured(judged),
        "languages": {
            code: measured([(i, r) for i, r in judged if i.language == code]) for code in languages
        },
        "difficulty": {
            name: measured([(i, r) for i, r in judged if i.difficulty == name])
            for name in ("plain", "hard", "obfuscated")
        },
        "speech_acts": {
            act.value: decisions([(i, r) for i, r in judged if i.speech_act is act])
            for act in SpeechAct
        },
        "categories": many(adverts, lambda i: i.categories, lambda r: r.categories, list(Category)),
        "hooks": many(adverts, lambda i: i.hooks, lambda r: r.hooks, list(Hook)),
        "reliability": figures.reliability(
            np.array([r.probability for _, r in judged]), np.array([i.advert for i, _ in judged])
        ),
    }


def main() -> int:
    items = corpus.load()
    tested = [item for item in items if item.split == "test"]
    facts = json.loads((engines.MODEL / cards.FILE).read_text("utf-8"))
    found: dict[str, Any] = {"cross_validated": facts["cross_validated"], "test": {}}
    for kind in ("rules", "fast", "cascade"):
        engine = engines.load(kind)
        found["test"][kind] = report(engine, tested)
        found["model_version"] = engine.version
        sys.stdout.write(f"{kind}: {json.dumps(found['test'][kind]['all'])}\n")
    # By the last of them, the cascade, as it serves.
    found["unseen"] = {}
    for kind in dict.fromkeys(corpus.UNSEEN.values()):
        writers = [name for name, wrote in corpus.UNSEEN.items() if wrote == kind]
        said = report(engine, [item for item in items if item.writer in writers])
        found["unseen"][kind] = {"writers": writers, **said}
        sys.stdout.write(f"unseen writers, {kind}: {json.dumps(said['all'])}\n")
    BUILD.mkdir(parents=True, exist_ok=True)
    (BUILD / "report.json").write_text(json.dumps(found, indent=1) + "\n", "utf-8")
    pages.write(PAGE, found)
    chosen = json.loads((engines.MODEL / thresholds.FILE).read_text("utf-8"))
    pages.card(CARD, facts, chosen)
    return 0


if __name__ == "__main__":
    sys.exit(main())
