"""ClassificationService: assess texts and pictures. Keeps nothing of them."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from concurrent.futures import Executor
from datetime import datetime
from functools import partial
from typing import Any, Final, NamedTuple

from google.rpc import status_pb2

from services.classification import wire
from services.classification.bank.asking import Asking, Question
from services.classification.domain import AssessmentInput, AssessmentResult, Engine
from services.classification.pictures.facts import PictureFacts, Result
from services.classification.pictures.reader import PictureReader
from services.kernel import batch
from services.kernel.clock import Clock
from takedown.classification.v1 import classification_service_pb2 as pb
from takedown.classification.v1 import classification_service_pb2_grpc as pb_grpc
from takedown.referral.v1 import assessment_pb2

SERVICE: Final = "takedown.classification.v1.ClassificationService"
# Shorter texts take less time than handing them to a thread and back.
_INLINE: Final = 600
_PIECE: Final = 25
# Of a whole batch: they are looked at one after the other, and others wait for their turn.
BATCH_PICTURES: Final = 20
_BEYOND: Final = PictureFacts(
    Result.TOO_COSTLY, why=f"only the first {BATCH_PICTURES} pictures of a batch are"
)


class Assessed(NamedTuple):
    """A request, its pictures, and what the engine says of it."""

    request: pb.AssessRequest
    pictures: Sequence[PictureFacts]
    item: AssessmentInput
    result: AssessmentResult


class ClassificationServicer(pb_grpc.ClassificationServiceServicer):
    """Long texts and batches are assessed on ``executor``, off the event loop; ``pictures`` looks
    at pictures in a process of its own. With a ``bank`` each result is held against what was
    decided before."""

    def __init__(
        self,
        engine: Engine,
        executor: Executor,
        clock: Clock,
        pictures: PictureReader,
        bank: Asking | None = None,
    ) -> None:
        self._engine = engine
        self._executor = executor
        self._clock = clock
        self._pictures = pictures
        self._bank = bank
        self._embeds = engine.describe().engine == "cascade"

    async def Assess(  # noqa: N802
        self, request: pb.AssessRequest, context: Any
    ) -> pb.AssessResponse:
        now = self._clock.now()
        [found] = await self._shown([await self._assess(request, now)], now)
        return pb.AssessResponse(assessment=found)

    async def BatchAssess(  # noqa: N802
        self, request: pb.BatchAssessRequest, context: Any
    ) -> pb.BatchAssessResponse:
        """A result per item, in order; one bad item never spoils the rest."""
        now = self._clock.now()
        results: list[pb.BatchAssessResult] = []
        left = BATCH_PICTURES
        # In pieces: a caller that has gone away stops the work at the next one.
        for start in range(0, len(request.requests), _PIECE):
            piece = request.requests[start : start + _PIECE]
            seen = []
            for one in piece:
                seen.append(await self._look(one, left))
                left = max(0, left - len(one.pictures))
            results += await self._piece(piece, seen, now)
        return pb.BatchAssessResponse(results=results)

    async def DescribeModel(  # noqa: N802
        self, request: pb.DescribeModelRequest, context: Any
    ) -> pb.DescribeModelResponse:
        return wire.description(self._engine.describe())

    async def _assess(self, request: pb.AssessRequest, now: datetime) -> Assessed:
        # Embedding takes tens of milliseconds and lets other threads run meanwhile.
        if len(request.text) <= _INLINE and not self._embeds and not request.pictures:
            return self._one(request, [], now)
        pictures = await self._look(request, len(request.pictures))
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._executor, self._one, request, pictures, now)

    async def _look(self, request: pb.AssessRequest, most: int) -> list[PictureFacts]:
        """What is known of the request's pictures, of which ``most`` are looked at."""
        contents = [picture.content for picture in request.pictures]
        looked_at = await self._pictures.read(contents[:most])
        return looked_at + [_BEYOND] * len(contents[most:])

    def _one(
        self, request: pb.AssessRequest, pictures: Sequence[PictureFacts], now: datetime
    ) -> Assessed:
        item = wire.read(request, now, pictures)
        return Assessed(request, pictures, item, self._engine.assess(item))

    async def _piece(
        self,
        requests: Sequence[pb.AssessRequest],
        pictures: Sequence[Sequence[PictureFacts]],
        now: datetime,
    ) -> list[pb.BatchAssessResult]:
        loop = asyncio.get_running_loop()
        read = await loop.run_in_executor(self._executor, self._each, requests, pictures, now)
        shown = iter(await self._shown([one for one in read if isinstance(one, Assessed)], now))
        return [
            pb.BatchAssessResult(assessment=next(shown))
            if isinstance(one, Assessed)
            else pb.BatchAssessResult(error=one)
            for one in read
        ]

    def _each(
        self,
        requests: Sequence[pb.AssessRequest],
        pictures: Sequence[Sequence[PictureFacts]],
        now: datetime,
    ) -> list[Assessed | status_pb2.Status]:
        read = [
            batch.read_one(request, partial(wire.read, now=now, pictures=of_it))
            for request, of_it in zip(requests, pictures, strict=True)
        ]
        results = iter(self._results([one for one in read if isinstance(one, AssessmentInput)]))
        made: list[Assessed | status_pb2.Status] = []
        for request, of_it, item in zip(requests, pictures, read, strict=True):
            result = item if isinstance(item, status_pb2.Status) else next(results)
            if isinstance(item, status_pb2.Status) or isinstance(result, status_pb2.Status):
                made.append(result)
            else:
                made.append(Assessed(request, of_it, item, result))
        return made

    def _results(
        self, items: Sequence[AssessmentInput]
    ) -> Sequence[AssessmentResult | status_pb2.Status]:
        """All at once; each by itself where that fails, so that only the cause has no result."""
        together = batch.attempt(self._engine.assess_all, items)
        if isinstance(together, list):
            return together
        return [batch.attempt(self._engine.assess, item) for item in items]

    async def _shown(
        self, assessed: Sequence[Assessed], now: datetime
    ) -> list[assessment_pb2.Assessment]:
        """The assessments, with what the bank knows of their content where there is one."""
        results = [one.result for one in assessed]
        if self._bank is not None and assessed:
            results = await self._bank.applied([_question(one) for one in assessed], results)
        shown = []
        for one, result in zip(assessed, results, strict=True):
            shown.append(wire.assessment(result, now))
            wire.show_pictures(shown[-1], one.item, one.pictures)
        return shown


def _question(one: Assessed) -> Question:
    request, item = one.request, one.item
    alone = not item.picture_text and not item.unread_pictures
    return Question(
        request.item_id, request.text, item.kind, request.test, alone, tuple(one.pictures)
    )
