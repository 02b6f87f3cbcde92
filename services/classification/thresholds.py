"""The thresholds of the decision policy that training chose, as data: model/thresholds.json."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated, Final

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from services.classification import heads
from services.classification.arrays import ModelFileError
from services.classification.rules import Policy

FILE: Final = "thresholds.json"
_LARGEST: Final = 1 << 20
Share = Annotated[float, Field(ge=0.0, le=1.0)]


class ThresholdData(BaseModel):
    """``refer`` by content kind, with ``default`` for every other; see docs/classification.md.

    ``precision`` is what was asked of the texts that thresholds were chosen on, ``offer_act`` and
    ``against`` what else a referral needs. Between ``unsure_from`` and ``unsure_to`` the semantic
    model is asked.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    precision: Share
    refer: Mapping[str, Share]
    offer_act: Share
    against: Annotated[float, Field(ge=0.0, le=10.0)]
    suggest_reject: Share
    unsure_from: Share
    unsure_to: Share


@dataclass(frozen=True, slots=True)
class Thresholds:
    data: ThresholdData
    sha256: str

    def applied(self, policy: Policy, kind: str) -> Policy:
        """The policy with these thresholds, for a content kind in lower case or empty."""
        return replace(
            policy,
            refer_probability=self.data.refer.get(kind, self.data.refer["default"]),
            refer_offer_act=self.data.offer_act,
            refer_against_at_most=self.data.against,
            reject_probability=self.data.suggest_reject,
        )

    def unsure(self, log_odds: float) -> bool:
        return self.data.unsure_from <= heads.probability(log_odds) <= self.data.unsure_to

    def described(self) -> dict[str, str]:
        kinds = {f"refer_probability.{k}": str(v) for k, v in self.data.refer.items()}
        return kinds | {
            "precision_asked": str(self.data.precision),
            "unsure": f"{self.data.unsure_from} to {self.data.unsure_to}",
        }


def load(folder: Path) -> Thresholds:
    """Raises ModelFileError when the file is missing, damaged, or names no default."""
    try:
        with (folder / FILE).open("rb") as source:
            raw = source.read(_LARGEST)
        data = ThresholdData.model_validate(json.loads(raw))
    except OSError as error:
        raise ModelFileError(f"{FILE}: cannot be opened ({error.strerror})") from error
    except (ValidationError, ValueError) as error:
        raise ModelFileError(f"{FILE}: damaged ({type(error).__name__})") from error
    if "default" not in data.refer:
        raise ModelFileError(f"{FILE}: refer names no default")
    return Thresholds(data, hashlib.sha256(raw).hexdigest())
