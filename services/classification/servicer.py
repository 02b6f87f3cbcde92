"""ClassificationService: assess texts. Keeps nothing of them."""

from __future__ import annotations

import asyncio
from concurrent.futures import Executor
from typing import Any, Final

from services.classification import wire
from services.classification.domain import Engine
from services.kernel.clock import Clock
from services.kernel.grpc_errors import as_domain_error, to_status
from services.kernel.interceptors import validate
from takedown.classification.v1 import classification_service_pb2 as pb
from takedown.classification.v1 import classification_service_pb2_grpc as pb_grpc
from takedown.referral.v1 import assessment_pb2

SERVICE: Final = "takedown.classification.v1.ClassificationService"
# Shorter texts take less time than handing them to a thread and back.
_INLINE: Final = 600


class ClassificationServicer(pb_grpc.ClassificationServiceServicer):
    def __init__(self, engine: Engine, executor: Executor, clock: Clock) -> None:
        self._engine = engine
        self._executor = executor
        self._clock = clock

    async def Assess(  # noqa: N802
        self, request: pb.AssessRequest, context: Any
    ) -> pb.AssessResponse:
        return pb.AssessResponse(assessment=await self._assess(request))

    async def BatchAssess(  # noqa: N802
        self, request: pb.BatchAssessRequest, context: Any
    ) -> pb.BatchAssessResponse:
        results = []
        for one in request.requests:
            try:
                validate(one)
                assessment = await self._assess(one)
                results.append(pb.BatchAssessResult(assessment=assessment))
            except Exception as error:
                status = to_status(as_domain_error(error))
                results.append(pb.BatchAssessResult(error=status))
        return pb.BatchAssessResponse(results=results)

    async def DescribeModel(  # noqa: N802
        self, request: pb.DescribeModelRequest, context: Any
    ) -> pb.DescribeModelResponse:
        return wire.description(self._engine.describe())

    async def _assess(self, request: pb.AssessRequest) -> assessment_pb2.Assessment:
        now = self._clock.now()
        item = wire.read(request, now)
        if len(item.text) <= _INLINE:
            return wire.assessment(self._engine.assess(item), now)
        loop = asyncio.get_running_loop()
        result = await loop.run_in_executor(self._executor, self._engine.assess, item)
        return wire.assessment(result, now)
