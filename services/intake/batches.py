"""A batch in parts: while one is stored the next is read, and other calls have their turn.

A part is stored by one statement, or by that and a transaction (``accept``); the parts of a batch
follow one another, so that an item finds what an earlier one of the same batch has made.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Final

from google.rpc import status_pb2

from services.intake import accept
from services.intake.canonical import ContentIdentity
from services.intake.submission import NewSubmission
from services.kernel import batch
from services.kernel.errors import DomainError
from services.kernel.grpc_errors import as_domain_error, to_status
from services.kernel.turns import in_turns
from takedown.intake.v1 import referral_service_pb2 as pb

# Items that are stored together, and items that are read before others have their turn: a few
# milliseconds, in which a single submission waits.
PART: Final = 250
TURN: Final = 20

Identify = Callable[[pb.SubmitReferralRequest], ContentIdentity]
Read = Callable[[pb.SubmitReferralRequest, ContentIdentity], NewSubmission]
Store = Callable[[Sequence[NewSubmission]], Awaitable[list[accept.Result]]]


class Parts:
    """Stores one batch, part by part. For one use."""

    def __init__(self, identify: Identify, read: Read, store: Store) -> None:
        self._identify = identify
        self._read = read
        self._store = store
        self._any_stored = False
        self._failed: status_pb2.Status | None = None

    async def results(
        self, requests: Sequence[pb.SubmitReferralRequest]
    ) -> list[pb.BatchSubmitResult]:
        """A result for each request, in order.

        Raises:
            Exception: what storing raised, as long as nothing of the batch is stored. Later it is
                the result of the items that it met, and no further part is tried.
        """
        results: list[pb.BatchSubmitResult] = []
        storing: asyncio.Task[list[pb.BatchSubmitResult]] | None = None
        try:
            for start in range(0, len(requests), PART):
                part = requests[start : start + PART]
                turns = [part[turn : turn + TURN] for turn in range(0, len(part), TURN)]
                read = [one for few in await in_turns(turns, self._read_few, 1) for one in few]
                if storing is not None:
                    results += await storing
                storing = asyncio.create_task(self._stored(read))
                # It begins, and others have their turn, before the next part is read.
                await asyncio.sleep(0)
            if storing is not None:
                results += await storing
        finally:
            if storing is not None:
                # Given up midway, the part that is being stored ends before the call does.
                storing.cancel()
                await asyncio.gather(storing, return_exceptions=True)
        return results

    def _read_few(
        self, requests: Sequence[pb.SubmitReferralRequest]
    ) -> list[NewSubmission | status_pb2.Status]:
        identified = batch.read_each(requests, self._identify)
        return [
            of_it
            if isinstance(of_it, status_pb2.Status)
            else batch.attempt(self._read, request, of_it)
            for request, of_it in zip(requests, identified, strict=True)
        ]

    async def _stored(
        self, read: list[NewSubmission | status_pb2.Status]
    ) -> list[pb.BatchSubmitResult]:
        items = [one for one in read if isinstance(one, NewSubmission)]
        stored = iter(await self._store_all(items))
        return [_result(next(stored) if isinstance(one, NewSubmission) else one) for one in read]

    async def _store_all(
        self, items: list[NewSubmission]
    ) -> Sequence[accept.Result | status_pb2.Status]:
        if self._failed is not None:
            return [self._failed for _ in items]
        try:
            stored = await self._store(items) if items else []
        except Exception as error:
            if not self._any_stored:
                raise
            # The parts before are stored, so the caller has to hear which.
            self._failed = to_status(as_domain_error(error))
            return [self._failed for _ in items]
        self._any_stored = self._any_stored or bool(items)
        return stored


def _result(one: accept.Result | status_pb2.Status) -> pb.BatchSubmitResult:
    if isinstance(one, status_pb2.Status):
        return pb.BatchSubmitResult(error=one)
    if isinstance(one, DomainError):
        return pb.BatchSubmitResult(error=to_status(one))
    return pb.BatchSubmitResult(response=one.answer)
