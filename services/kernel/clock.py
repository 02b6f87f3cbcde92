"""The clock is an argument: code that needs the time is given one of these."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta
from typing import Protocol


class Clock(Protocol):
    """Wall time for what is recorded, monotonic seconds for how long something took."""

    def now(self) -> datetime:
        """The present instant, aware, in UTC."""

    def monotonic(self) -> float:
        """Seconds since an arbitrary start; never goes back."""


class SystemClock:
    """The machine's own clocks."""

    def now(self) -> datetime:
        return datetime.now(UTC)

    def monotonic(self) -> float:
        return time.monotonic()


class FrozenClock:
    """Stands still until it is advanced; both readings move together."""

    def __init__(self, start: datetime) -> None:
        """Raises ValueError when ``start`` names no time zone."""
        if start.tzinfo is None:
            raise ValueError("a clock starts at an aware datetime; add tzinfo=UTC")
        self._now = start.astimezone(UTC)
        self._monotonic = 0.0

    def now(self) -> datetime:
        return self._now

    def monotonic(self) -> float:
        return self._monotonic

    def advance(self, by: timedelta) -> None:
        """Move on. A monotonic clock cannot go back: raises ValueError on a negative step."""
        if by < timedelta(0):
            raise ValueError("a clock is advanced by a positive step; use set_wall to jump back")
        self._now += by
        self._monotonic += by.total_seconds()

    def set_wall(self, now: datetime) -> None:
        """Jump the wall clock, as a bad time server would; the monotonic one stays."""
        self._now = now.astimezone(UTC)
