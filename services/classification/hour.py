"""A time of day that a text names."""

from __future__ import annotations

from dataclasses import dataclass

from services.classification import minutes


@dataclass(frozen=True, slots=True)
class Hour:
    """``minutes`` from midnight; more than a day's when "12 at night" ends it.

    ``half``: the part of the day that was said with it. ``open_half``: it may be of the morning
    or of the evening, as neither a part of the day nor a clock of 24 hours was said. ``reach``: the
    end with the part of the day.
    """

    minutes: int
    start: int
    end: int
    half: str = ""
    open_half: bool = False
    reach: int = 0

    def within(self, part: str) -> int:
        """The minutes as of this part of the day, where the hour itself left it open."""
        if not self.open_half:
            return self.minutes
        return minutes.in_half(self.minutes // 60, part) * 60 + self.minutes % 60
