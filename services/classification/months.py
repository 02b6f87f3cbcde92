"""Days of a month: "12 June", "the 9th", "۲۲ خرداد", "ngày 15"."""

from __future__ import annotations

import re
from datetime import date, datetime, timedelta
from typing import Final, NamedTuple

from services.classification import minutes
from services.classification.calendar_matches import Word
from services.classification.calendar_words import HALVES, CalendarWords
from services.classification.dates import (
    DECEMBER_DAYS,
    next_date,
    next_day_of_month,
    next_lunar,
    next_solar,
)
from services.classification.minutes import NOON
from services.classification.solar import is_solar

# The endings of a day's number: "15th", "1er", "13'ünde", "16ی", "19-مه".
_DAY_NUMBER: Final = re.compile(
    r"(\d{1,2})(st|[nr]d|th|er|[iu]|[sn]?(?:in|un)d[ae]|s[iu]|ی|ەم|م|هم|مه|مې)?"
)
_ORDINAL: Final = re.compile(r"(\d{1,2})[^\W\d_]{0,4}")
_HOUR: Final = re.compile(r"\d{1,2}(?:h\d{0,2})?")
_SHORT: Final = 3
_OF_CLOCK: Final = re.compile(r"[:.hg]\d\d(?!\d)")
# So many days ahead the date of "Monday 15" may be.
_DATED_WITHIN: Final = 31
_ARABIC: Final = re.compile("[\u0600-\u06ff]")
# "Le 17" may be a telephone number, and "le 9" a bus.
_VAGUE: Final = frozenset({"le"})
_APOSTROPHES: Final = frozenset("'’")
_SAID: Final = ("ordinals", "numbers")
_COUNTED: Final = frozenset({"counted"})
# How the next such day of each calendar is found.
_NEXT_OF: Final = {
    "months": next_date, "numbered_months": next_date, "solar_months": next_solar,
    "lunar_months": next_lunar,
}  # fmt: skip
# Words that name a month; and words that make the number beside them a day of the next one, which
# stands behind them or (``of_month``) before them.
MONTHS: Final = frozenset(_NEXT_OF)
BARE: Final = frozenset({"on_date", "on_ordinal", "of_month"})
# "Mercredi 10 au matin" is the 10th; the hour would be "10h du matin".
_OF_DATE: Final = frozenset({"of_date"})
# After a number these make it an hour or a count, and no day of the month.
_NO_DATE: Final = _COUNTED | HALVES | {"hour", "hours", "half", "quarter"}
# From 12 on no hour of dawn, the morning or a turn is meant: "dimanche 14 à midi".
_NO_LATE_DATE: Final = _NO_DATE - {"dawn", "morning", "noon", "midnight"}
# "Thursday 11, noon": no eleventh hour, while "Thursday 1, noon" may be one o'clock.
_AT_NOON: Final = frozenset({"noon"})
_LATEST_NOON: Final = 4
_OF_MONTH: Final = frozenset({"of_month"})
# Between two days that follow each other: "from the 9th to the 10th", "the 9th or 10th".
_TO: Final = frozenset(
    {"-", "–", "/", "au", "et", "ou", "to", "and", "or", "ve", "den", "e", "dhe", "ose", "deri",
     "và", "hoặc", "تا", "و", "یا", "الى", "إلى", "او", "أو", "بۆ", "یان", "تر"}
)  # fmt: skip
# "Sunday next, the 14th".
_NEXT: Final = frozenset({"next_day", "next_week"})
_BETWEEN: Final = frozenset({"on_date", "on_ordinal", "between"})
_HALVED: Final = frozenset({"half", "quarter"})
_OF_TIME: Final = frozenset({"hour_before", "of_month"})
_BEFORE_DAY: Final = frozenset({" ", ", ", "، ", " ("})
_NO_DAY: Final = frozenset({"counted", "going", "hour", "hours", "half", "quarter", *_NEXT_OF})


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
    named = brief or word.kind in ("lunar_months", "numbered_months")
    counts = words.after(word.last, _NO_DAY) and not words.after(word.last, _OF_TIME)
    if word.kind == "numbered_months" and counts:
        return None
    if _is_hour(words, word):
        return None
    after = () if named else (word.last + 1, word.last + 2)
    for index in (word.first - 1, word.first - 2, *after):
        day = _day_number(words, word, index)
        if not day:
            continue
        resolved = _NEXT_OF[word.kind](word.number, day, now)
        if resolved is None:
            continue
        said = [w.first for w in words.ending.get(index, ()) if w.kind in _SAID]
        before = _day_before(words, index, day)
        if before < index and resolved > now.date():
            resolved, said = resolved - timedelta(days=1), [before]
        low, high = min(word.first, index, *said), max(word.last, index)
        return _with_part(words, resolved, low, high)
    return None


