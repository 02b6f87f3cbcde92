"""Cross-validation by writer: what each model says of texts of writers that it has not seen.

Only the second writers' texts are judged: the lexica were widened on the first writers', whose
facts therefore look better than they are. Every text of the first writers is always fitted on.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GroupKFold

from services.classification import heads, semantic
from services.classification.domain import SpeechAct
from services.classification.training import fast_fit, semantic_fit, vectors
from services.classification.training.vectors import Read

# Tuning takes minutes, and a text's writer must not be seen in any language: two halves.
FOLDS: Final = 2
# The authors of each language who wrote after the lexica had been widened.
SECOND: Final = (
    frozenset("fgijklnopqrstuvwxyz45789")
    | {f"a{letter}" for letter in "abcdefghiklnopqstuwz"}
    | {f"b{letter}" for letter in "abcdefhijklnopqrstuvw"}
    | {"ci", "cl", "cq", "cr", "cs", "ct", "cu", "cv", "cw", "cx"}
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


def validate(texts: Sequence[Read], say: Callable[[str], None]) -> Unseen:
    """Of the second writers' texts, in order; each judged by models fitted without its writer."""
    second = second_writers(texts)
    truth = vectors.labels(texts)[second, 0]
    raw, margins, fast_offer, sense_offer = found = np.zeros((4, len(second)))
    writers = [texts[place].item.writer for place in second]
    for turn, (_, held) in enumerate(GroupKFold(FOLDS).split(second, truth, writers), 1):
        say(f"fold {turn} of {FOLDS}")
        found[:, held] = _judge(texts, second[held], say)
    scale, shift = calibration(raw[:, None], truth)
    fast = raw * scale[0] + shift
    weights, constant = calibration(np.column_stack([fast, margins]), truth)
    together = np.array([*weights, constant])
    both = fast * together[0] + margins * together[1] + together[2]
    share = semantic_fit.SHARE
    both_offer = (1 - share) * fast_offer + share * sense_offer
    return Unseen(fast, both, fast_offer, both_offer, float(scale[0]), shift, together)


def _judge(
    texts: Sequence[Read], places: NDArray[np.int64], say: Callable[[str], None]
) -> NDArray[np.float64]:
    """Raw log-odds, margins and both models' P(OFFER) of these texts, fitted on all others."""
    train = np.setdiff1d(np.arange(len(texts)), places)
    seen, unseen = [texts[i] for i in train], [texts[i] for i in places]
    model = fast_fit.fit(seen, _DECIDING).model()
    said = [model.answers(text.words, text.facts) for text in unseen]
    sense = _meant(semantic_fit.fit(seen, say), unseen)
    return np.array(
        [
            [one.advert for one in said],
            [one.advert for one in sense],
            [one.acts[_OFFER] for one in said],
            [one.acts[_OFFER] for one in sense],
        ]
    )


def _meant(fitted: semantic_fit.Fitted, unseen: Sequence[Read]) -> list[heads.Answers]:
    """As the service would have it: in eight bits, one text at a time."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        fitted.save(folder, np.array([0.0, 1.0, 0.0]))
        model = semantic.load(folder)
        embedder = semantic.Embedder(folder / semantic.LAYERS, model.layers)
    return [model.alone(embedder.embed(text.original), text.facts) for text in unseen]


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
