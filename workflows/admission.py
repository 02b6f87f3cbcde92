"""How many routine referrals may be on their way to their first notice at once.

Bulk waits in the inbox, which hands out what is urgent first, and not in queues further on. A
place is given back when the referral's notice is sent or when it waits for somebody; a place that
is not given back (its worker died) runs out, so that nothing starves. Counting alone: no clock and
no task of its own. One process; several workers admit so many each.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Final

# States in which a referral has no first notice yet and nobody is waited for.
ON_THE_WAY: Final = frozenset({"", "RECEIVED", "NOTIFYING"})


class Admission:
    """``limit`` places; one that is not given back within ``expiry`` seconds is free again.

    ``clock`` gives seconds that never go back, such as ``time.monotonic``.
    """

    def __init__(self, limit: int, expiry: float, clock: Callable[[], float]) -> None:
        self._limit = limit
        self._expiry = expiry
        self._clock = clock
        # Referral -> when its place runs out; oldest first, as they are taken.
        self._taken: dict[str, float] = {}
        self._freed = asyncio.Event()
        self._waiting: set[str] = set()
        self._hurried: set[str] = set()

    def take(self, referral_id: str) -> bool:
        """Take a place, or keep the one it has; False when there is none."""
        self._expire()
        if referral_id not in self._taken:
            if len(self._taken) >= self._limit and referral_id not in self._hurried:
                return False
            self._taken[referral_id] = self._clock() + self._expiry
        return True

    def give_back(self, referral_id: str) -> None:
        """Free its place; without one nothing happens."""
        if self._taken.pop(referral_id, None) is not None:
            self._freed.set()

    def hurry(self, referral_id: str) -> None:
        """Whoever waits with this referral goes on now, over the limit: somebody needs it."""
        if referral_id in self._waiting:
            self._hurried.add(referral_id)
            self._freed.set()

    def moved(self, referral_id: str, state: str) -> None:
        """A referral came into ``state``; it keeps its place only on the way to its notice."""
        if state not in ON_THE_WAY:
            self.give_back(referral_id)

    async def wait(self, referral_id: str, patience: float) -> bool:
        """Take a place as soon as one is free; False when none was within ``patience`` seconds."""
        self._waiting.add(referral_id)
        try:
            return await self._wait(referral_id, self._clock() + patience)
        finally:
            self._waiting.discard(referral_id)
            self._hurried.discard(referral_id)

    async def _wait(self, referral_id: str, until: float) -> bool:
        while not self.take(referral_id):
            left = until - self._clock()
            if left <= 0:
                return False
            self._freed.clear()
            soonest = min(self._taken.values()) - self._clock()
            try:
                await asyncio.wait_for(self._freed.wait(), max(min(left, soonest), 0.001))
            except TimeoutError:
                continue
        return True

    @property
    def taken(self) -> int:
        self._expire()
        return len(self._taken)

    def _expire(self) -> None:
        now = self._clock()
        for referral_id in [r for r, until in self._taken.items() if until <= now]:
            del self._taken[referral_id]
