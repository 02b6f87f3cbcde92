"""Times of day: "5am", "05:30", "saat 5", "ساعت ۵", found beside the words that make them hours."""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import time
from typing import Final

from services.classification.normalise import Normalised, Token

NOON: Final = 12
_CLOCK: Final = re.compile(r"(?<![\d:.])([01]?\d|2[0-3])\s?(?::|h|\.|g)\s?([0-5]\d)(?![\d:./])")
_ATTACHED: Final = re.compile(r"([01]?\d|2[0-3])(am|pm|h|g|gio|pa|sa)")
# Kurdish joins the hour to "of the morning" by a letter.
_BARE_HOUR: Final = re.compile("([01]?[0-9]|2[0-3])ی?")
_BESIDE: Final = 3

# Calendar words by the index of their first word: (label, index of the last word).
Labels = dict[int, list[tuple[str, int]]]


@dataclass(frozen=True, slots=True)
class Hour:
    """A time of day and the original characters that name it."""

    at: time
    start: int
    end: int
    # An hour without a minute or a half of the day may be of the morning or of the evening.
    open_half: bool = False


def find_hours(text: Normalised, labels: Labels) -> Iterator[Hour]:
    """Every time of day that the text names, clock times first."""
    for match in _CLOCK.finditer(text.text):
        start, end = text.span(match.start(), match.end())
        half = _half(text.tokens, labels, end)
        yield Hour(time(_to_24(int(match[1]), half), int(match[2])), start, end)
    for index, token in enumerate(text.tokens):
        hour = _hour_of(text.tokens, index, labels)
        if hour is not None:
            yield hour
        elif found := _ATTACHED.fullmatch(token.forms[0]):
            half = found[2] if found[2] in ("am", "pm") else _half(text.tokens, labels, token.end)
            yield Hour(time(_to_24(int(found[1]), half)), token.start, token.end, not half)


def _hour_of(tokens: Sequence[Token], index: int, labels: Labels) -> Hour | None:
    """A bare number that the words beside it make an hour: "5 am", "saat 5", "ساعت ۵"."""
    found = _BARE_HOUR.fullmatch(tokens[index].forms[0])
    if found is None:
        return None
    after = {label for label, _ in labels.get(index + 1, ())}
    before = {label for i in (index - 1, index - 2) for label, _ in labels.get(i, ())}
    said = after & {"am", "pm", "hour"} or "hour_before" in before
    if not said and not ("at" in before and _day_beside(labels, index)):
        return None
    half = _half(tokens, labels, tokens[index].end)
    at = time(_to_24(int(found[1]), half))
    return Hour(at, tokens[index].start, tokens[index].end, not half)


def _day_beside(labels: Labels, index: int) -> bool:
    """Whether a day is named close by, so that "at 11" is a time and no house number."""
    near = range(index - _BESIDE - 1, index + _BESIDE + 1)
    return any(
        label.partition(".")[0] in ("today", "tonight", "tomorrow", "weekdays")
        for i in near
        for label, _ in labels.get(i, ())
    )


def _half(tokens: Sequence[Token], labels: Labels, end: int) -> str:
    """am or pm, when one of the next words says so."""
    first = bisect_left(tokens, end, key=lambda token: token.start)
    for index in (first, first + 1):
        for label, _ in labels.get(index, ()):
            if label in ("am", "pm"):
                return label
    return ""


def _to_24(hour: int, half: str) -> int:
    if half == "pm" and hour < NOON:
        return hour + NOON
    return 0 if half == "am" and hour == NOON else hour
