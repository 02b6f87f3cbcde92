"""Days of a month: "12 June", "the 9th", "۲۲ خرداد", "ngày 15"."""

from __future__ import annotations

import re
from datetime import date, datetime
from typing import Final, NamedTuple

from services.classification.calendar_words import PARTS, CalendarWords, Word
from services.classification.dates import (
    DECEMBER_DAYS,
    next_date,
    next_day_of_month,
    next_lunar,
    next_solar,
)

_ORDINAL: Final = re.compile(r"(\d{1,2})[^\W\d_]{0,4}")
_HOUR: Final = re.compile(r"\d{1,2}(?:h\d{0,2})?")
_SHORT: Final = 3
_SAID: Final = ("ordinals", "numbers")
_COUNTED: Final = frozenset({"counted"})
# How the next such day of each calendar is found.
_NEXT: Final = {"months": next_date, "solar_months": next_solar, "lunar_months": next_lunar}
# Words that name a month; and words that make the number beside them a day of the next one, which
# stands behind them or (``of_month``) before them.
MONTHS: Final = frozenset(_NEXT)
BARE: Final = frozenset({"on_date", "on_ordinal", "of_month"})
_OF_TIME: Final = frozenset({"hour_before", "of_month"})
_NO_DAY: Final = frozenset({"counted", "going", "hour", "hours", "half", "quarter", *_NEXT})


class MonthDay(NamedTuple):
    """A day and the words, ``first`` to ``last``, that name it; ``part`` is of that day."""

    on: date
    first: int
    last: int
    part: str


def in_month(words: CalendarWords, word: Word, now: datetime) -> MonthDay | None:
    """A month with a day beside it: "12 June", "12th of June", "June 12", "اول سرطان"."""
    # "دی" (Dey) is a word of two letters in Pashto too, and "رمضان" a name: the day stands before.
    brief = len(words.tokens[word.first].forms[0]) < _SHORT
    named = brief or word.kind == "lunar_months"
    after = () if named else (word.last + 1, word.last + 2)
    for index in (word.first - 1, word.first - 2, *after):
        day = _day_number(words, word, index)
        if not day:
            continue
        resolved = _NEXT[word.kind](word.number, day, now)
        if resolved is None:
            continue
        said = [w.first for w in words.ending.get(index, ()) if w.kind in _SAID]
        low, high = min(word.first, index, *said), max(word.last, index)
        return _with_part(words, resolved, low, high)
    return None


def of_month(words: CalendarWords, word: Word, now: datetime) -> MonthDay | None:
    """A day without its month: "the 9th", "ngày 15", "٢٠ی مانگ"; the next day of that number."""
    before = word.kind == "of_month"
    index = word.first - 1 if before else word.last + 1
    # "اليوم" (today) is read as "يوم" (day) too.
    if words.parted(index if before else word.last) or words.is_kind(word.first, "today"):
        return None
    day, last = _bare_number(words, index, word.kind)
    if not day or not (_as_date(words, word, index) if before else _ends(words, word, last)):
        return None
    resolved = next_day_of_month(day, now)
    if resolved is None:
        return None
    first, last = (index, word.last) if before else (word.first, last)
    return _with_part(words, resolved, first, last)


def _with_part(words: CalendarWords, on: date, first: int, last: int) -> MonthDay:
    found = words.after(last, PARTS, 3)
    return MonthDay(on, first, last, found.kind if found else "")


def _as_date(words: CalendarWords, word: Word, index: int) -> bool:
    """ "٢٠ی مانگ" is the 20th; "٦ مانگ" are six months."""
    counted = words.is_kind(word.first, "counted")
    return not (counted and words.tokens[index].forms[0].isdigit())


def _ends(words: CalendarWords, word: Word, last: int) -> bool:
    """Whether nothing follows but a clause's end or a word of time: "the 2nd boat" is no day.

    A clause's end is not enough behind a word of two letters: "appelle le 17, mp".
    """
    if words.parted(last):
        return len(words.tokens[word.first].forms[0]) >= _SHORT
    kinds = {word.kind for word in words.starting.get(last + 1, ())}
    if not kinds:
        # "Le 12 à 5h".
        following = [token.forms[0] for token in words.tokens[last + 1 : last + 3]]
        return len(following) > 1 and len(following[0]) == 1 and bool(_HOUR.fullmatch(following[1]))
    # "Saat 14.20", "١١ بالشهر": words for hours and months that are counted stand here too.
    return not kinds.isdisjoint(_OF_TIME) or _NO_DAY.isdisjoint(kinds)


def _bare_number(words: CalendarWords, index: int, kind: str) -> tuple[int, int]:
    """(day, last word) of the number at this word, or (0, index)."""
    form = words.tokens[index].forms[0]
    found = _ORDINAL.fullmatch(form) if form[0].isdigit() else None
    if found:
        fits = kind == "of_month" or form.isdigit() != (kind == "on_ordinal")
        day = int(found[1]) if fits else 0
        return (day if day <= DECEMBER_DAYS else 0), index
    # "Be the first, the second": such words count more often than they date.
    said = [w for w in words.starting.get(index, ()) if w.kind == "ordinals" and w.number > _SHORT]
    return (said[0].number, said[0].last) if said else (0, index)


def _day_number(words: CalendarWords, word: Word, index: int) -> int:
    if not 0 <= index < len(words.tokens):
        return 0
    between = (word.first - 1,) if index == word.first - 2 else ()
    between = (word.last + 1,) if index == word.last + 2 else between
    if any(len(words.tokens[place].forms[0]) > _SHORT for place in between):
        return 0
    form = words.tokens[index].forms[0]
    found = _ORDINAL.fullmatch(form) if form[0].isdigit() else None
    number = int(found[1]) if found else 0
    if not found and (not between or words.is_kind(index, "ordinals")):
        at = words.ending if index < word.first else words.starting
        said = (
            w.number
            for w in at.get(index, ())
            if w.kind in _SAID and (w.last > w.first or len(form) >= _SHORT)
        )
        number = next(said, 0)
    if number and index > word.last and words.after(index, _COUNTED):
        return 0
    return number if number <= DECEMBER_DAYS else 0
