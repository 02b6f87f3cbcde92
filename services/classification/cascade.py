"""The engine with trained models: the fast one answers, the semantic one where it is unsure.

What is read, explained and found (signals, entities, departure, language) is the rules' work and
the same with and without models; probability, speech act, categories and hooks are the models'.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Final

from services.classification import features, heads, together
from services.classification.domain import (
    AssessmentInput,
    AssessmentResult,
    Category,
    EngineDescription,
    Entity,
    Label,
    SpeechAct,
)
from services.classification.engine import Reading, RuleEngine
from services.classification.fast import FastModel
from services.classification.rules import Policy
from services.classification.scoring import Scores
from services.classification.semantic import Meaning, SemanticUnavailableError
from services.classification.thresholds import Thresholds

# Raised by hand when the code changes what the same data would say.
CODE_VERSION: Final = "1"
_HALF: Final = 0.5
# What is that unlikely to be an advert is given no category.
_OFFERED: Final = 0.2
# A category is one of several, mostly: it is named well before it is likelier than not.
_NAMED: Final = 0.35
_OFFER: Final = heads.ACTS.index(SpeechAct.OFFER)


class ModelEngine:
    """``fast`` alone, or with ``meaning`` for what it is unsure of. Safe from several threads."""

    def __init__(
        self,
        rules: RuleEngine,
        fast: FastModel,
        thresholds: Thresholds,
        meaning: Meaning | None = None,
    ) -> None:
        self._rules = rules
        self._fast = fast
        self._thresholds = thresholds
        self._meaning = meaning
        parts = (rules.describe().data_sha256, fast.sha256, thresholds.sha256,
                 meaning.model.sha256 if meaning else "")  # fmt: skip
        self._sha256 = hashlib.sha256("".join(parts).encode("ascii")).hexdigest()
        self._version = f"{self._kind}-{CODE_VERSION}-{self._sha256[:12]}"
        # Kinds without a threshold of their own share the default's policy, under "".
        kinds = ("", *thresholds.data.refer)
        self._policies = {kind: thresholds.applied(rules.policy, kind) for kind in kinds}

    @property
    def version(self) -> str:
        return self._version

    @property
    def _kind(self) -> str:
        return "cascade" if self._meaning else "fast"

    def describe(self) -> EngineDescription:
        of_rules = self._rules.describe()
        return replace(
            of_rules,
            model_version=self.version,
            engine=self._kind,
            data_sha256=self._sha256,
            policy=self._policy("").described() | self._thresholds.described(),
        )

    def entities(self, item: AssessmentInput) -> tuple[Entity, ...]:
        return self._rules.entities(item)

    def assess(self, item: AssessmentInput) -> AssessmentResult:
        """Assess one text, whatever it holds; see ``Engine``."""
        return self.assess_all([item])[0]

    def assess_all(self, items: Sequence[AssessmentInput]) -> list[AssessmentResult]:
        return together.assessed(items, self._assessed)

    def _assessed(self, items: Sequence[AssessmentInput]) -> list[AssessmentResult]:
        readings = self._rules.read_all(items)
        answered = self._answers(readings)
        scored = [
            _scores(one, answers) for one, (answers, _) in zip(readings, answered, strict=True)
        ]
        return [
            self._rules.concluded(
                item, reading, scores, self._policy(item.kind), self._version, warnings
            )
            for item, reading, scores, (_, warnings) in zip(
                items, readings, scored, answered, strict=True
            )
        ]

    def _policy(self, kind: str) -> Policy:
        return self._policies.get(kind, self._policies[""])

    def _answers(self, readings: Sequence[Reading]) -> list[tuple[heads.Answers, tuple[str, ...]]]:
        """What the models answer of each reading, and its warnings; step by step too."""
        words = [features.words(reading.text.tokens) for reading in readings]
        facts = [
            features.facts(one.text.original, one.signals, one.entities, one.scores)
            for one in readings
        ]
        answers = list(map(self._fast.answers, words, facts))
        return [
            self._surer(one, known, quick) if read else (quick, ())
            for one, read, known, quick in zip(readings, words, facts, answers, strict=True)
        ]

    def _surer(
        self, reading: Reading, facts: Mapping[str, float], quick: heads.Answers
    ) -> tuple[heads.Answers, tuple[str, ...]]:
        """With the semantic model where the fast one is unsure; a warning where it cannot be."""
        if self._meaning is None or not self._thresholds.unsure(quick.advert):
            return quick, ()
        try:
            embedded = self._meaning.embedder.get().embed(reading.text.original)
        except SemanticUnavailableError as error:
            return quick, (f"decided without the semantic model: {error}",)
        return self._meaning.model.answers(quick, embedded, facts), ()


def _scores(reading: Reading, answers: heads.Answers) -> Scores:
    probability = round(heads.probability(answers.advert), 4)
    advert = probability >= _HALF
    categories: tuple[Category, ...] = ()
    if probability >= _OFFERED:
        likely = answers.categories
        likeliest = likely.index(max(likely))
        categories = tuple(
            category
            for place, category in enumerate(heads.CATEGORIES)
            if likely[place] >= _NAMED or (advert and place == likeliest)
        )
    # A hook's words are plain words: where an advert has them, the rules are right about it.
    plain = reading.scores.hooks if advert else ()
    hooks = tuple(
        hook
        for hook, likelihood in zip(heads.HOOKS, answers.hooks, strict=True)
        if likelihood >= _HALF or hook in plain
    )
    return Scores(
        probability=probability,
        label=Label.SMUGGLING_ADVERT if advert else Label.NOT_ADVERT,
        speech_act=SpeechAct.OFFER if advert else _other_act(answers),
        categories=categories,
        hooks=hooks,
        service=reading.scores.service,
        offer=reading.scores.offer,
        against=reading.scores.against,
        fired=reading.scores.fired,
        offer_act=answers.acts[_OFFER],
        subject=reading.scores.subject,
    )


def _other_act(answers: heads.Answers) -> SpeechAct:
    """What it is when it is no advert."""
    rest = list(answers.acts)
    rest[_OFFER] = 0.0
    return heads.ACTS[rest.index(max(rest))]
