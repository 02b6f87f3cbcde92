"""The solar Hijri calendar of Iran and Afghanistan, as far as a departure date needs it."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Final

# Nowruz (1 Farvardin) falls on 21 March, a day earlier in the year after four leap years. The
# arithmetic is the 33-year cycle, which agrees with the calendars of both countries from 1343
# to 1472 (1964 to 2093).
_LEAP_REMAINDERS: Final = frozenset({1, 5, 9, 13, 17, 22, 26, 30})
_CYCLE: Final = 33
_EPOCH_YEAR: Final = 1400
_EPOCH: Final = date(2021, 3, 21)
_FIRST: Final = 1343
_LAST: Final = 1472
_LONG_MONTHS: Final = 6
_MONTHS: Final = 12


def from_solar(year: int, month: int, day: int) -> date | None:
    """The Gregorian day; None when there is no such day or the year is out of range."""
    if not _FIRST <= year <= _LAST or not 1 <= month <= _MONTHS:
        return None
    if not 1 <= day <= _length(year, month):
        return None
    years = range(min(year, _EPOCH_YEAR), max(year, _EPOCH_YEAR))
    days = sum(366 if _is_leap(y) else 365 for y in years)
    start = _EPOCH + timedelta(days=days if year >= _EPOCH_YEAR else -days)
    before = (month - 1) * 31 - max(0, month - 1 - _LONG_MONTHS)
    return start + timedelta(days=before + day - 1)


def is_solar(day: date, number: int) -> bool:
    """Whether it is the day of this number in its month of the solar calendar."""
    years = (day.year - 622, day.year - 621)
    months = range(1, _MONTHS + 1)
    return any(from_solar(year, month, number) == day for year in years for month in months)


def _is_leap(year: int) -> bool:
    return year % _CYCLE in _LEAP_REMAINDERS


def _length(year: int, month: int) -> int:
    if month <= _LONG_MONTHS:
        return 31
    return 30 if month < _MONTHS or _is_leap(year) else 29
