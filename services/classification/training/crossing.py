"""Cross-validation by author: what each model says of texts of writers that it has not seen.

Only the second writers' texts are judged: the lexica were widened on the first writers', whose
facts therefore look better than they are. Every text of the first writers is always fitted on.
"""

from __future__ import annotations

import multiprocessing
import os
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GroupKFold

from services.classification import heads
from services.classification.domain import SpeechAct
from services.classification.training import fast_fit, linear, semantic_fit, vectors
from services.classification.training.vectors import Read

FOLDS: Final = 5
# The authors of each language who wrote after the lexica had been widened.
SECOND: Final = (
    frozenset("fgijklnopqrstuvwxyz45789")
    | {f"a{letter}" for letter in "abcdefghiklnopqstuwz"}
    | {"ba", "bc"}
)
_OFFER: Final = heads.ACTS.index(SpeechAct.OFFER)
# The advert and the speech acts: what decisions rest on.
_DECIDING: Final = 1 + len(heads.ACTS)


@dataclass(frozen=True, slots=True)
class Unseen:
    """By text: calibrated log-odds of an advert, alone and together, and P(OFFER) of both.

    ``scale`` and ``shift`` calibrate the fast model's raw log-odds; ``together`` weighs its
    calibrated log-odds, the semantic margin, and one.
    """

    fast: NDArray[np.float64]
    both: NDArray[np.float64]
    fast_offer: NDArray[np.float64]
    both_offer: NDArray[np.float64]
    scale: float
    shift: float
    together: NDArray[np.float64]

    def cascade(
        self, unsure_from: float, unsure_to: float
    ) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.bool_]]:
        """Probabilities, P(OFFER), and which texts the semantic model was asked about."""
        alone = heads.sigmoid(self.fast)
        asked = (alone >= unsure_from) & (alone <= unsure_to)
        offer = np.where(asked, self.both_offer, self.fast_offer)
        return np.where(asked, heads.sigmoid(self.both), alone), offer, asked


def validate(texts: Sequence[Read], embedded: NDArray[np.float64]) -> Unseen:
    """Of the second writers' texts, in order; each judged by models fitted without its author."""
    second = second_writers(texts)
    truth = vectors.labels(texts)[second, 0]
    raw, margins, fast_offer, sense_offer = found = np.zeros((4, len(second)))
    authors = [texts[place].item.author for place in second]
    folds = [held for _, held in GroupKFold(FOLDS).split(second, truth, authors)]
    # A process for each core, forked: what is fitted on is shared, not sent.
    workers = min(FOLDS, os.cpu_count() or 1)
    with ProcessPoolExecutor(workers, multiprocessing.get_context("fork"), _share,
                             (texts, embedded)) as pool:  # fmt: skip
        for held, said in zip(folds, pool.map(_judge, (second[one] for one in folds)), strict=True):
            found[:, held] = said
    scale, shift = calibration(raw[:, None], truth)
    fast = raw * scale[0] + shift
    weights, constant = calibration(np.column_stack([fast, margins]), truth)
    together = np.array([*weights, constant])
    both = fast * together[0] + margins * together[1] + together[2]
    share = semantic_fit.SHARE
    both_offer = (1 - share) * fast_offer + share * sense_offer
    return Unseen(fast, both, fast_offer, both_offer, float(scale[0]), shift, together)


_shared: dict[str, Any] = {}


def _share(texts: Sequence[Read], embedded: NDArray[np.float64]) -> None:
    _shared.update(texts=texts, embedded=embedded)


def _judge(places: NDArray[np.int64]) -> NDArray[np.float64]:
    """Raw log-odds, margins and both models' P(OFFER) of these texts, fitted on all others."""
    texts, embedded = _shared["texts"], _shared["embedded"]
    train = np.setdiff1d(np.arange(len(texts)), places)
    seen, unseen = [texts[i] for i in train], [texts[i] for i in places]
    model = fast_fit.fit(seen, _DECIDING).model()
    said = [model.answers(text.words, text.facts) for text in unseen]
    sense = semantic_fit.fit(seen, embedded[train])
    points = sense.points(unseen, embedded[places])
    weights, constants = linear.fit(
        sense.points(seen, embedded[train]),
        vectors.labels(seen),
        range(1, _DECIDING),
        semantic_fit.LINEAR_STRENGTH,
    )
    return np.array(
        [
            [one.advert for one in said],
            sense.margins(points),
            [one.acts[_OFFER] for one in said],
            _offers(points @ weights + constants),
        ]
    )


def second_writers(texts: Sequence[Read]) -> NDArray[np.int64]:
    """Places of the texts that nobody read who widened the lexica."""
    return np.flatnonzero([text.item.writer in SECOND for text in texts])


def calibration(
    scores: NDArray[np.float64], truth: NDArray[np.float64]
) -> tuple[NDArray[np.float64], float]:
    """Platt's: the logistic curve that turns scores of unseen texts into log-odds."""
    model = LogisticRegression(C=1e3, max_iter=1000).fit(scores, truth)
    return model.coef_[0], float(model.intercept_[0])


def calibrated(fitted: fast_fit.Fitted, unseen: Unseen) -> fast_fit.Fitted:
    """The fitted fast model with its advert head calibrated, so that it needs no step after it."""
    known: dict[str, NDArray[Any]] = dict(fitted.arrays)
    for name in ("terms", "facts"):
        column = known[name].astype(np.float64)
        column[:, 0] *= unseen.scale
        known[name] = vectors.shown(column)
    bias = known["bias"].astype(np.float64)
    bias[0] = bias[0] * unseen.scale + unseen.shift
    known["bias"] = bias.astype(np.float32)
    return replace(fitted, arrays=known)


def _offers(raw: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.array([heads.answers(row).acts[_OFFER] for row in raw])
