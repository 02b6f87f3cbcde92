"""Asks the bank about what was assessed. An assessment never waits longer for it than a second."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from concurrent.futures import Executor
from dataclasses import dataclass
from typing import Final
from uuid import UUID

import structlog
from sqlalchemy.ext.asyncio import AsyncEngine

from services.classification.bank import lookup, matching
from services.classification.bank.digests import Digester
from services.classification.bank.lookup import Asked
from services.classification.bank.numbers import ASK_SECONDS
from services.classification.domain import AssessmentResult, KnownContent
from services.classification.pictures.facts import PictureFacts
from services.kernel import db, telemetry
from services.kernel.clock import Clock

_log = structlog.get_logger("signal_bank")
_UUID_LENGTH: Final = 36


@dataclass(frozen=True, slots=True)
class Question:
    """One assessed item: ``text`` as it was submitted, ``kind`` in lower case."""

    item_id: str
    text: str
    kind: str
    test: bool
    # No picture had a part in what the engine says, and none is left unread.
    alone: bool = True
    pictures: tuple[PictureFacts, ...] = ()


class Asking:
    def __init__(
        self, engine: AsyncEngine, digester: Digester, executor: Executor, clock: Clock
    ) -> None:
        self._engine = engine
        self._digester = digester
        self._executor = executor
        self._clock = clock
        meter = telemetry.meter()
        self._matches = meter.create_counter(telemetry.SIGNAL_MATCHES)
        self._failures = meter.create_counter(telemetry.SIGNAL_BANK_FAILURES)

    async def applied(
        self, questions: Sequence[Question], results: Sequence[AssessmentResult]
    ) -> list[AssessmentResult]:
        """Each result with what is known of its content; never raises but when cancelled."""
        try:
            known = await self._known(questions)
        except Exception as error:
            # Whatever it is: assessing goes on, and nothing is referred unasked.
            _log.warning("bank_not_asked", type=type(error).__name__, items=len(questions))
            self._failures.add(1, {"failure": type(error).__name__})
            return [matching.unasked(result) for result in results]
        for found in known:
            for one in found:
                kind = {"verdict": one.verdict.value, "match": one.match.value}
                self._matches.add(1, kind)
        return [
            matching.applied(result, found, question.kind, alone=question.alone)
            for question, result, found in zip(questions, results, known, strict=True)
        ]

    async def _known(self, questions: Sequence[Question]) -> list[list[KnownContent]]:
        loop = asyncio.get_running_loop()
        asked = await loop.run_in_executor(self._executor, self._digested, questions)
        async with asyncio.timeout(ASK_SECONDS), db.raw(self._engine) as conn:
            found = await lookup.find(conn, asked, self._clock.now())
        pairs = list(zip(asked, found, strict=True))
        if not any(one.near for one in found):
            return [lookup.verified(*pair) for pair in pairs]
        return await loop.run_in_executor(
            self._executor, lambda: [lookup.verified(*pair) for pair in pairs]
        )

    def _digested(self, questions: Sequence[Question]) -> list[Asked]:
        return [
            Asked(self._digester.text(q.text), q.pictures, _referral(q.item_id), q.test)
            for q in questions
        ]


def _referral(item_id: str) -> UUID | None:
    """The referral that an item is, if it is one: a caller may name its items as it likes."""
    if len(item_id) != _UUID_LENGTH:
        return None
    try:
        return UUID(item_id)
    except ValueError:
        return None
