"""Dates and the departure time: found in the words of ten languages, resolved against ``now``.

A text's own zone is not known: ``now``'s zone is taken. A day without a time is its first
minute, except today, which is its last: the deadline that follows is never too late, and never
already over. Whether the text is an offer at all is not asked here.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime, time, timedelta
from functools import cache
from typing import Final

from services.classification import calendar_matches
from services.classification.calendar_words import (
    CLAUSE_END,
    SENTENCE_END,
    CalendarWords,
)
from services.classification.dates import in_digits
from services.classification.day import Day
from services.classification.days import NAMING_DAYS, SAYS_AHEAD, find_days
from services.classification.domain import Entity, EntityKind
from services.classification.entities import PLACES
from services.classification.hour import Hour
from services.classification.hours import EVIDENCE, find_hours
from services.classification.lexica import PARTS
from services.classification.matcher import Entry, Match
from services.classification.minutes import SMALL_HOURS
from services.classification.normalise import Normalised

MAX_DATES: Final = 20
_NEAR: Final = 48
_SAID_NEAR: Final = 60
# So far behind a day a part of it may stand: "Friday, we go at night".
_PART_NEAR: Final = 40
# Noon and evening are meals, entertainment and a wage as well.
_ALONE: Final = ({"dawn"}, {"morning"}, {"sunset"}, {"night"}, {"late_night"}, {"midnight"})
_FAR: Final = 1_000_000
_DISTANT: Final = timedelta(days=60)
_BESIDE: Final = 1
_STEPS: Final = ("in_days", "in_weeks")
_GOING: Final = frozenset({"going"})
# A part of the day, and a word that says more exactly when in it.
_NARROWER: Final = {
    "morning": ("dawn",), "evening": ("sunset", "late_night"), "night": ("late_night",),
    "tonight": ("late_night",),
}  # fmt: skip
_NARROW: Final = frozenset[str]().union(*_NARROWER.values())
# What stands for a moon (``ruleset/emoji.toml``).
_MOON: Final = "emomoon"
_MOON_NEAR: Final = 10
TRAVEL: Final = frozenset(
    {"departure", "crossing", "travel", "boat", "cover", "availability", "lorry", "plane", "ship"}
)
_PART_OF_DAY: Final = {
    "dawn": time(4), "morning": time(6), "noon": time(12), "early_afternoon": time(13),
    "afternoon": time(15), "late_afternoon": time(17), "evening": time(19), "sunset": time(21),
    "night": time(22), "tonight": time(22), "late_night": time(22, 30),
}  # fmt: skip
_NIGHT: Final = ("night", "tonight", "late_night", "midnight")
_LAST_MINUTE: Final = time(23, 59)
_NOON_MINUTES: Final = 12 * 60
_TELLING: Final = NAMING_DAYS | SAYS_AHEAD | EVIDENCE


def find(text: Normalised, matches: Sequence[Match], now: datetime) -> tuple[Entity, ...]:
    """DATE for each day that is named; DEPARTURE_TIME for the one that a departure is said of.

    Dates are resolved to the next such day; those of another year keep it.
    """
    if not any(_tells(match.entry) for match in matches) and not _in_digits(text, matches):
        return ()
    words = CalendarWords(text, matches)
    days = find_days(words, now)[:MAX_DATES]
    spoken = [text.tokens[m.first].start for m in matches if m.entry.concept in TRAVEL]
    if not days and not spoken:
        return ()
    hours = find_hours(words)[:MAX_DATES]
    going = [text.tokens[word.first].start for word in words.of_kinds(_GOING)]
    near = sorted((*spoken, *going)) if going else spoken
    dates = [
        Entity(EntityKind.DATE, text.original[d.start : d.end], d.start, d.end, _start(d, now))
        for d in days
    ]
    days = _moonlit(words, matches, _meant(_dated(days, hours, now)))
    days = _narrowed(words, _with_part(words, days, hours))
    if spoken:
        days = [replace(day, weak=False) if day.kind == "weekend" else day for day in days]
    departure = _departure(text.original, near, days, hours, now)
    return (*dates, departure) if departure else tuple(dates)


@cache
def _tells(entry: Entry) -> bool:
    """Whether this phrase alone may name a day or make a number an hour."""
    kind = calendar_matches.kind_of(entry.concept)
    # Sorani's numbers may be months.
    return kind in _TELLING or (kind == "numbers" and entry.language == "ckb")


def _in_digits(text: Normalised, matches: Sequence[Match]) -> bool:
    """Whether digits alone may be a date, or an hour of the journey that is spoken of."""
    if not text.digits:
        return False
    return any(m.entry.concept in TRAVEL for m in matches) or bool(in_digits(text))


def _dated(days: list[Day], hours: Sequence[Hour], now: datetime) -> list[Day]:
    """ "15 June, at night 02.05": beside another day so distant a date is the hour."""
    far = now.date() + _DISTANT
    kept = [
        day
        for day in days
        if day.kind != "numeric"
        or day.on < far
        or not any(h.half and day.start <= h.start < day.end for h in hours)
    ]
    return kept or days


def _meant(days: list[Day]) -> list[Day]:
    """Without the days that are refused, where another is named: "not tonight, tomorrow at 5"."""
    meant = [day for day in days if not day.refused]
    return meant if any(not day.rejected for day in meant) else days


def _moonlit(words: CalendarWords, matches: Sequence[Match], days: list[Day]) -> list[Day]:
    """ "Saturday 🌙" is Saturday night, in every language.

    "Today 🌙" is a departure only where a place is named too: with a moon people wish each other
    a blessed feast.
    """
    if _MOON not in words.text.text:
        return days
    moons = [token.start for token in words.tokens if token.forms[0] == _MOON]
    placed = any(match.entry.concept in PLACES for match in matches)
    return [
        replace(day, part="night", weak=day.weak and not placed)
        if not (day.part or day.exact) and any(0 <= at - day.end < _MOON_NEAR for at in moons)
        else day
        for day in days
    ]


def _with_part(words: CalendarWords, days: list[Day], hours: Sequence[Hour]) -> list[Day]:
    """The only day has the only part of the day said behind it: "Friday, we go at night"."""
    if hours or words.kinds.isdisjoint(PARTS):
        return days
    sure = [day for day in days if not day.short]
    parts = words.of_kinds(PARTS)
    wider = {wide for wide, narrow in _NARROWER.items() if not words.kinds.isdisjoint(narrow)}
    parts = [word for word in parts if word.kind not in wider]
    if len({day.on for day in sure}) != 1 or any(day.part or day.exact for day in sure):
        return days
    first = words.tokens[parts[0].first].start
    behind = any(0 < first - day.end < _PART_NEAR for day in sure)
    alone = {word.kind for word in parts} in _ALONE and not words.numbered_before(parts[0].first)
    if not behind or not alone or SENTENCE_END.search(words.text.original[sure[-1].end : first]):
        return days
    return [day if day.short else replace(day, part=parts[0].kind) for day in days]


def _narrowed(words: CalendarWords, days: list[Day]) -> list[Day]:
    """ "Friday morning, before sunrise" is at dawn, "Friday evening (maghrib)" at sunset."""
    if words.kinds.isdisjoint(_NARROW):
        return days
    said = {
        kind: [words.tokens[word.first].start for word in words.of_kinds(frozenset({kind}))]
        for kind in _NARROW
    }
    return [replace(day, part=_narrower(day, said)) for day in days]


def _narrower(day: Day, said: Mapping[str, Sequence[int]]) -> str:
    near = (kind for kind in _NARROWER.get(day.part, ()) if _any_near(day, said[kind]))
    return next(near, day.part)


def _any_near(day: Day, places: Sequence[int]) -> bool:
    return any(-_PART_NEAR < at - day.end < _PART_NEAR for at in places)


def _start(day: Day, now: datetime) -> datetime:
    if day.exact is not None:
        return day.exact
    if day.part == "midnight":
        return datetime.combine(day.on + timedelta(days=1), time(0), tzinfo=now.tzinfo)
    at = _PART_OF_DAY.get(day.part) or (_LAST_MINUTE if day.on == now.date() else time(0))
    return datetime.combine(day.on, at, tzinfo=now.tzinfo)


def _departure(
    original: str, spoken: Sequence[int], days: Sequence[Day], hours: Sequence[Hour], now: datetime
) -> Entity | None:
    best: tuple[tuple[int, int], Entity] | None = None
    for day in days:
        hour = _nearest(day, days, hours) or _of_same(day, days, hours)
        near = _is_near(original, day, spoken)
        if day.rejected or (hour is None and (day.short or (day.weak and not near))):
            continue
        moment = _moment(day, hour, now)
        if moment is None:
            continue
        plain = (not day.weak) + (not day.short) - (day.kind == "weekend")
        plain += bool(day.part or day.exact)
        rank = (-3 * (hour is not None) - 2 * near - plain, day.start)
        if best is None or rank < best[0]:
            best = (rank, _entity(original, day, hour, moment))
    if best is not None:
        return best[1]
    return _next_hour(original, hours[0], now) if hours and spoken and not days else None


def _is_near(original: str, day: Day, spoken: Sequence[int]) -> bool:
    """Of a number without its month the word of travel is in the same clause."""
    first = bisect_left(spoken, day.start - _SAID_NEAR)
    close = spoken[first : bisect_right(spoken, day.end + _SAID_NEAR)]
    if day.kind != "month_day":
        return bool(close)
    return any(
        CLAUSE_END.search(original, min(day.end, said), max(day.start, said)) is None
        for said in close
    )


def _entity(original: str, day: Day, hour: Hour | None, moment: datetime) -> Entity:
    start = min(day.start, hour.start) if hour else day.start
    end = max(day.end, hour.end) if hour else day.end
    return Entity(EntityKind.DEPARTURE_TIME, original[start:end], start, end, moment)


def _moment(day: Day, hour: Hour | None, now: datetime) -> datetime | None:
    """When this day's departure is; None when it is over."""
    if day.on < now.date():
        return None
    moment = _start(day, now) if hour is None or day.exact else _at(day, hour, now)
    if moment > now:
        return moment
    if day.kind == "weekdays":
        return moment + timedelta(days=7)
    if day.part in ("", "evening", "sunset", *_NIGHT) and hour is None:
        return datetime.combine(day.on, _LAST_MINUTE, tzinfo=now.tzinfo)
    return None


