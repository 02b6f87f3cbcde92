"""The rule engine behind the Assess protocol. A trained model takes its place behind ``Engine``."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Final

from services.classification import (
    decision,
    departure,
    entities,
    explain,
    language,
    lexica,
    scoring,
    signals,
    together,
)
from services.classification import rules as ruleset
from services.classification.domain import (
    MAX_TEXT,
    AssessmentInput,
    AssessmentResult,
    EngineDescription,
    Entity,
    EntityKind,
    LanguageGuess,
    Signal,
    SpeechAct,
)
from services.classification.matcher import MAX_MATCHES
from services.classification.normalise import Normalised, normalise

# Raised by hand when the code changes what the same data would say; the digest covers the data.
CODE_VERSION: Final = "1"
_DEPARTURE_FROM: Final = 0.1
# JSON can carry half a character, which is no Unicode text and cannot be written again.
_HALF_CHARACTER: Final = re.compile("[\ud800-\udfff]")


@dataclass(frozen=True, slots=True)
class Reading:
    """What the rules see in a text; ``matched`` counts phrases before any was left out."""

    text: Normalised
    guesses: tuple[LanguageGuess, ...]
    signals: tuple[Signal, ...]
    entities: tuple[Entity, ...]
    scores: scoring.Scores
    matched: int


class RuleEngine:
    """Reads its data once; ``assess`` is pure and may be called from several threads."""

    def __init__(
        self,
        known: lexica.Lexica,
        rules: ruleset.RuleSet,
        model: language.Model,
        warnings: tuple[str, ...] = (),
    ) -> None:
        self._lexica = known
        self._rules = rules
        self._model = model
        self._warnings = warnings
        self._sha256 = hashlib.sha256((known.sha256 + rules.sha256).encode("ascii")).hexdigest()
        self._version = f"rules-{CODE_VERSION}-{self._sha256[:12]}"

    @property
    def version(self) -> str:
        return self._version

    def describe(self) -> EngineDescription:
        return EngineDescription(
            self.version,
            "rules",
            tuple(sorted(self._lexica.languages)),
            self._sha256,
            self._lexica.phrases.size + len(self._rules.rules),
            self._rules.policy.described(),
        )

    @property
    def policy(self) -> ruleset.Policy:
        return self._rules.policy

    def assess(self, item: AssessmentInput) -> AssessmentResult:
        """Assess one text, whatever it holds; see ``Engine``."""
        return self.assess_all([item])[0]

    def assess_all(self, items: Sequence[AssessmentInput]) -> list[AssessmentResult]:
        return together.assessed(items, self._assessed)

    def _assessed(self, items: Sequence[AssessmentInput]) -> list[AssessmentResult]:
        return [
            self.concluded(item, reading, reading.scores, self._rules.policy, self._version)
            for item, reading in zip(items, self.read_all(items), strict=True)
        ]

    def entities(self, item: AssessmentInput) -> tuple[Entity, ...]:
        return self.read(item).entities

    def read(self, item: AssessmentInput) -> Reading:
        """Everything that the rules find in a text, before anything is decided."""
        return self.read_all([item])[0]

    def read_all(self, items: Sequence[AssessmentInput]) -> list[Reading]:
        """``read`` of each, in order; step by step, see ``together``."""
        texts = [self._normalised(item) for item in items]
        every = [self._lexica.phrases.match(text.tokens) for text in texts]
        guessed = [
            language.identify(text, found, self._lexica, self._model, item.language_hint)
            for text, found, item in zip(texts, every, items, strict=True)
        ]
        matched = list(map(language.believed, every, guessed))
        signalled = [
            signals.build(text, matches, self._rules.concepts, guesses)
            for text, matches, guesses in zip(texts, matched, guessed, strict=True)
        ]
        named = [
            entities.find(text, matches, guesses[0].code)
            for text, matches, guesses in zip(texts, matched, guessed, strict=True)
        ]
        leaving = [
            departure.find(text, matches, item.now)
            for text, matches, item in zip(texts, matched, items, strict=True)
        ]
        said = [(*found, *times) for found, times in zip(named, leaving, strict=True)]
        scored = [
            scoring.score(text.original, found, ones, self._rules)
            for text, found, ones in zip(texts, signalled, said, strict=True)
        ]
        counts = map(len, every)
        return list(map(Reading, texts, guessed, signalled, said, scored, counts))

    def _normalised(self, item: AssessmentInput) -> Normalised:
        original = _HALF_CHARACTER.sub("\ufffd", item.whole[:MAX_TEXT])
        text = normalise(original)
        text.tokens[:] = signals.split_joined(text.tokens, self._lexica)
        text.tokens[:] = signals.join_parted(text.tokens, original, self._lexica.phrases.knows)
        text.tokens[:] = signals.part_glued(text, self._lexica.names_time)
        return text

    def concluded(
        self,
        item: AssessmentInput,
        reading: Reading,
        scores: scoring.Scores,
        policy: ruleset.Policy,
        version: str,
        warnings: tuple[str, ...] = (),
    ) -> AssessmentResult:
        """The result that these scores, of the rules or of a model, come to under a policy."""
        guesses, found = reading.guesses, reading.signals
        original = reading.text.original
        leaves = _departure_time(reading, scores)
        complete = bool(original.strip()) and len(item.whole) <= MAX_TEXT
        outcome = decision.decide(policy, scores, guesses, item.kind, complete)
        return AssessmentResult(
            id=item.id,
            probability=scores.probability,
            label=scores.label,
            speech_act=scores.speech_act,
            categories=scores.categories,
            hooks=scores.hooks,
            languages=guesses,
            entities=tuple(sorted(reading.entities, key=lambda e: (e.start, e.end, e.kind))),
            signals=found,
            explanation=explain.explain(
                original, scores, found, guesses, self._rules.concepts, self._lexica.name,
                outcome, leaves,
            ),
            decision=outcome[0],
            model_version=version,
            departure_time=leaves,
            warnings=(
                *self._warnings, *warnings, *_warnings(item, guesses[0].code, reading.matched)
            ),
            doubtful=bool(decision.doubt(policy, guesses, item.kind, complete)),
        )  # fmt: skip


@cache
def load() -> RuleEngine:
    """The engine of this release: one, whatever models use it, for its phrases take 20 to 35 MB.

    Raises ValueError, naming the file, when its data is damaged; a missing language model is
    only a warning in every assessment.
    """
    model, warning = language.load_model()
    known = lexica.read()
    rules = ruleset.read()
    strange = known.concepts - rules.concepts.keys()
    if strange:
        raise ValueError(f"the lexica name unknown concepts: {', '.join(sorted(strange))}")
    return RuleEngine(known, rules, model, (warning,) if warning else ())


def _departure_time(reading: Reading, scores: scoring.Scores) -> datetime | None:
    """When an offer leaves, a lawful one too; what a report or a rescuer tells of is not taken.

    It is proposed to people, and nothing hurries for it (docs/lifecycle.md).
    """
    likely = scores.speech_act is SpeechAct.OFFER or scores.probability >= _DEPARTURE_FROM
    if not likely and not _is_trade(reading, scores):
        return None
    named = reading.entities
    moments = [e.resolved for e in named if e.kind is EntityKind.DEPARTURE_TIME and e.resolved]
    return moments[0] if moments else None


def _is_trade(reading: Reading, scores: scoring.Scores) -> bool:
    """A ferry or a coach: it speaks of travel, and is of none of the acts of telling."""
    travels = any(signal.concept in departure.TRAVEL for signal in reading.signals)
    return travels and scores.speech_act is SpeechAct.UNKNOWN


def _warnings(item: AssessmentInput, code: str, matched: int) -> list[str]:
    warnings: list[str] = []
    if not item.text.strip():
        warnings.append("the text is empty")
    if item.whole.strip() and code == language.UNKNOWN:
        warnings.append("the language is unknown")
    if len(item.whole) > MAX_TEXT:
        warnings.append(f"the text was cut to {MAX_TEXT} characters")
    if matched >= MAX_MATCHES:
        warnings.append("the text repeats itself; only its beginning was matched")
    return warnings
