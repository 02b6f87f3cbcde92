"""The facts of a model: what it was fitted on, and how it did on texts that it had not seen."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any, Final

import numpy as np

from services.classification import heads
from services.classification.thresholds import ThresholdData
from services.classification.training import figures
from services.classification.training.crossing import FOLDS, Unseen
from services.classification.training.vectors import Read

FILE: Final = "facts.json"
# The reference that drift is measured against: shares of scores in tenths.
BINS: Final = 10


def facts(
    texts: Sequence[Read], judged: Sequence[Read], unseen: Unseen, chosen: ThresholdData
) -> dict[str, Any]:
    """JSON-ready; the model card and the transparency record are written from it.

    ``judged``: the texts that ``unseen`` is about.
    """
    probability, _, asked = unseen.cascade(chosen.unsure_from, chosen.unsure_to)
    truth = np.array([text.item.advert for text in judged])
    languages = Counter(text.item.language for text in texts)
    histogram = np.histogram(probability, BINS, (0.0, 1.0))[0] / max(1, len(judged))
    return {
        "texts": len(texts),
        "adverts": sum(text.item.advert for text in texts),
        "languages": dict(sorted(languages.items())),
        "folds": FOLDS,
        "score_histogram": [round(float(share), 4) for share in histogram],
        "semantic_asked": round(float(asked.mean()), 4),
        "cross_validated": {
            "fast": figures.detection(heads.sigmoid(unseen.fast), truth),
            "together": figures.detection(heads.sigmoid(unseen.both), truth),
            "cascade": figures.detection(probability, truth),
        },
    }
