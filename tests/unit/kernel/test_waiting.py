"""A wait ends with the first event or with its time, whichever comes first."""

from __future__ import annotations

import asyncio

from services.kernel import waiting


async def test_an_event_that_is_set_already_ends_the_wait_at_once() -> None:
    first, second = asyncio.Event(), asyncio.Event()
    second.set()
    assert await waiting.until_any(60.0, first, second)


async def test_whichever_event_is_set_later_ends_the_wait() -> None:
    first, second = asyncio.Event(), asyncio.Event()
    ended = asyncio.create_task(waiting.until_any(60.0, first, second))
    asyncio.get_running_loop().call_soon(second.set)
    async with asyncio.timeout(5):
        assert await ended


async def test_a_wait_without_an_event_ends_with_its_time_and_leaves_no_task() -> None:
    assert not await waiting.until_any(0.01, asyncio.Event(), asyncio.Event())
    await asyncio.sleep(0)
    assert asyncio.all_tasks() == {asyncio.current_task()}


async def test_a_cancelled_wait_leaves_no_task() -> None:
    ended = asyncio.create_task(waiting.until_any(60.0, asyncio.Event()))
    await asyncio.sleep(0)
    ended.cancel()
    await asyncio.gather(ended, return_exceptions=True)
    await asyncio.sleep(0)
    assert asyncio.all_tasks() == {asyncio.current_task()}
