"""Times of day said in other ways than as a number: noon and a half, digits apart, four digits."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from services.classification.amounts import is_amount
from services.classification.calendar_words import NAMED_DAYS, CalendarWords
from services.classification.hour import Hour
from services.classification.minutes import CHANGE, LATER, NOON
from services.classification.ranges import is_limit

# "1 7 : 3 0": every digit apart.
_APART: Final = re.compile(r"(?<!\d)(?<!\d )([01] \d|2 [0-3]) ?: ?([0-5] \d)(?! ?[\d:/%])")
# "Tonight 0200": four digits with a nought before them, beside a day; "1430hrs".
_FOUR: Final = re.compile(r"(0\d)([0-5]\d)|([01]\d|2[0-3])([0-5]\d)hrs?")
_TURNS: Final = {"midnight": (0, "night"), "noon": (NOON * 60, "noon")}
_BESIDE: Final = NAMED_DAYS | {"at", "hour_before"}
_DAY: Final = 24


def apart(words: CalendarWords) -> Iterator[Hour]:
    """A clock's hour that is written with a blank between its digits."""
    text = words.text
    for match in _APART.finditer(text.text) if words.digits else ():
        hour, minute = (int(digits.replace(" ", "")) for digits in match.groups())
        yield Hour(hour * 60 + minute, *text.span(match.start(), match.end()))


def four_digits(words: CalendarWords) -> Iterator[Hour]:
    """An hour of four digits beside a day."""
    for index, token in enumerate(words.tokens[: words.end]) if words.digits else ():
        found = _FOUR.fullmatch(token.forms[0])
        if found is None or not words.before(index, _BESIDE):
            continue
        # "0207-946-0000", "0033 6 39": a telephone number goes on.
        following = words.tokens[index + 1 : index + 2]
        if following and following[0].forms[0][0].isdigit():
            continue
        counted = found[3] is None and is_amount(words, index, index)
        if counted or is_limit(words, index, index):
            continue
        hour, minute = filter(None, found.groups())
        yield Hour(int(hour) * 60 + int(minute), token.start, token.end)


def turned(words: CalendarWords) -> Iterator[Hour]:
    """ "Minuit et demi", "midi moins le quart"."""
    for word in words.of_kinds(frozenset(_TURNS)):
        later = words.after(word.last, LATER)
        if later:
            start, end = words.tokens[word.first].start, words.tokens[later.last].end
            turn, half = _TURNS[word.kind]
            yield Hour((turn + CHANGE[later.kind]) % (_DAY * 60), start, end, half)
