"""Waiting for events, but never longer than so long: a hint may be lost, polling may not."""

from __future__ import annotations

import asyncio


async def until_any(seconds: float, *events: asyncio.Event) -> bool:
    """Wait until one of ``events`` is set, at most ``seconds``; whether one is."""
    if any(event.is_set() for event in events):
        return True
    waiting = [asyncio.create_task(event.wait()) for event in events]
    try:
        await asyncio.wait(waiting, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in waiting:
            task.cancel()
    return any(event.is_set() for event in events)