def _day_before(words: CalendarWords, index: int, day: int) -> int:
    """ "La nuit du 9 au 10 juin", "9-10 juin": the place of the first of two days, or ``index``."""
    for first in (index - 2, index - 1):
        if first < 0 or words.tokens[first].forms[0] != str(day - 1):
            continue
        between = words.text.original[words.tokens[first].end : words.tokens[index].start]
        if between.strip().lower() in _TO:
            return first
    return index


def of_month(words: CalendarWords, word: Word, now: datetime) -> MonthDay | None:
    """A day without its month: "the 9th", "ngày 15", "٢٠ی مانگ"; the next day of that number."""
    before = word.kind == "of_month"
    index = word.first - 1 if before else word.last + 1
    # "اليوم" (today) is read as "يوم" (day) too.
    if words.parted(index if before else word.last) or words.is_kind(word.first, "today"):
        return None
    # The month of "10/6 dương" is no day.
    if before and words.text.original[: words.tokens[index].start].endswith(("/", ".", "-")):
        return None
    day, last = _bare_number(words, index, word.kind)
    if not day or not (_as_date(words, word, index) if before else _ends(words, word, last)):
        return None
    resolved = next_day_of_month(day, now)
    if resolved is None:
        return None
    first, last = (index, word.last) if before else (word.first, last)
    return _with_part(words, resolved, first, last)


def of_weekday(words: CalendarWords, word: Word, weekday: int, now: datetime) -> MonthDay | None:
    """ "Monday 15", "Monday the 15th": a day of the month, when that day is a Monday."""
    said = words.after(word.last, _NEXT)
    word = word._replace(last=said.last) if said else word
    index = word.last + 1
    solar = _ARABIC.match(words.text.original, words.tokens[word.first].start) is not None
    if on := _dated_before(words, word, weekday, now, solar):
        return _with_part(words, on, word.first, word.last)
    between = words.behind(word.last, _BETWEEN)
    if not between and (words.parted(word.last) or words.gap(word.last) != " "):
        return None
    index = between.last + 1 if between else index
    if between and words.parted(between.last):
        return None
    found = _DAY_NUMBER.fullmatch(words.tokens[index].forms[0])
    number = int(found[1]) if found else _late_number(words, index)
    # With its month behind it the day is read with that.
    month = words.after(index, MONTHS)
    if not number or (month and not _is_hour(words, month)):
        return None
    of_month = words.after(index, _OF_MONTH)
    if found and not of_month and _is_hour_or_count(words, index, found):
        return None
    on = _on_weekday(number, weekday, now, solar)
    # "چوارشەممە ١٠ی مانگ": of the month.
    last = of_month.last if of_month else index
    return _with_part(words, on, word.first, last) if on else None


def _is_hour(words: CalendarWords, month: Word) -> bool:
    """ "١٣ الشهر أربعة وربع" is of the month, at a quarter past four; so is "8 بالشهر 11:30"."""
    if _OF_CLOCK.match(words.text.original, words.tokens[month.last].end):
        return True
    return month.last > month.first and words.after(month.last, _HALVED) is not None


def _dated_before(
    words: CalendarWords, word: Word, weekday: int, now: datetime, solar: bool
) -> date | None:
    """ "The 15th, Monday": the date that is said before its day."""
    index = word.first - 1
    if index < 0 or words.gap(index) not in _BEFORE_DAY:
        return None
    found = _DAY_NUMBER.fullmatch(words.tokens[index].forms[0])
    if found is None or not (found[2] or words.before(index, _BETWEEN)):
        return None
    return _on_weekday(int(found[1]), weekday, now, solar)


def _late_number(words: CalendarWords, index: int) -> int:
    """ "Samedi treize": a number in words, where it is too high for an hour; else 0."""
    said = (w.number for w in words.starting.get(index, ()) if w.kind == "numbers")
    return next((number for number in said if number > NOON), 0)


