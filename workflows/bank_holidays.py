"""Bank holidays of England and Wales: looked up outside workflows, which look nothing up."""

from __future__ import annotations

from datetime import date
from functools import lru_cache

import holidays

SATURDAY = 5


@lru_cache(maxsize=2)
def around(today: date) -> tuple[str, ...]:
    """ISO dates of this year's and the next one's, weekends left out; computed once a day."""
    # England and Wales share theirs; the package has no joint name for them.
    found = holidays.country_holidays("GB", subdiv="ENG", years=[today.year, today.year + 1])
    return tuple(sorted(day.isoformat() for day in found if day.weekday() < SATURDAY))