def _at(day: Day, hour: Hour, now: datetime) -> datetime:
    minutes = hour.within(day.part)
    midnight = datetime.combine(day.on, time(0), tzinfo=now.tzinfo)
    night = day.part in _NIGHT or hour.half in ("night", "midnight")
    after_night = day.rolls and night and minutes < SMALL_HOURS * 60
    if after_night or (day.part == "tonight" and minutes < _NOON_MINUTES):
        minutes += 24 * 60
    moment = midnight + timedelta(minutes=minutes)
    if moment <= now and hour.open_half and not day.part and minutes < _NOON_MINUTES:
        moment += timedelta(hours=12)
    return moment


def _nearest(day: Day, days: Sequence[Day], hours: Sequence[Hour]) -> Hour | None:
    """The hour said with this day, and with no other that stands nearer."""
    close = [h for h in hours if h.start - day.end < _NEAR and day.start - h.end < _NEAR]
    # A number may be both: "12.06" is the day, not twelve o'clock six.
    close = [h for h in close if (h.end <= day.start or h.start >= day.end) and _gap(day, h) < _FAR]
    close = [h for h in close if _gap(day, h) <= min(_gap(other, h) for other in days)]
    return min(close, key=lambda h: _gap(day, h)) if close else None


def _of_same(day: Day, days: Sequence[Day], hours: Sequence[Hour]) -> Hour | None:
    """The hour said with the same day where it is named again: "Friday ... 5 June, 4 am"."""
    again = (_nearest(other, days, hours) for other in days if other.on == day.on)
    return next((hour for hour in again if hour), None)


def _gap(day: Day, hour: Hour) -> int:
    if hour.start >= day.end:
        return hour.start - day.end
    gap = day.start - max(hour.end, hour.reach)
    # "At half past three we leave, two days later in Vienna", but "at 5 am, in two days".
    return _FAR if day.kind in _STEPS and gap > _BESIDE else day.start - hour.end


def _next_hour(original: str, hour: Hour, now: datetime) -> Entity:
    midnight = datetime.combine(now.date(), time(0), tzinfo=now.tzinfo)
    moment = midnight + timedelta(minutes=hour.minutes)
    if moment <= now:
        moment += timedelta(days=1)
    value = original[hour.start : hour.end]
    return Entity(EntityKind.DEPARTURE_TIME, value, hour.start, hour.end, moment)
