"""The calendar words of a text by place, and what stands beside them in the same clause."""

from __future__ import annotations

import re
from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterator, Sequence
from functools import cached_property
from operator import attrgetter
from typing import Final

from services.classification import calendar_matches
from services.classification.calendar_matches import Word
from services.classification.dates import in_digits
from services.classification.lexica import PARTS
from services.classification.matcher import Match
from services.classification.normalise import Normalised, Token

HALVES: Final = PARTS | {"am", "pm"}
_RELATIVE: Final = frozenset({"tonight", "tomorrow", "today"})
DAY_PARTS: Final = frozenset(
    f"{day}_{part}" for day in ("today", "tomorrow") for part in PARTS - {"midnight"}
)
# "Friday night" in one word, "after the Friday prayer".
WEEKDAY_PARTS: Final = frozenset(
    {"weekdays_night", "weekdays_evening", "weekdays_morning", "weekdays_early_afternoon"}
)
NAMED_DAYS: Final = (
    _RELATIVE | DAY_PARTS | WEEKDAY_PARTS | {"weekdays", "months"}
    | {"numbered_months", "solar_months", "lunar_months", "day_after"}
    | {"in_days", "in_nights", "in_weeks", "weeks_today", "tonight_midnight"}
)  # fmt: skip
SENTENCE_END: Final = re.compile(r"[\n!?؟;؛|]|[.。](?=\s|$)")
CLAUSE_END: Final = re.compile(rf"{SENTENCE_END.pattern}|[,،]")
# The longest linking word between a day and its part: "Friday in the", "naten e se".
_LINK: Final = 4
_MARGIN: Final = 8
# "clock_numbers" are of the clock by their ending ("dörtte"), "half_numbers" half an hour more.
_NUMBERS: Final = frozenset({"numbers", "romanised", "clock_numbers", "half_numbers"})
_COMMAS: Final = frozenset({", ", "، ", ") ", "، ("})
# So far from a date in digits an hour may stand: "22g ngày 04/06".
_DATED_NEAR: Final = 12
_ON_DATE: Final = frozenset({"on_date", "on_ordinal"})
_GOING: Final = frozenset({"going"})
_JOINED: Final = re.compile(r"(\d{1,2})(?:ی|ه|[td][ae]n?|s?i|y?[iuea]|[yu]|টআ?য?র?)?")


