"""Promises of storing together: nobody waits alone, everybody is told, nothing is left behind."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any

import pytest

from services.intake.accept import Accepted
from services.intake.coalescer import Coalescer
from takedown.intake.v1 import referral_service_pb2 as pb

# Longer than any test may take: who waits for it has not been answered in time.
FOR_EVER = 3600.0


class Store:
    """Answers each item with itself, as reference; ``gate`` holds a batch back while it is shut."""

    def __init__(self) -> None:
        self.batches: list[list[str]] = []
        self.begun, self.gate = asyncio.Event(), asyncio.Event()
        self.gate.set()
        self.failing: Exception | None = None

    async def __call__(self, items: Sequence[Any]) -> list[Any]:
        self.batches.append(list(items))
        self.begun.set()
        await self.gate.wait()
        if self.failing:
            raise self.failing
        return [Accepted(pb.SubmitReferralResponse(submission={"reference": i})) for i in items]


@asynccontextmanager
async def running(coalescer: Coalescer) -> AsyncIterator[asyncio.Event]:
    stop = asyncio.Event()
    task = asyncio.create_task(coalescer.run(stop))
    try:
        async with asyncio.timeout(20):
            yield stop
            stop.set()
            await task
    finally:
        task.cancel()


def added(coalescer: Coalescer, *items: Any) -> list[asyncio.Task[Any]]:
    return [asyncio.create_task(coalescer.add(item)) for item in items]


async def test_who_comes_alone_waits_for_nobody() -> None:
    store = Store()
    coalescer = Coalescer(store, 10, FOR_EVER)
    async with running(coalescer):
        for item in ("a", "b"):
            (answer,) = await asyncio.gather(*added(coalescer, item))
            assert answer.answer.submission.reference == item
    assert store.batches == [["a"], ["b"]]


async def test_who_comes_while_others_wait_is_stored_with_them() -> None:
    store = Store()
    coalescer = Coalescer(store, 10, 0.5)
    async with running(coalescer):
        first = added(coalescer, "a", "b")
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        assert store.batches == []
        answers = await asyncio.gather(*first, *added(coalescer, "c"))
    assert store.batches == [["a", "b", "c"]]
    assert [one.answer.submission.reference for one in answers] == ["a", "b", "c"]


async def test_as_many_as_go_together_wait_no_longer() -> None:
    store = Store()
    coalescer = Coalescer(store, 3, FOR_EVER)
    async with running(coalescer):
        await asyncio.gather(*added(coalescer, *"abcdef"))
    assert store.batches == [["a", "b", "c"], ["d", "e", "f"]]


async def test_what_arrives_while_one_is_stored_is_the_next_batch() -> None:
    store = Store()
    coalescer = Coalescer(store, 10)
    async with running(coalescer):
        store.gate.clear()
        first = added(coalescer, "a")
        await store.begun.wait()
        rest = added(coalescer, "b", "c")
        await asyncio.sleep(0)
        store.gate.set()
        await asyncio.gather(*first, *rest)
    assert store.batches == [["a"], ["b", "c"]]


async def test_a_failure_is_told_to_everybody_in_it_and_to_nobody_after() -> None:
    store = Store()
    coalescer = Coalescer(store, 10)
    async with running(coalescer):
        store.failing = OSError("the database is away")
        failed = await asyncio.gather(*added(coalescer, "a", "b"), return_exceptions=True)
        assert failed == [store.failing, store.failing]
        store.failing = None
        (answer,) = await asyncio.gather(*added(coalescer, "a"))
        assert isinstance(answer, Accepted)


async def test_a_stop_stores_what_waits_first() -> None:
    store = Store()
    coalescer = Coalescer(store, 2)
    async with running(coalescer) as stop:
        store.gate.clear()
        waiting = added(coalescer, *"abcde")
        await store.begun.wait()
        stop.set()
        store.gate.set()
        await asyncio.gather(*waiting)
    assert sorted(item for batch in store.batches for item in batch) == list("abcde")


async def test_who_gives_up_spoils_nothing_for_the_others() -> None:
    store = Store()
    coalescer = Coalescer(store, 10)
    async with running(coalescer):
        store.gate.clear()
        gone, stays = added(coalescer, "a", "b")
        await store.begun.wait()
        gone.cancel()
        store.gate.set()
        assert isinstance(await stays, Accepted)
        with pytest.raises(asyncio.CancelledError):
            await gone
