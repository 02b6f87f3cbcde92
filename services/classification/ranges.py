"""Spans of time: opening hours, which are no departure, and "5 to 6 am", which is one at five."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Final

from services.classification.calendar_words import NAMED_DAYS, CalendarWords
from services.classification.hour import Hour
from services.classification.minutes import NOON

_RANGE: Final = re.compile(r"\s*(?:-|–|—|to|till|until|à|bis|ile|deri|đến|den|تا|الى|إلى|بۆ)\s*")
_DASHES: Final = frozenset({"-", "–", "—", " - ", " – ", "/"})
# Folded words between the two hours of a span.
_LINKS: Final = frozenset({
    "to", "and", "et", "a", "ile", "ve", "ya", "tsa", "toi", "den", "deri", "ne", "dhe", "e",
    "تا", "الی", "ل", "حتی", "بو", "تر", "او", "و", "یا",
})  # fmt: skip
_LONGEST: Final = 2
_MARKS: Final = frozenset({"hour_before", "at"})
_UNTIL: Final = frozenset({"until"})
_UNTIL_AFTER: Final = frozenset({"until_after"})
_EVERY: Final = frozenset({"every"})
NEAR_DAY: Final = 4


def without_opening_hours(original: str, hours: list[Hour]) -> list[Hour]:
    """Without those of "9:00-17:00"; of "5-6 am" one is left."""
    ranged: set[int] = set()
    for index in range(1, len(hours)):
        first, second = hours[index - 1], hours[index]
        between = original[max(first.end, first.reach) : second.start]
        if len(between) >= 10 or not _RANGE.fullmatch(between):  # noqa: PLR2004
            continue
        brief = 0 < (second.minutes - first.minutes) % (NOON * 60) <= _LONGEST * 60
        # Of "5 to 6 pm" the second knows the half: ``begun`` takes it back to the first.
        other = index - 1 if second.half and not first.half else index
        ranged |= {other} if brief else {index - 1, index}
    return [hour for index, hour in enumerate(hours) if index not in ranged]


def begun(words: CalendarWords, hour: Hour) -> Hour:
    """The hour that "5 to 6 am" begins with, where the one found is its second."""
    found = _first_of(words, words.word_from(hour.start))
    if found is None:
        return hour
    value, place = found
    whole = hour.minutes // 60
    apart = (whole - value) % NOON
    if not 1 <= apart <= _LONGEST:
        return hour
    return replace(hour, minutes=(whole - apart) * 60, start=words.tokens[place].start)


def with_mark(words: CalendarWords, first: int) -> int:
    """Where an hour begins with the word that marks it: "at 5"."""
    marked = words.before(first, _MARKS)
    return marked.first if marked else first


def is_limit(words: CalendarWords, first: int, last: int) -> bool:
    """ "Until 9 pm" and "daily at 9" are opening hours."""
    first = with_mark(words, first)
    # "From 5 until 6 in the morning" ends with an hour that is none of opening.
    second = words.before(first, _UNTIL) and is_second(words, first)
    if not second and words.before(first, _UNTIL | _EVERY, 2):
        return True
    if words.after(last, _UNTIL_AFTER):
        return True
    return words.near(first, _EVERY, NEAR_DAY) and not words.near(first, NAMED_DAYS, NEAR_DAY)


def is_second(words: CalendarWords, first: int) -> bool:
    """Whether the number at this word ends a span of hours that another number begins."""
    return _first_of(words, first) is not None


def _first_of(words: CalendarWords, second: int) -> tuple[int, int] | None:
    """(value, place) of the number that begins a span which this word ends."""
    place = _before(words, second)
    found = words.number(place, words.tokens[place]) if place >= 0 else None
    return (found[0], place) if found else None


def _before(words: CalendarWords, first: int) -> int:
    """The word that a dash or a linking word joins to this one, or -1."""
    if not 0 < first < len(words.tokens):
        return -1
    if words.gap(first - 1) in _DASHES:
        return first - 1
    linked = words.tokens[first - 1].forms[0] in _LINKS and words.gap(first - 1) == " "
    return first - 2 if linked and first > 1 and words.gap(first - 2) == " " else -1
