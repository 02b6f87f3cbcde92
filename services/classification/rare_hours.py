"""Times of day said in other ways than as a number: noon and a half, digits apart, four digits."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from services.classification.amounts import is_amount
from services.classification.calendar_words import NAMED_DAYS, CalendarWords
from services.classification.hour import Hour
from services.classification.minutes import EARLIER, LATER, NOON, change, said
from services.classification.ranges import is_limit

# "1 7 : 3 0": every digit apart.
_APART: Final = re.compile(r"(?<!\d)(?<!\d )([01] \d|2 [0-3]) ?: ?([0-5] \d)(?! ?[\d:/%])")
# "Tonight 0200": four digits with a nought before them, beside a day; "1430 hrs".
_FOUR: Final = re.compile(r"(0\d)([0-5]\d)|([01]\d|2[0-3])([0-5]\d)hrs?")
_HOURS: Final = frozenset({"hr", "hrs"})
_DIGITS: Final = 4
_TURNS: Final = {"midnight": (0, "night"), "noon": (NOON * 60, "noon")}
_BESIDE: Final = NAMED_DAYS | {"at", "hour_before"}
_DAY: Final = 24


def apart(words: CalendarWords) -> Iterator[Hour]:
    """A clock's hour that is written with a blank between its digits."""
    text = words.text
    for match in _APART.finditer(text.text) if text.digits and ":" in text.text else ():
        hour, minute = (int(digits.replace(" ", "")) for digits in match.groups())
        yield Hour(hour * 60 + minute, *text.span(match.start(), match.end()))


def four_digits(words: CalendarWords) -> Iterator[Hour]:
    """An hour of four digits beside a day."""
    for index in words.numerals:
        token = words.tokens[index]
        form = token.forms[0]
        if index >= words.end or not form[:_DIGITS].isdigit() or len(form) < _DIGITS:
            continue
        following = [token.forms[0] for token in words.tokens[index + 1 : index + 2]]
        found = _FOUR.fullmatch(form + "".join(mark for mark in following if mark in _HOURS))
        if found is None or not (found[3] or words.before(index, _BESIDE)):
            continue
        # "0207-946-0000", "0033 6 39": a telephone number goes on.
        if following and following[0][0].isdigit():
            continue
        counted = found[3] is None and is_amount(words, index, index)
        if counted or is_limit(words, index, index):
            continue
        hour, minute = filter(None, found.groups())
        yield Hour(int(hour) * 60 + int(minute), token.start, token.end)


def turned(words: CalendarWords) -> Iterator[Hour]:
    """ "Minuit et demi", "midi moins le quart", "half past midnight", "midi vingt"."""
    for word in words.of_kinds(frozenset(_TURNS)):
        beside = words.after(word.last, LATER) or words.before(word.first, EARLIER)
        # "یوولس پاو کم د ورځې" is a quarter to eleven, by day.
        if beside and words.numbered_before(beside.first):
            continue
        first = min(word.first, beside.first) if beside else word.first
        minutes, last = (change(beside), beside.last) if beside else said(words, word.last)
        minutes, last = (minutes, last) if minutes else _spelt(words, word.last)
        last = max(word.last, last)
        if minutes:
            start, end = words.tokens[first].start, words.tokens[last].end
            turn, half = _TURNS[word.kind]
            yield Hour((turn + minutes) % (_DAY * 60), start, end, half)


def _spelt(words: CalendarWords, index: int) -> tuple[int, int]:
    """Minutes in words behind noon or midnight, too many for an hour; 0 when none are."""
    if words.parted(index):
        return 0, index
    spelt = [w for w in words.starting.get(index + 1, ()) if w.kind in ("numbers", "tens")]
    if not spelt or spelt[0].number <= NOON or is_amount(words, spelt[0].first, spelt[0].last):
        return 0, index
    return spelt[0].number, spelt[0].last
