"""Numbers that are no times of day: what they count, what they cost, and the articles."""

from __future__ import annotations

import re
from typing import Final

from services.classification.calendar_words import HALVES, NAMED_DAYS, CalendarWords

_MONEY: Final = "£$€¥₺%+/×"
# "3 💺": seats and people in pictures.
_PICTURED: Final = frozenset("💺👤👥🧍🪑")
_COUNTED: Final = frozenset({"counted"})
_NIGHTS: Final = frozenset({"night", "late_night", "evening"})
_OF_DATE: Final = frozenset({"of_date"})
# "Un" and "bir" are mostly "a", and "نه" is mostly "no".
_NO_NIGHT: Final = HALVES - _NIGHTS
_AT: Final = frozenset({"at"})
# "Gece 12de bot": with this ending a number is of the clock, and counts no boats.
_AT_CLOCK: Final = re.compile(r"\d{1,2}(?:[dt]e|da)")


def is_amount(words: CalendarWords, first: int, last: int) -> bool:
    if words.is_kind(first, "clock_numbers") or _AT_CLOCK.fullmatch(words.tokens[first].forms[0]):
        return False
    if words.after(last, _OF_DATE):
        return True
    return is_counted(words, last) or priced(
        words, words.tokens[first].start, words.tokens[last].end
    )


def is_article(words: CalendarWords, first: int, last: int) -> bool:
    """ "Ce soir un bateau" is none at one; "tonight at one" ends there, "یک بعدازظهر" goes on."""
    if not words.is_kind(first, "article") or words.is_kind(first, "clock_numbers"):
        return False
    night = words.after(last, _NIGHTS)
    if night and night.last > night.first:
        return False
    return not (words.after(last, _NO_NIGHT) or (closed(words, last) and words.before(first, _AT)))


def is_counted(words: CalendarWords, last: int) -> bool:
    """Whether what follows is what the number counts: people, euros, another group of digits."""
    if counts_things(words, last):
        return True
    if last + 1 >= len(words.tokens) or words.gap(last) != " ":
        return False
    form = words.tokens[last + 1].forms[0]
    return form.isdigit() and len(form) > 2  # noqa: PLR2004 - "5 500", "7700 900123"


def counts_things(words: CalendarWords, last: int) -> bool:
    """Whether people, euros or seats in pictures follow."""
    # "23h hôm nay": the word for nights that are counted begins the word for today.
    if words.after(last, _COUNTED) and not words.after(last, NAMED_DAYS):
        return True
    end = words.tokens[last].end
    return words.text.original[end : end + 2].lstrip()[:1] in _PICTURED


def priced(words: CalendarWords, start: int, end: int) -> bool:
    around = words.text.original[max(0, start - 2) : start].strip()[-1:]
    behind = words.text.original[end : end + 2].strip()[:1]
    return (around != "" and around in _MONEY) or (behind != "" and behind in _MONEY)


def closed(words: CalendarWords, last: int) -> bool:
    return last + 1 >= len(words.tokens) or words.gap(last).strip()[:1] in tuple(",.!،؛\n-–—")


def counts_nights(words: CalendarWords, last: int) -> bool:
    """ "2 nights": with no day named, a number before "night" counts them, unlike "2 at night"."""
    found = words.after(last, _NIGHTS)
    return found is not None and found.first == found.last
