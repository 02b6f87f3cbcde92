"""From signals to a probability, a speech act, categories and hooks. The weights are data."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from services.classification.domain import (
    Category,
    Entity,
    EntityKind,
    Hook,
    Label,
    Signal,
    SpeechAct,
)
from services.classification.rules import RuleSet
from services.classification.signals import is_inside, quoted_spans

_HALF: Final = 0.5
# Below this much evidence a speech act is a guess.
_EVIDENT: Final = 1.0
_MOST_REPEATED: Final = 4
_MANY: Final = 3
# The roles of concepts that say what is offered; those of the others how.
_SUBJECTS: Final = frozenset({"service", "frame"})
_ACTS: Final = {act.lower(): act for act in SpeechAct}
_HOOKS: Final = tuple(Hook)


@dataclass(frozen=True, slots=True)
class Scores:
    """``service``, ``offer`` and ``against``: log-odds by the rules.

    ``offer_act``: probability that the speech act is an OFFER, where a model gave one. ``subject``:
    whether a word that the rules know says what it is about: a journey, a way, a place or papers.
    """

    probability: float
    label: Label
    speech_act: SpeechAct
    categories: tuple[Category, ...]
    hooks: tuple[Hook, ...]
    service: float
    offer: float
    against: float
    fired: tuple[str, ...]
    offer_act: float = 1.0
    subject: bool = True


@dataclass(frozen=True, slots=True)
class _Evidence:
    concepts: frozenset[str]
    offer: float
    against: float
    acts: dict[SpeechAct, float]


def score(
    original: str, signals: Sequence[Signal], entities: Sequence[Entity], rules: RuleSet
) -> Scores:
    """Pure: the same signals and rules give the same scores."""
    evidence = _evidence(original, signals, entities, rules)
    service, fired, categories = _service(evidence.concepts, rules)
    odds = rules.score["bias"] + service + evidence.offer - evidence.against
    enough = rules.score["together_from"]
    if service >= enough and evidence.offer >= enough:
        odds += rules.score["together"]
    probability = round(1.0 / (1.0 + math.exp(-odds)), 4)
    advert = probability >= _HALF
    return Scores(
        probability,
        Label.SMUGGLING_ADVERT if advert else Label.NOT_ADVERT,
        _speech_act(advert, service, evidence),
        categories,
        _hooks(evidence.concepts, entities, rules),
        service,
        evidence.offer,
        evidence.against,
        fired,
        subject=any(rules.concepts[name].role in _SUBJECTS for name in evidence.concepts),
    )


def _evidence(
    original: str, signals: Sequence[Signal], entities: Sequence[Entity], rules: RuleSet
) -> _Evidence:
    counted: dict[str, int] = defaultdict(int)
    outside: set[str] = set()
    quotes = quoted_spans(original)
    for signal in signals:
        name = signal.concept
        counted[name] += 1
        if not quotes or not is_inside(quotes, signal.start, signal.end):
            outside.add(name)
    if counted.get("document", 0) >= _MANY:
        counted["many_documents"] = 1
    against, acts = _against(counted, outside, rules)
    speaks_against = against >= _EVIDENT
    offer = 0.0
    for name in counted:
        concept = rules.concepts[name]
        if concept.role == "offer":
            kept = 1.0 if name in outside or not speaks_against else rules.score["quoted"]
            offer += concept.weight * kept
    offer += _from_entities(entities, counted, rules)
    offer = min(offer, rules.score["offer_cap"])
    return _Evidence(frozenset(counted), offer, against, acts)


def _against(
    counted: dict[str, int], outside: set[str], rules: RuleSet
) -> tuple[float, dict[SpeechAct, float]]:
    """The weight against an advert, and for each act; said again, a concept counts more."""
    acts: dict[SpeechAct, float] = defaultdict(float)
    total = 0.0
    for name, count in counted.items():
        concept = rules.concepts[name]
        if concept.role == "against" and name in outside:
            more = 1.0 + rules.score["repeated_against"] * min(count - 1, _MOST_REPEATED)
            total -= concept.weight * more
            acts[_ACTS[concept.supports]] -= concept.weight * more * concept.act_share
    return min(total, rules.score["against_cap"]), acts


def _from_entities(entities: Sequence[Entity], counted: dict[str, int], rules: RuleSet) -> float:
    kinds = {entity.kind for entity in entities}
    weight = rules.score["phone"] * (EntityKind.PHONE in kinds)
    weight += rules.score["handle"] * (EntityKind.HANDLE in kinds)
    weight += rules.score["departure_entity"] * (EntityKind.DEPARTURE_TIME in kinds)
    if "price" not in counted:
        weight += rules.score["price_entity"] * (EntityKind.PRICE in kinds)
    return weight


def _service(
    concepts: frozenset[str], rules: RuleSet
) -> tuple[float, tuple[str, ...], tuple[Category, ...]]:
    fired = [rule for rule in rules.rules if rule.fires(concepts)]
    if not fired:
        return 0.0, (), ()
    strongest = max(rule.weight for rule in fired)
    categories = tuple(dict.fromkeys(c for rule in fired for c in rule.categories))
    further = rules.score["further_service"] * max(0, len(categories) - 1)
    total = min(strongest + further, rules.score["service_cap"])
    return total, tuple(rule.id for rule in fired), categories


def _speech_act(advert: bool, service: float, evidence: _Evidence) -> SpeechAct:
    if advert:
        return SpeechAct.OFFER
    act, weight = max(
        evidence.acts.items(), key=lambda item: item[1], default=(SpeechAct.UNKNOWN, 0.0)
    )
    if weight >= _EVIDENT:
        return act
    offered = service >= _EVIDENT and evidence.offer >= _EVIDENT
    return SpeechAct.OFFER if offered else SpeechAct.UNKNOWN


def _hooks(
    concepts: frozenset[str], entities: Sequence[Entity], rules: RuleSet
) -> tuple[Hook, ...]:
    found = {rules.concepts[name].supports for name in concepts}
    kinds = {entity.kind for entity in entities}
    if EntityKind.PRICE in kinds:
        found.add(Hook.PRICE)
    if EntityKind.DEPARTURE_TIME in kinds:
        found.add(Hook.DEPARTURE_DATE)
    return tuple(hook for hook in _HOOKS if hook in found)
