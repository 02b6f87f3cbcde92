"""The rule set as data: concepts, the rules that combine them, and the decision policy."""

from __future__ import annotations

import hashlib
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from services.classification.domain import Category, Hook, SpeechAct

FOLDER: Final = Path(__file__).with_name("ruleset")
_ROLES: Final = frozenset({"service", "offer", "against", "frame"})


@dataclass(frozen=True, slots=True)
class Concept:
    """``supports``: a category, a hook or a speech act, in lower snake case."""

    name: str
    role: str
    supports: str
    weight: float
    says: str
    # How much of the weight counts when the speech act is chosen.
    act_share: float = 1.0


@dataclass(frozen=True, slots=True)
class Rule:
    """Fires when one of each group in ``every`` is there and none of ``absent``."""

    id: str
    every: tuple[frozenset[str], ...]
    absent: frozenset[str]
    weight: float
    categories: tuple[Category, ...]

    def fires(self, concepts: frozenset[str]) -> bool:
        for group in self.every:
            if group.isdisjoint(concepts):
                return False
        return self.absent.isdisjoint(concepts)


@dataclass(frozen=True, slots=True)
class Policy:
    """When an assessment suggests a referral or a rejection; everything else is a person's."""

    refer_probability: float
    refer_speech_acts: frozenset[SpeechAct]
    refer_against_at_most: float
    refer_needs_category: bool
    refer_needs_subject: bool
    reject_probability: float
    reject_speech_acts: frozenset[SpeechAct]
    well_read_languages: frozenset[str]
    language_confidence: float
    review_kinds: frozenset[str]
    known_kinds: frozenset[str]
    # How likely a model must hold the speech act to be an OFFER; rules give no probability.
    refer_offer_act: float = 0.0

    def described(self) -> dict[str, str]:
        """Key and value as text, for DescribeModel."""
        return {
            name: ", ".join(sorted(map(str, value))) if isinstance(value, frozenset) else str(value)
            for name, value in ((slot, getattr(self, slot)) for slot in self.__slots__)
        }


@dataclass(frozen=True, slots=True)
class RuleSet:
    concepts: Mapping[str, Concept]
    rules: tuple[Rule, ...]
    score: Mapping[str, float]
    policy: Policy
    sha256: str


def read(folder: Path = FOLDER) -> RuleSet:
    """Raises ValueError naming what is wrong with the data."""
    digest = hashlib.sha256()
    data: dict[str, dict[str, Any]] = {}
    for name in ("concepts", "rules", "policy", "emoji"):
        raw = (folder / f"{name}.toml").read_bytes()
        digest.update(raw)
        data[name] = tomllib.loads(raw.decode("utf-8"))
    concepts = {name: _concept(name, entry) for name, entry in data["concepts"].items()}
    rules = tuple(_rule(entry, concepts) for entry in data["rules"]["rule"])
    score = {name: float(value) for name, value in data["rules"]["score"].items()}
    return RuleSet(concepts, rules, score, _policy(data["policy"]), digest.hexdigest())


def _concept(name: str, entry: Mapping[str, Any]) -> Concept:
    known = {*Category, *Hook, *(act.lower() for act in SpeechAct)}
    if entry["role"] not in _ROLES or entry["supports"] not in known:
        raise ValueError(f"concept {name}: unknown role or unknown word in supports")
    weight = float(entry.get("weight", 0.0))
    share = float(entry.get("act_share", 1.0))
    return Concept(name, entry["role"], entry["supports"], weight, entry["says"], share)


def _rule(entry: Mapping[str, Any], concepts: Mapping[str, Concept]) -> Rule:
    groups = tuple(frozenset(group.split("|")) for group in entry["all"])
    absent = frozenset(entry.get("none", ()))
    unknown = frozenset().union(absent, *groups) - concepts.keys()
    if unknown:
        raise ValueError(f"rule {entry['id']}: no concept {', '.join(sorted(unknown))}")
    categories = tuple(Category(word) for word in entry["categories"])
    return Rule(entry["id"], groups, absent, float(entry["weight"]), categories)


def _policy(data: Mapping[str, Any]) -> Policy:
    refer, reject = data["refer"], data["suggest_reject"]
    return Policy(
        refer_probability=float(refer["probability"]),
        refer_speech_acts=_acts(refer["speech_acts"]),
        refer_against_at_most=float(refer["against_at_most"]),
        refer_needs_category=bool(refer["needs_category"]),
        refer_needs_subject=bool(refer["needs_subject"]),
        reject_probability=float(reject["probability"]),
        reject_speech_acts=_acts(reject["speech_acts"]),
        well_read_languages=frozenset(data["languages"]["well_read"]),
        language_confidence=float(data["languages"]["confidence"]),
        review_kinds=frozenset(data["always_review"]["kinds"]),
        known_kinds=frozenset(data["kinds"]["known"]),
    )


def _acts(words: Iterable[str]) -> frozenset[SpeechAct]:
    return frozenset(SpeechAct(word) for word in words)
