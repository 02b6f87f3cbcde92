"""Dates and the departure time: found in the words of ten languages, resolved against ``now``.

A text's own zone is not known: ``now``'s zone is taken. A day without a time is its first
minute, except today, which is its last: the deadline that follows is never too late, and never
already over.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from itertools import islice
from typing import Final

from services.classification.domain import Entity, EntityKind
from services.classification.hours import NOON, Hour, Labels, find_hours
from services.classification.lexica import CALENDAR
from services.classification.matcher import Match
from services.classification.normalise import Normalised, Token
from services.classification.solar import from_solar

MAX_DATES: Final = 20
_NEAR: Final = 6
_BESIDE: Final = 3
_NUMERIC: Final = re.compile(
    r"(?<![\d./-])(?:(\d{4})([./-])(\d{1,2})\2(\d{1,2})|(\d{1,2})([./-])(\d{1,2})(?:\6(\d{4}|\d{2}))?)(?![\d./-]*\d)"
)
_ORDINAL: Final = re.compile(r"(\d{1,2})[^\W\d_]{0,4}")
_WORDS_BEFORE: Final = ("departure", "crossing", "travel", "boat", "cover", "availability")
_PART_OF_DAY: Final = {
    "morning": time(6), "noon": time(12), "evening": time(19), "night": time(22),
    "midnight": time(23, 59), "tonight": time(22),
}  # fmt: skip
_NUMERIC_YEAR: Final = 100
_MONTHS: Final = 12
_SMALL_HOURS: Final = 5
_DECEMBER_DAYS: Final = 31


@dataclass(frozen=True, slots=True)
class _Day:
    """A day, or a moment, and the original characters that name it."""

    on: date
    start: int
    end: int
    part: str = ""
    exact: datetime | None = None


def find(text: Normalised, matches: Sequence[Match], now: datetime) -> tuple[Entity, ...]:
    """DATE for each day that is named; DEPARTURE_TIME for the one that a departure is said of.

    Dates are resolved to the next such day; those of another year keep it.
    """
    labels = _labels(matches)
    days = _without_overlap(_days(text, labels, now))[:MAX_DATES]
    hours = list(islice(find_hours(text, labels), MAX_DATES))
    if not days and not hours:
        return ()
    dates = [
        Entity(EntityKind.DATE, text.original[d.start : d.end], d.start, d.end, _start(d, now))
        for d in days
    ]
    departure = _departure(text, matches, days, hours, now)
    return (*dates, departure) if departure else tuple(dates)


def _labels(matches: Sequence[Match]) -> Labels:
    """Calendar words by the index of their first word, the longest first."""
    labels: Labels = defaultdict(list)
    for match in matches:
        if match.entry.concept.startswith(CALENDAR):
            label = (match.entry.concept.removeprefix(CALENDAR), match.last)
            if label not in labels[match.first]:
                labels[match.first].append(label)
    for found in labels.values():
        found.sort(key=lambda label: -label[1])
    return labels


def _days(text: Normalised, labels: Labels, now: datetime) -> Iterator[_Day]:
    for first in sorted(labels):
        for label, last in labels[first]:
            yield from _named_day(text.tokens, label, first, last, labels, now)
    for match in _NUMERIC.finditer(text.text):
        day = _numeric(match, now)
        if day is not None:
            yield _Day(day, *text.span(match.start(), match.end()))


def _named_day(
    tokens: Sequence[Token], label: str, first: int, last: int, labels: Labels, now: datetime
) -> Iterator[_Day]:
    start, end = tokens[first].start, tokens[last].end
    kind, _, number = label.partition(".")
    today = now.date()
    part = _part_beside(labels, last)
    if kind in ("today", "tonight"):
        yield _Day(today, start, end, "tonight" if kind == "tonight" else part)
    elif kind in ("tomorrow", "day_after"):
        yield _Day(today + timedelta(days=1 + (kind == "day_after")), start, end, part)
    elif kind == "weekdays":
        ahead = (int(number) - 1 - today.weekday()) % 7
        yield _Day(today + timedelta(days=ahead), start, end, part)
    elif kind == "weekend":
        yield _Day(today + timedelta(days=(5 - today.weekday()) % 7), start, end, part)
    elif kind in ("months", "solar_months"):
        yield from _in_month(tokens, kind, int(number), first, last, now)
    elif kind in ("in_days", "in_hours"):
        yield from _ahead(tokens, kind, first, last, now)


def _part_beside(labels: Labels, last: int) -> str:
    for index in range(last, last + _BESIDE + 1):
        for label, _ in labels.get(index, ()):
            if label in _PART_OF_DAY and label != "tonight":
                return label
    return ""


def _ahead(
    tokens: Sequence[Token], kind: str, first: int, last: int, now: datetime
) -> Iterator[_Day]:
    numbers = [t.forms[0] for t in tokens[first : last + 1] if t.forms[0].isdigit()]
    if not numbers or len(numbers[0]) > 2:  # noqa: PLR2004 - "in 300 days" is no departure
        return
    count = int(numbers[0])
    moment = now + (timedelta(hours=count) if kind == "in_hours" else timedelta(days=count))
    exact = moment if kind == "in_hours" else None
    yield _Day(moment.date(), tokens[first].start, tokens[last].end, "", exact)


def _in_month(
    tokens: Sequence[Token], kind: str, month: int, first: int, last: int, now: datetime
) -> Iterator[_Day]:
    """A month with a day beside it: "12 June", "12th of June", "June 12"."""
    for index in (first - 1, first - 2, last + 1, last + 2):
        if not 0 <= index < len(tokens):
            continue
        found = _ORDINAL.fullmatch(tokens[index].forms[0])
        day = int(found[1]) if found else 0
        if not 1 <= day <= _DECEMBER_DAYS:
            continue
        resolved = _next(month, day, now) if kind == "months" else _next_solar(month, day, now)
        if resolved is not None:
            low, high = min(first, index), max(last, index)
            yield _Day(resolved, tokens[low].start, tokens[high].end)
            return


def _next(month: int, day: int, now: datetime, year: int = 0) -> date | None:
    for candidate in [year] if year else range(now.year, now.year + 5):
        try:
            resolved = date(candidate, month, day)
        except ValueError:
            continue
        if year or resolved >= now.date():
            return resolved
    return None


def _next_solar(month: int, day: int, now: datetime) -> date | None:
    for year in (now.year - 622, now.year - 621, now.year - 620):
        resolved = from_solar(year, month, day)
        if resolved is not None and resolved >= now.date():
            return resolved
    return None


def _numeric(match: re.Match[str], now: datetime) -> date | None:
    if match[1]:
        return _next(int(match[3]), int(match[4]), now, int(match[1]) or 1)
    day, month = int(match[5]), int(match[7])
    year = int(match[8]) if match[8] else 0
    if year and year < _NUMERIC_YEAR:
        year += 2000
    if match[6] == "." and not year and not (day <= _DECEMBER_DAYS and len(match[7]) > 1):
        return None
    if month > _MONTHS:
        return None
    return _next(month, day, now, year) if day else None


def _without_overlap(days: Iterator[_Day]) -> list[_Day]:
    kept: list[_Day] = []
    for day in sorted(days, key=lambda d: (d.start, d.start - d.end)):
        if not kept or day.start >= kept[-1].end:
            kept.append(day)
        elif day.end - day.start > kept[-1].end - kept[-1].start:
            kept[-1] = day
    return kept


def _start(day: _Day, now: datetime, at: time | None = None) -> datetime:
    if day.exact is not None:
        return day.exact
    if at is None:
        at = _PART_OF_DAY.get(day.part) or (time(23, 59) if day.on == now.date() else time(0))
    return datetime.combine(day.on, at, tzinfo=now.tzinfo)


def _departure(
    text: Normalised,
    matches: Sequence[Match],
    days: Sequence[_Day],
    hours: Sequence[Hour],
    now: datetime,
) -> Entity | None:
    spoken = [
        text.tokens[match.first].start for match in matches if match.entry.concept in _WORDS_BEFORE
    ]
    if not spoken:
        return None
    ahead = [day for day in days if day.on >= now.date()]
    if not ahead:
        return _next_hour(text, hours, now) if not days and hours else None
    day = min(ahead, key=lambda d: min(abs(d.start - place) for place in spoken[:50]))
    hour = _nearest(day, hours)
    start, end = day.start, day.end
    if hour is None:
        moment = _start(day, now)
    else:
        moment = _start(day, now, _in_part(hour, day))
        if day.part == "tonight" and moment.hour < _SMALL_HOURS:
            moment += timedelta(days=1)
        start, end = min(start, hour.start), max(end, hour.end)
    if moment < now and day.on == now.date():
        moment = datetime.combine(day.on, time(23, 59), tzinfo=now.tzinfo)
    return Entity(EntityKind.DEPARTURE_TIME, text.original[start:end], start, end, moment)


def _nearest(day: _Day, hours: Sequence[Hour]) -> Hour | None:
    reach = _NEAR * 8
    close = [h for h in hours if h.start - day.end < reach and day.start - h.end < reach]
    # A number may be both: "12.06" is the day, not twelve o'clock six.
    close = [h for h in close if h.end <= day.start or h.start >= day.end]
    return min(close, key=lambda h: abs(h.start - day.end)) if close else None


def _in_part(hour: Hour, day: _Day) -> time:
    """ "Tonight at 9" is 21:00; "tonight at 2" stays in the small hours of that night."""
    late = day.part in ("tonight", "evening", "night")
    if hour.open_half and late and _SMALL_HOURS <= hour.at.hour < NOON:
        return hour.at.replace(hour=hour.at.hour + NOON)
    return hour.at


def _next_hour(text: Normalised, hours: Sequence[Hour], now: datetime) -> Entity:
    hour = hours[0]
    moment = datetime.combine(now.date(), hour.at, tzinfo=now.tzinfo)
    if moment <= now:
        moment += timedelta(days=1)
    value = text.original[hour.start : hour.end]
    return Entity(EntityKind.DEPARTURE_TIME, value, hour.start, hour.end, moment)
