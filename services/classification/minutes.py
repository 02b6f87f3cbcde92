"""Which hour of the 24 is meant, and its minutes, said after it: "5 giờ 30", "ora 6 e 45"."""

from __future__ import annotations

from typing import Final

from services.classification.amounts import is_counted
from services.classification.calendar_matches import Word
from services.classification.calendar_words import CalendarWords
from services.classification.lexica import PARTS

NOON: Final = 12
HALF: Final = 30
SMALL_HOURS: Final = 5
# A half or a quarter that is said before the hour, or behind it.
_CHANGE: Final = {
    "half_past": HALF, "quarter_past": 15, "quarter_to": -15, "half": HALF, "quarter": 15,
    "less_quarter": -15,
}  # fmt: skip
# Minutes of their own number before the hour: "ten to eight", "twenty past five".
_COUNTED_TO: Final = {"to_hour": -1, "past_hour": 1}
QUARTERS: Final = frozenset({"quarter_past", "quarter_to", *_COUNTED_TO})
EARLIER: Final = QUARTERS | {"half_past"}
LATER: Final = frozenset({"half", "quarter", "less_quarter"})
LESS: Final = frozenset({"less"})
_AND: Final = frozenset({"and"})
_SPELT: Final = frozenset({"numbers", "ordinals", "tens"})
MINUTES: Final = frozenset({"minutes"})
_DAY_BEFORE: Final = frozenset({"weekdays", "tomorrow", "today", "tonight", "day_after"})
# "7'yi 10 geçe", "8'e 20 kala": the word stands behind the minutes.
_PAST_TO: Final = {"minutes_past": 1, "minutes_to": -1}
_BEHIND: Final = frozenset(_PAST_TO)
_HOUR: Final = 60
_STEP: Final = 5


def change(word: Word) -> int:
    """Minutes that a word of ``EARLIER`` or ``LATER`` adds to the hour beside it."""
    return _COUNTED_TO[word.kind] * word.number if word.kind in _COUNTED_TO else _CHANGE[word.kind]


def begin(words: CalendarWords, index: int) -> bool:
    """Whether the number at this word is minutes, of an hour that follows: "ten to eight"."""
    if words.kinds.isdisjoint(_COUNTED_TO):
        return False
    said = (w for w in words.starting.get(index, ()) if w.kind in _COUNTED_TO)
    places = (w.last + 1 for w in said if not words.parted(w.last))
    return any(words.number(place, words.tokens[place]) for place in places)


def spelt(words: CalendarWords, index: int) -> int:
    """ "5 giờ 30", "21 heures 15", "hai giờ mười lăm"."""
    if words.parted(index) or is_counted(words, index + 1):
        return 0
    tens = next((w for w in words.starting.get(index + 1, ()) if w.kind == "tens"), None)
    if tens:
        return 0 if is_counted(words, tens.last) else tens.number
    form = words.tokens[index + 1].forms[0]
    close = words.gap(index) == " " and len(form) == 2 and form.isdigit()  # noqa: PLR2004
    return int(form) if close and int(form) < _HOUR else 0


def said(words: CalendarWords, index: int) -> tuple[int, int]:
    """(minutes, last word) of what is said after an hour; (0, ``index``) when nothing is.

    "5 giờ kém 10", "cinq heures moins dix": fewer; "ora 6 e 45", "شش و بیست دقیقه": more. They
    go in fives, or are minutes by name: anything else is counted.
    """
    if index + 1 < len(words.tokens) and words.kinds & _BEHIND:
        value, last = _number(words, index + 1)
        behind = words.after(last, _BEHIND)
        if value and behind:
            return _PAST_TO[behind.kind] * value, behind.last
    if _has_and(words, index + 1):
        return _in_fives(words, index, index + 1, 1)
    for kinds, sign in ((LESS, -1), (_AND, 1)):
        joined = words.after(index, kinds)
        if joined is None or words.parted(joined.last):
            continue
        found = _in_fives(words, index, joined.last + 1, sign)
        if found[0]:
            return found
    return 0, index


def _in_fives(words: CalendarWords, index: int, place: int, sign: int) -> tuple[int, int]:
    """As ``said``, of the number that begins at ``place``."""
    value, last = _number(words, place)
    named = words.after(last, MINUTES)
    whole = value % _STEP == 0 and not is_counted(words, last)
    ends = words.parted(last) or last + 1 in words.starting
    # "E martë 7 e 25 Milano", "neser ne darke 10 pa 20 kamion".
    ends = ends or words.before(index, _DAY_BEFORE if sign > 0 else _DAY_BEFORE | PARTS) is not None
    if value and (named or (whole and ends)):
        return sign * value, named.last if named else last
    return 0, index


def _has_and(words: CalendarWords, place: int) -> bool:
    """ "أربعة وعشرة": the word begins with "and", and what it is without that is a number."""
    if place >= len(words.tokens) or words.parted(place - 1):
        return False
    forms = words.tokens[place].forms
    glued = forms[0][0] == "و" and forms[0][1:] in forms[1:]
    return glued and any(word.kind in _SPELT for word in words.starting.get(place, ()))


def _number(words: CalendarWords, place: int) -> tuple[int, int]:
    """(minutes, last word) of the number that begins at this word."""
    form = words.tokens[place].forms[0]
    if form.isdigit():
        return (int(form), place) if len(form) <= 2 and int(form) < _HOUR else (0, place)  # noqa: PLR2004
    spelt_out = [w for w in words.starting.get(place, ()) if w.kind in _SPELT]
    return (spelt_out[0].number, spelt_out[0].last) if spelt_out else (0, place)


def in_half(hour: int, half: str) -> int:
    """The hour of the 24, or 24 for "12 at night"."""
    if half in ("am", "dawn", "morning"):
        return 0 if hour == NOON else hour
    if half in ("pm", "early_afternoon", "afternoon", "late_afternoon", "noon"):
        late = hour < NOON if half != "noon" else 0 < hour <= SMALL_HOURS
        return hour + NOON if late else hour
    if half in ("evening", "sunset"):
        return hour + NOON if 0 < hour <= NOON else hour
    if half in ("night", "tonight", "late_night", "midnight"):
        return hour + NOON if SMALL_HOURS <= hour <= NOON else hour
    return hour
