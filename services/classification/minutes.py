"""The minutes of an hour, said after it: "5 giờ 30", "ora 6 e 45", "cinq heures moins dix"."""

from __future__ import annotations

from typing import Final

from services.classification.amounts import is_counted
from services.classification.calendar_words import CalendarWords

_LESS: Final = frozenset({"less"})
_AND: Final = frozenset({"and"})
_SPELT: Final = frozenset({"numbers", "ordinals", "tens"})
_MINUTES: Final = frozenset({"minutes"})
_HOUR: Final = 60
_STEP: Final = 5


def spelt(words: CalendarWords, index: int) -> int:
    """ "5 giờ 30", "21 heures 15"."""
    if words.parted(index) or is_counted(words, index + 1):
        return 0
    form = words.tokens[index + 1].forms[0]
    close = words.gap(index) == " " and len(form) == 2 and form.isdigit()  # noqa: PLR2004
    return int(form) if close and int(form) < _HOUR else 0


def said(words: CalendarWords, index: int) -> tuple[int, int]:
    """(minutes, last word) of what is said after an hour; (0, ``index``) when nothing is.

    "5 giờ kém 10", "cinq heures moins dix": fewer; "ora 6 e 45", "شش و بیست دقیقه": more. They
    go in fives, or are minutes by name: anything else is counted.
    """
    for kinds, sign in ((_LESS, -1), (_AND, 1)):
        joined = words.after(index, kinds)
        if joined is None or words.parted(joined.last):
            continue
        value, last = _number(words, joined.last + 1)
        named = words.after(last, _MINUTES)
        if value and (named or (value % _STEP == 0 and not is_counted(words, last))):
            return sign * value, named.last if named else last
    return 0, index


def _number(words: CalendarWords, place: int) -> tuple[int, int]:
    """(minutes, last word) of the number that begins at this word."""
    form = words.tokens[place].forms[0]
    if form.isdigit():
        return (int(form), place) if len(form) <= 2 and int(form) < _HOUR else (0, place)  # noqa: PLR2004
    spelt_out = [w for w in words.starting.get(place, ()) if w.kind in _SPELT]
    return (spelt_out[0].number, spelt_out[0].last) if spelt_out else (0, place)
