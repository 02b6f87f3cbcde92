"""Single submissions that arrive together are stored together.

While one transaction runs, what arrives queues up and becomes the next batch: at low load a
submission waits for nobody, at high load the database sees sets instead of single rows. Where
several wait already, more are on their way: a moment's patience makes one transaction of them
(as PostgreSQL's ``commit_delay`` with ``commit_siblings`` does for flushes).
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence

from services.intake.accept import Result
from services.intake.submission import NewSubmission

_Waiting = tuple[NewSubmission, asyncio.Future[Result]]
Store = Callable[[Sequence[NewSubmission]], Awaitable[list[Result]]]


class Coalescer:
    """``run`` must run beside it; ``add`` answers once the submission is committed.

    At most ``limit`` are stored together; where more than one waits, they wait ``patience`` seconds
    for others.
    """

    def __init__(self, store: Store, limit: int, patience: float = 0.0) -> None:
        self._store = store
        self._limit = limit
        self._patience = patience
        # None wakes ``run`` to see that it is to stop.
        self._queue: asyncio.Queue[_Waiting | None] = asyncio.Queue(maxsize=limit * 10)

    async def add(self, item: NewSubmission) -> Result:
        """Store one submission.

        Raises:
            Exception: whatever the database failed with; nothing of the item is stored then.
        """
        answer: asyncio.Future[Result] = asyncio.get_running_loop().create_future()
        await self._queue.put((item, answer))
        return await answer

    async def run(self, stop: asyncio.Event) -> None:
        """Commit what arrives until ``stop``, and then what still waits."""
        waking = asyncio.create_task(self._wake(stop))
        try:
            while not stop.is_set() or not self._queue.empty():
                batch = await self._next()
                if batch:
                    await self._commit(batch)
        finally:
            waking.cancel()

    async def _wake(self, stop: asyncio.Event) -> None:
        await stop.wait()
        await self._queue.put(None)

    async def _next(self) -> list[_Waiting]:
        taken = [await self._queue.get()]
        if 0 < self._queue.qsize() < self._limit - 1:
            await asyncio.sleep(self._patience)
        while len(taken) < self._limit and not self._queue.empty():
            taken.append(self._queue.get_nowait())
        return [waiting for waiting in taken if waiting is not None]

    async def _commit(self, batch: list[_Waiting]) -> None:
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