class CalendarWords:
    """Every look-up is by place; ``reach`` counts words and never crosses a clause.

    ``numerals``: the words that begin with a digit; ``numeric``: dates in digits, as they stand in
    the folded text.
    """

    def __init__(self, text: Normalised, matches: Sequence[Match]) -> None:
        self.text = text
        self.tokens: Sequence[Token] = text.tokens
        self.starting: dict[int, list[Word]] = defaultdict(list)
        self.ending: dict[int, list[Word]] = defaultdict(list)
        self.kinds: set[str] = set()
        for word in calendar_matches.read(text, matches):
            self.starting[word.first].append(word)
            self.ending[word.last].append(word)
            self.kinds.add(word.kind)
        for found in self.starting.values():
            if len(found) > 1:
                found.sort(key=lambda word: -word.last)
        for found in self.ending.values():
            if len(found) > 1:
                found.sort(key=lambda word: word.first)
        read = enumerate(text.tokens) if text.digits else ()
        self.numerals = [at for at, token in read if token.forms[0][0].isdigit()]
        self.numeric = in_digits(text)
        # No number behind the last calendar word and its neighbours can be a time.
        self.end = max(self.ending, default=-_MARGIN) + _MARGIN

    def of_kinds(self, kinds: frozenset[str]) -> list[Word]:
        """Every word of these kinds, in the order of the text."""
        if self.kinds.isdisjoint(kinds):
            return []
        return [word for found in self.starting.values() for word in found if word.kind in kinds]

    def places(self, kinds: frozenset[str]) -> list[int]:
        """Where such words begin, in order."""
        return sorted({word.first for word in self.of_kinds(kinds)})

    def gap(self, index: int) -> str:
        """The characters between the word ``index`` and the next."""
        return self.text.original[self.tokens[index].end : self.tokens[index + 1].start]

    def parted(self, index: int) -> bool:
        """Whether a clause ends between the word ``index`` and the next."""
        if index < 0 or index + 1 >= len(self.tokens):
            return True
        gap = self.gap(index)
        if gap in (" ", "") or (gap == ". " and self.is_kind(index, "on_date")):
            return False
        joined = self.tokens[index].joined or self.tokens[index + 1].joined
        return not joined and CLAUSE_END.search(gap) is not None

    def after(self, index: int, kinds: frozenset[str], reach: int = 1) -> Word | None:
        """The nearest word of these kinds that begins at most ``reach`` words after."""
        if self.kinds.isdisjoint(kinds):
            return None
        for place in range(index + 1, index + 1 + reach):
            if self.parted(place - 1):
                return None
            for word in self.starting.get(place, ()):
                if word.kind in kinds:
                    return word
            if len(self.tokens[place].forms[0]) > _LINK:
                return None
        return None

    def before(self, index: int, kinds: frozenset[str], reach: int = 1) -> Word | None:
        """The nearest word of these kinds that ends at most ``reach`` words before."""
        if self.kinds.isdisjoint(kinds):
            return None
        for place in range(index - 1, index - 1 - reach, -1):
            if self.parted(place):
                return None
            for word in self.ending.get(place, ()):
                if word.kind in kinds:
                    return word
            if len(self.tokens[place].forms[0]) > _LINK:
                return None
        return None

    def part_after(self, index: int) -> Word | None:
        """The part of the day behind a day: "Friday night", "the 15th, early morning"."""
        found = self.after(index, PARTS, 3)
        if found or index + 1 >= len(self.tokens):
            return found
        if self.gap(index) in _COMMAS:
            return self.behind(index, PARTS)
        # "The flight of the 15th in the morning", as other languages order it.
        going = self.behind(index, _GOING)
        return self.after(going.last, PARTS) if going else None

    def behind(self, index: int, kinds: frozenset[str]) -> Word | None:
        """The next word, if of these kinds, also behind a comma: "Wednesday, the 10th"."""
        if index + 1 >= len(self.tokens) or (self.parted(index) and self.gap(index) not in _COMMAS):
            return None
        return next((word for word in self.starting.get(index + 1, ()) if word.kind in kinds), None)

    def part_beside(self, first: int, last: int, before: int = 1) -> str:
        """The part that is said behind the day of these words, or else up to ``before`` before."""
        found = self.part_after(last) or self.before(first, PARTS, before) or self._apart(first)
        return found.kind if found else ""

    def _apart(self, first: int) -> Word | None:
        """The part that stands by itself before a day: "Minsk, midi, samedi 13"."""
        if first < 1 or self.gap(first - 1) not in _COMMAS:
            return None
        said = (word for word in self.ending.get(first - 1, ()) if word.kind in PARTS)
        return next((word for word in said if self.parted(word.first - 1)), None)

    def word_from(self, start: int) -> int:
        """The first word that begins at this character of the original or behind it."""
        return bisect_left(self.tokens, start, key=attrgetter("start"))

    def near(self, index: int, kinds: frozenset[str], reach: int) -> bool:
        """Whether such a word stands within ``reach`` words, whatever is between."""
        if self.kinds.isdisjoint(kinds):
            return False
        starting = self.starting
        for place in range(index - reach, index + reach + 1):
            for word in starting.get(place, ()):
                if word.kind in kinds:
                    return True
        return False

    def numbers(self) -> Iterator[tuple[int, int, int]]:
        """(value, first, last) of every number up to 31, in digits or words, the longest first."""
        for index in sorted({*self.numerals, *self.places(_NUMBERS)}):
            found = self.number(index, self.tokens[index]) if index < self.end else None
            if found is not None:
                yield (found[0], index, found[1])

    def number(self, index: int, token: Token) -> tuple[int, int] | None:
        """(value, last word) of a number that begins at this word."""
        form = token.forms[0]
        found = _JOINED.fullmatch(form) if form[0].isdigit() else None
        if found:
            return int(found[1]), index
        for word in self.starting.get(index, ()):
            if word.kind in _NUMBERS:
                return word.number, word.last
        return None

    def dated_near(self, start: int) -> bool:
        """Whether a date in digits begins a few characters from this one of the original."""
        dates = self._dates
        at = bisect_left(dates, start - _DATED_NEAR)
        return at < len(dates) and dates[at] <= start + _DATED_NEAR

    def dated_end(self) -> int:
        """Like ``end``, of dates in digits too: "06/06 à 4h"."""
        dates = self._dates
        return max(self.end, self.word_from(dates[-1]) + _MARGIN) if dates else self.end

    @cached_property
    def _dates(self) -> list[int]:
        return sorted(self._dated())

    def _dated(self) -> Iterator[int]:
        for match in self.numeric:
            yield self.text.starts[match.start()]
        for words in self.starting.values():
            for word in words:
                following = self.tokens[word.last + 1 : word.last + 2]
                if word.kind in _ON_DATE and following and following[0].forms[0][0].isdigit():
                    yield following[0].start

    def is_kind(self, index: int, kind: str) -> bool:
        """Whether a word of this kind begins at this word."""
        return any(word.kind == kind for word in self.starting.get(index, ()))

    def is_romanised(self, index: int) -> bool:
        """Whether it is a number word of no known language: "se", "do", "no" are often not one."""
        found = [w.kind for w in self.starting.get(index, ()) if w.kind in _NUMBERS]
        return found[:1] == ["romanised"] and "numbers" not in found

    def numbered_before(self, index: int) -> bool:
        """Whether a number stands directly before: "3 hours", and no "hour 3"."""
        if index < 1 or self.parted(index - 1):
            return False
        form = self.tokens[index - 1].forms[0]
        return form.isdigit() or any(w.kind in _NUMBERS for w in self.ending.get(index - 1, ()))