def _on_weekday(number: int, weekday: int, now: datetime, solar: bool) -> date | None:
    """The day of this number, when it is such a weekday; ``solar``: of that calendar, or else."""
    days = [now.date() + timedelta(days=ahead) for ahead in range(_DATED_WITHIN)]
    days = [day for day in days if day.weekday() == weekday]
    on = next((day for day in days if day.day == number), None)
    if on or not solar:
        return on
    return next((day for day in days if is_solar(day, number)), None)


def _is_hour_or_count(words: CalendarWords, index: int, found: re.Match[str]) -> bool:
    # "٨ی شەو" is eight at night: Sorani has one ending for both.
    if found[2] and found[2] != "ی":
        return False
    # "Sunday 14:30" is no fourteenth.
    if _OF_CLOCK.match(words.text.original, words.tokens[index].end):
        return True
    # "الجمعة ٣ وثلث": with its minutes it is an hour.
    if int(found[1]) <= NOON and minutes.said(words, index)[0]:
        return True
    kinds = _NO_LATE_DATE if int(found[1]) >= NOON else _NO_DATE
    kinds = kinds - _AT_NOON if int(found[1]) > _LATEST_NOON else kinds
    return words.after(index, kinds) is not None and words.after(index, _OF_DATE) is None


def _with_part(words: CalendarWords, on: date, first: int, last: int) -> MonthDay:
    return MonthDay(on, first, last, words.part_beside(first, last, 2))


def _as_date(words: CalendarWords, word: Word, index: int) -> bool:
    """ "٢٠ی مانگ" is the 20th; "٦ مانگ" are six months."""
    counted = words.is_kind(word.first, "counted")
    return not (counted and words.tokens[index].forms[0].isdigit())


def _ends(words: CalendarWords, word: Word, last: int) -> bool:
    """Whether it is a day, by what follows: "the 2nd boat" is none.

    A clause's end or a picture is enough, but not behind "le": "appelle le 17, mp".
    """
    month = words.after(last, MONTHS)
    if month and not _is_hour(words, month):
        # "تاریخ بیست و پنجم جوزا": the month is said, and it is the other calendar's.
        return False
    vague = words.tokens[word.first].forms[0] in _VAGUE
    if words.parted(last) or _is_picture(words, last + 1):
        return not vague
    sure = word.kind == "on_date" and not vague
    # "Ayın 13'ünde tekne": with its ending the number counts no boats.
    if sure and not words.tokens[last].forms[0].isdigit():
        return True
    kinds = {word.kind for word in words.starting.get(last + 1, ())}
    if not kinds:
        # "يوم ١٣ من", "ngày 15 xe chạy": what is counted would be known.
        if sure and not words.tokens[last + 1].forms[0][0].isdigit():
            return True
        # "Le 12 à 5h".
        following = [token.forms[0] for token in words.tokens[last + 1 : last + 3]]
        return len(following) > 1 and len(following[0]) == 1 and bool(_HOUR.fullmatch(following[1]))
    # "Saat 14.20", "١١ بالشهر": words for hours and months that are counted stand here too.
    return not kinds.isdisjoint(_OF_TIME) or _NO_DAY.isdisjoint(kinds)


def _is_picture(words: CalendarWords, index: int) -> bool:
    return not words.text.original[words.tokens[index].start].isalnum()


def _bare_number(words: CalendarWords, index: int, kind: str) -> tuple[int, int]:
    """(day, last word) of the number at this word, or (0, index)."""
    form = words.tokens[index].forms[0]
    found = _ORDINAL.fullmatch(form) if form[0].isdigit() else None
    if found:
        fits = kind == "of_month" or form.isdigit() != (kind == "on_ordinal")
        fits = fits or _DAY_NUMBER.fullmatch(form) is not None
        day = int(found[1]) if fits else 0
        # "Ayın 13'ünde": the ending stands by itself.
        ending = words.gap(index) in _APOSTROPHES if index + 1 < len(words.tokens) else False
        return (day if day <= DECEMBER_DAYS else 0), index + ending
    # "Be the first, the second": such words count more often than they date.
    # "Ngày mười", "date dhjete": such a word makes a plain number a date too.
    sure = kind == "on_date" and len(words.tokens[index - 1].forms[0]) > _SHORT
    kinds = _SAID if sure else _SAID[:1]
    said = [w for w in words.starting.get(index, ()) if w.kind in kinds and w.number > _SHORT]
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
