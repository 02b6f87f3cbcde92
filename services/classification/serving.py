"""The engine in use: taken up anew when its model package changes, watched, and shadowed.

A shadow engine (another model package, or other rules with it) assesses the same texts; what it
would have decided is counted and logged beside what was decided, and acted on by nobody.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
from collections import deque
from collections.abc import Sequence
from concurrent.futures import Executor
from pathlib import Path
from typing import Final

import structlog
from opentelemetry.metrics import CallbackOptions, Observation

from services.classification import engines
from services.classification.domain import (
    AssessmentInput,
    AssessmentResult,
    Engine,
    EngineDescription,
    Entity,
)
from services.kernel import telemetry, waiting

# How often the model package is looked at, and how many scores drift is measured over.
LOOK_SECONDS: Final = 10.0
WINDOW: Final = 1_000
_FEWEST: Final = 100
_BINS: Final = 10
_log = structlog.get_logger("classification")


class ServingEngine:
    """An ``Engine`` that counts what it says. ``drift`` is about the engine now in use."""

    def __init__(
        self,
        kind: engines.Kind,
        folder: Path,
        shadow: Path | None = None,
        executor: Executor | None = None,
        embedding_threads: int = 1,
    ) -> None:
        """Raises ValueError, naming the file, when either package cannot be used."""
        self._kind = kind
        self._folder = folder
        self._executor = executor
        self._threads = embedding_threads
        self._seen = fingerprint(folder)
        self._engine = engines.load(kind, folder, embedding_threads)
        self._shadow = engines.load(kind, shadow, embedding_threads) if shadow else None
        self._reference = reference(folder)
        self._scores: deque[float] = deque(maxlen=WINDOW)
        meter = telemetry.meter()
        self._assessments = meter.create_counter(telemetry.ASSESSMENTS)
        self._shadowed = meter.create_counter(telemetry.SHADOW_ASSESSMENTS)
        self._swaps = meter.create_counter(telemetry.MODEL_SWAPS)
        meter.create_observable_gauge(telemetry.SCORE_DRIFT, [self._observe])

    @property
    def version(self) -> str:
        return self._engine.version

    def describe(self) -> EngineDescription:
        return self._engine.describe()

    def entities(self, item: AssessmentInput) -> tuple[Entity, ...]:
        return self._engine.entities(item)

    def assess(self, item: AssessmentInput) -> AssessmentResult:
        """Assess with the engine in use; let the shadow say what it would have said."""
        return self.assess_all([item])[0]

    def assess_all(self, items: Sequence[AssessmentInput]) -> list[AssessmentResult]:
        results = self._engine.assess_all(items)
        for item, result in zip(items, results, strict=True):
            self._scores.append(result.probability)
            self._assessments.add(
                1, {"decision": result.decision.value, "language": result.languages[0].code}
            )
            if self._shadow is not None:
                self._compare(self._shadow, item, result)
        return results

    def _compare(self, shadow: Engine, item: AssessmentInput, result: AssessmentResult) -> None:
        try:
            other = shadow.assess(item)
        except Exception as error:
            # A shadow may be anything; it must never cost an assessment.
            _log.warning("shadow_failed", item_id=item.id, error=type(error).__name__)
            return
        self._shadowed.add(1, {"decision": result.decision.value, "shadow": other.decision.value})
        if other.decision is not result.decision:
            _log.info(
                "shadow_differs", item_id=item.id, model=result.model_version,
                decision=result.decision.value, probability=result.probability,
                shadow_model=other.model_version, shadow_decision=other.decision.value,
                shadow_probability=other.probability,
            )  # fmt: skip

    @property
    def drift(self) -> float | None:
        """How far the last scores are from those the model was fitted on; None with too few.

        Total variation distance between the histograms in tenths: 0 the same, 1 nothing shared.
        """
        if len(self._scores) < _FEWEST or not self._reference:
            return None
        counts = [0] * _BINS
        scores = list(self._scores)
        for score in scores:
            counts[min(int(score * _BINS), _BINS - 1)] += 1
        shares = [count / len(scores) for count in counts]
        return sum(abs(a - b) for a, b in zip(shares, self._reference, strict=True)) / 2

    def _observe(self, _: CallbackOptions) -> list[Observation]:
        drift = self.drift
        return [] if drift is None else [Observation(drift)]

    async def background(self, stop: asyncio.Event) -> None:
        """Take up a changed model package; one that cannot be used changes nothing."""
        loop = asyncio.get_running_loop()
        while not await waiting.until_any(LOOK_SECONDS, stop):
            await loop.run_in_executor(self._executor, self.renew)

    def renew(self) -> bool:
        """Load the package again if it has changed; whether the engine is another one now."""
        try:
            found = fingerprint(self._folder)
            if found == self._seen:
                return False
            engine = engines.load(self._kind, self._folder, self._threads)
            histogram = reference(self._folder)
        except (ValueError, OSError) as error:
            # Perhaps half written: looked at again next time.
            _log.warning("model_not_taken_up", error=str(error), in_use=self.version)
            self._swaps.add(1, {"result": "refused"})
            return False
        self._engine, self._reference, self._seen = engine, histogram, found
        self._scores.clear()
        self._swaps.add(1, {"result": "taken_up"})
        _log.info("model_taken_up", model=engine.version)
        return True


def fingerprint(folder: Path) -> str:
    """Changes when a file of the package does: names, sizes and times. Raises OSError."""
    listed = sorted((p.name, p.stat().st_size, p.stat().st_mtime_ns) for p in folder.iterdir())
    return hashlib.sha256(repr(listed).encode("utf-8")).hexdigest()


def reference(folder: Path) -> tuple[float, ...]:
    """Shares of the scores on unseen training texts, in tenths; empty where none are told."""
    try:
        shares = json.loads((folder / "facts.json").read_text("utf-8"))["score_histogram"]
        found = tuple(float(share) for share in shares)
    except (OSError, ValueError, KeyError, TypeError):
        return ()
    return found if len(found) == _BINS else ()
