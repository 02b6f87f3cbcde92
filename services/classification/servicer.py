"""ClassificationService: assess texts. Keeps nothing of them."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from concurrent.futures import Executor
from datetime import datetime
from typing import Any, Final

from google.rpc import status_pb2

from services.classification import wire
from services.classification.domain import Engine
from services.kernel import batch
from services.kernel.clock import Clock
from takedown.classification.v1 import classification_service_pb2 as pb
from takedown.classification.v1 import classification_service_pb2_grpc as pb_grpc
from takedown.referral.v1 import assessment_pb2

SERVICE: Final = "takedown.classification.v1.ClassificationService"
# Shorter texts take less time than handing them to a thread and back.
_INLINE: Final = 600
_PIECE: Final = 25


class ClassificationServicer(pb_grpc.ClassificationServiceServicer):
    """Long texts and batches are assessed on ``executor``, off the event loop."""

    def __init__(self, engine: Engine, executor: Executor, clock: Clock) -> None:
        self._engine = engine
        self._executor = executor
        self._clock = clock
        self._embeds = engine.describe().engine == "cascade"

    async def Assess(  # noqa: N802
        self, request: pb.AssessRequest, context: Any
    ) -> pb.AssessResponse:
        return pb.AssessResponse(assessment=await self._assess(request))

    async def BatchAssess(  # noqa: N802
        self, request: pb.BatchAssessRequest, context: Any
    ) -> pb.BatchAssessResponse:
        """A result per item, in order; one bad item never spoils the rest."""
        now = self._clock.now()
        loop = asyncio.get_running_loop()
        results: list[pb.BatchAssessResult] = []
        # In pieces: a caller that has gone away stops the work at the next one.
        for start in range(0, len(request.requests), _PIECE):
            piece = request.requests[start : start + _PIECE]
            results += await loop.run_in_executor(self._executor, self._each, piece, now)
        return pb.BatchAssessResponse(results=results)

    async def DescribeModel(  # noqa: N802
        self, request: pb.DescribeModelRequest, context: Any
    ) -> pb.DescribeModelResponse:
        return wire.description(self._engine.describe())

    async def _assess(self, request: pb.AssessRequest) -> assessment_pb2.Assessment:
        now = self._clock.now()
        # Embedding takes tens of milliseconds and lets other threads run meanwhile.
        if len(request.text) <= _INLINE and not self._embeds:
            return self._one(request, now)
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._executor, self._one, request, now)

    def _one(self, request: pb.AssessRequest, now: datetime) -> assessment_pb2.Assessment:
        return wire.assessment(self._engine.assess(wire.read(request, now)), now)

    def _each(
        self, requests: Sequence[pb.AssessRequest], now: datetime
    ) -> list[pb.BatchAssessResult]:
        read = batch.read_each(requests, lambda request: self._one(request, now))
        return [
            pb.BatchAssessResult(error=one)
            if isinstance(one, status_pb2.Status)
            else pb.BatchAssessResult(assessment=one)
            for one in read
        ]
