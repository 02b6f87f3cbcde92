"""Dates of the calendars as text writes them: "12/06", "2026-06-12", "1405/3/22"."""

from __future__ import annotations

import re
from datetime import date, datetime
from typing import Final

from hijridate import Gregorian, Hijri

from services.classification.normalise import Normalised
from services.classification.solar import from_solar

_NUMERIC: Final = re.compile(
    r"(?<![\d./-])(?:(\d{4})([./-])(\d{1,2})\2(\d{1,2})|(\d{1,2})([./-])(\d{1,2})(?:\6(\d{4}|\d{2}))?"
    r"|(\d{1,2}) ([./-]) (\d{1,2}) \10 (\d{4}))(?![\d./-]*\d)"
)
# What every such date has, and is quick to look for.
_PARTED: Final = re.compile(r"\d ?[./-]")
_NUMERIC_YEAR: Final = 100
_MONTHS: Final = 12
DECEMBER_DAYS: Final = 31
_SOLAR_YEARS: Final = range(1300, 1500)
# "24/7" and marks out of ten are no dates.
_NO_DATES: Final = (("24", "7"), ("10", "10"))


def in_digits(text: Normalised) -> list[re.Match[str]]:
    """What looks like a date in the folded text, for ``numeric``."""
    likely = text.digits and _PARTED.search(text.text)
    return list(_NUMERIC.finditer(text.text)) if likely else []


def numeric(match: re.Match[str], now: datetime) -> date | None:
    """The day of one of ``in_digits``; None when it is no date."""
    if match[1]:
        year, month, day = int(match[1]), int(match[3]), int(match[4])
        return (
            from_solar(year, month, day)
            if year in _SOLAR_YEARS
            else next_date(month, day, now, year or 1)
        )
    if (match[5], match[7]) in _NO_DATES and not match[8]:
        return None
    if match[9]:
        return next_date(int(match[11]), int(match[9]), now, int(match[12]))
    day, month = int(match[5]), int(match[7])
    year = int(match[8]) if match[8] else 0
    if year and year < _NUMERIC_YEAR:
        year += 2000
    # "1.2" is a sum of money, "4-5" a range: without a year such a month is written "06".
    if match[6] != "/" and not year and not (day <= DECEMBER_DAYS and len(match[7]) > 1):
        return None
    if month > _MONTHS or not day:
        return None
    return next_date(month, day, now, year)


def next_date(month: int, day: int, now: datetime, year: int = 0) -> date | None:
    """The next such day, or that of the year; None when there is none."""
    for candidate in [year] if year else range(now.year, now.year + 5):
        try:
            resolved = date(candidate, month, day)
        except ValueError:
            continue
        if year or resolved >= now.date():
            return resolved
    return None


def next_solar(month: int, day: int, now: datetime) -> date | None:
    """The next such day of the solar Hijri calendar."""
    for year in (now.year - 622, now.year - 621, now.year - 620):
        resolved = from_solar(year, month, day)
        if resolved is not None and resolved >= now.date():
            return resolved
    return None


def next_lunar(month: int, day: int, now: datetime) -> date | None:
    """The next such day of the lunar Hijri calendar, as Umm al-Qura has it; to 2077."""
    try:
        this = Gregorian.fromdate(now.date()).to_hijri().year
    except OverflowError:
        return None
    for year in range(this, this + 4):
        try:
            resolved = Hijri(year, month, day).to_gregorian()
        except (ValueError, OverflowError):
            # A month has 29 days in one year and 30 in another.
            continue
        if resolved >= now.date():
            return date(resolved.year, resolved.month, resolved.day)
    return None


def next_day_of_month(day: int, now: datetime) -> date | None:
    """The next day of this number, of this month or of one of the two that follow."""
    for ahead in range(3):
        year, month = divmod(now.year * _MONTHS + now.month - 1 + ahead, _MONTHS)
        resolved = next_date(month + 1, day, now, year)
        if resolved is not None and resolved >= now.date():
            return resolved
    return None
