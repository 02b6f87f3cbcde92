"""Single submissions that arrive together are stored together.

While one transaction runs, what arrives queues up and becomes the next batch: at low load a
submission waits for nobody, at high load the database sees sets instead of single rows.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence

from services.intake.accept import Result
from services.intake.submission import NewSubmission

Store = Callable[[Sequence[NewSubmission]], Awaitable[list[Result]]]


class Coalescer:
    """``run`` must run beside it; ``add`` answers once the submission is committed."""

    def __init__(self, store: Store, limit: int) -> None:
        self._store = store
        self._limit = limit
        self._queue: asyncio.Queue[tuple[NewSubmission, asyncio.Future[Result]]] = asyncio.Queue(
            maxsize=limit * 10
        )

    async def add(self, item: NewSubmission) -> Result:
        """Store one submission.

        Raises:
            Exception: whatever the database failed with; nothing of the item is stored then.
        """
        answer: asyncio.Future[Result] = asyncio.get_running_loop().create_future()
        await self._queue.put((item, answer))
        return await answer

    async def run(self, stop: asyncio.Event) -> None:
        stopping = asyncio.create_task(stop.wait())
        try:
            while not stop.is_set() or not self._queue.empty():
                batch = await self._next(stopping)
                if batch:
                    await self._commit(batch)
        finally:
            stopping.cancel()

    async def _next(
        self, stopping: asyncio.Task[bool]
    ) -> list[tuple[NewSubmission, asyncio.Future[Result]]]:
        first = asyncio.create_task(self._queue.get())
        await asyncio.wait([first, stopping], return_when=asyncio.FIRST_COMPLETED)
        if not first.done():
            first.cancel()
            return []
        batch = [first.result()]
        while len(batch) < self._limit and not self._queue.empty():
            batch.append(self._queue.get_nowait())
        return batch

    async def _commit(self, batch: list[tuple[NewSubmission, asyncio.Future[Result]]]) -> None:
        try:
            results = await self._store([item for item, _ in batch])
        except Exception as error:
            # Everybody in the batch is told: nothing of it is stored, all may send it again.
            for _, answer in batch:
                if not answer.done():
                    answer.set_exception(error)
            return
        for (_, answer), result in zip(batch, results, strict=True):
            if not answer.done():
                answer.set_result(result)
