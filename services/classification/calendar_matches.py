"""The calendar words that the matched phrases of a text are, without those that mean no time."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cache
from typing import Final, NamedTuple

from services.classification.lexica import CALENDAR, NO_LANGUAGE
from services.classification.matcher import Match
from services.classification.normalise import Normalised, Token, fold

# Where Vietnamese is typed with its marks, they alone tell these words from others: "tối" is
# the evening and "tới" is "next"; "sáng" is the morning and "sang" is "across".
_MARKED: Final = re.compile(r"[ăâđêôơưạảấầẩậắặẹẻẽếềểệỉịọỏốồổỗộớờởợụủứừửựỳỵỷỹ]")
_WRITTEN: Final = (
    "sáng tối đêm mai sáu năm bảy ba tám trưa giờ bốn chiều mười một thứ hàng mỗi hai chín kia rưỡi"
)
_VIETNAMESE: Final = {fold(word): word for word in _WRITTEN.split()}
# Words that keep another spelling inside these phrases: "sau 2 tiếng".
_OTHERWISE: Final = frozenset(
    {"in_hours", "in_half_hours", "in_days", "in_nights", "in_weeks", "weeks_today", "next_week"}
)
# A text that names more times than this tells of no departure; it costs no more time either.
_MOST_WORDS: Final = 150
# "١٤ی شەش": the 14th of the sixth, as Sorani says months.
_OF_NUMBER: Final = re.compile(r"(?:\d{1,2}|[^\W\d_]{2,7})ی")
# "۸ونیم": half past eight in one word.
_HALVED: Final = re.compile(r"(\d\d?)و?(?:نیم|نص|نصف)")
_READ_OTHERWISE: Final = frozenset({NO_LANGUAGE, "tr", "ckb"})
_LIMITS: Final = frozenset({"past", "until", "until_after"})
# Words of every sentence: they are bounded by how many phrases are matched.
_BESIDE: Final = frozenset(
    {"on_date", "on_ordinal", "and", "less", "of_month", "minutes", "not_before", "not_after"}
)


class Word(NamedTuple):
    """``kind`` and ``number`` of "weekdays.5"; ``first`` to ``last`` are words of the text."""

    kind: str
    number: int
    first: int
    last: int


def read(text: Normalised, matches: Sequence[Match]) -> Iterable[Word]:
    """Each once, in the order of the text; bounded, however many phrases were matched."""
    return _meant(dict.fromkeys(_bounded(_words(text, matches))))


def _words(text: Normalised, matches: Sequence[Match]) -> list[Word]:
    words: list[Word] = []
    marked: bool | None = None
    for (language, concept), first, last in matches:
        named = _named(concept)
        if named is None:
            continue
        word = Word(*named, first, last)
        if language == "vi":
            if marked is None:
                marked = _MARKED.search(text.original.lower()) is not None
            if not _is_vietnamese(text, word, marked):
                continue
        if language in _READ_OTHERWISE:
            words += _read_as(text, language, word)
        else:
            words.append(word)
    for index, token in enumerate(text.tokens) if text.digits and _HALVED.search(text.text) else ():
        if halved := _HALVED.fullmatch(token.forms[0]):
            words.append(Word("half_numbers", int(halved[1]), index, index))
    return words


def kind_of(concept: str) -> str:
    """ "weekdays" of "@weekdays.5"; empty for what is of no calendar."""
    named = _named(concept)
    return named[0] if named else ""


@cache
def _named(concept: str) -> tuple[str, int] | None:
    """Kind and number of "@weekdays.5"; None for what is of no calendar."""
    if not concept.startswith(CALENDAR):
        return None
    kind, _, number = concept.removeprefix(CALENDAR).partition(".")
    return kind, int(number or 0)


def _is_vietnamese(text: Normalised, word: Word, marked: bool) -> bool:
    if word.kind == "day_after":
        return not _is_one(text, word.first, word.last)
    if word.kind in _OTHERWISE or not marked:
        return True
    return all(_as_written(text, text.tokens[i]) for i in range(word.first, word.last + 1))


def _read_as(text: Normalised, language: str, word: Word) -> Iterator[Word]:
    if language == NO_LANGUAGE and word.kind == "numbers":
        word = word._replace(kind="romanised")
    elif language == "tr" and word.kind == "night" and _is_past(text, text.tokens[word.last]):
        word = word._replace(kind="minutes_past")
    elif language == "ckb" and word.kind == "numbers" and _of_number(text, word.first):
        yield word._replace(kind="numbered_months")
    yield word


def _is_past(text: Normalised, token: Token) -> bool:
    """ "7'yi 10 geçe" is ten past seven, and "gece" the night."""
    return "ç" in text.original[token.start : token.end].lower()


def _is_one(text: Normalised, first: int, last: int) -> bool:
    """ "Mốt" is the day after tomorrow; without its marks it is "một", one."""
    if last > first or text.tokens[first].forms[0] != "mot":
        return False
    # "Hai mươi mốt": of a number it is one too.
    if first and text.tokens[first - 1].forms[0] == "muoi":
        return True
    return _letters(text, text.tokens[first]) != "mốt"


def _of_number(text: Normalised, first: int) -> bool:
    return first > 0 and _OF_NUMBER.fullmatch(text.tokens[first - 1].forms[0]) is not None


def _bounded(words: Iterable[Word]) -> Iterator[Word]:
    """Words of time, up to ``_MOST_WORDS``, and what stands beside them ("the", "not", "and")."""
    left = _MOST_WORDS
    for word in words:
        left -= word.kind not in _BESIDE
        if left < 0:
            return
        yield word


def _meant(words: Mapping[Word, None]) -> Iterable[Word]:
    """Without those inside a phrase that is no time: "Friday prayer", "a third party".

    And "before" says of "before dawn" neither that it is past nor until when.
    """
    dawn = {w.first for w in words if w.kind.endswith("dawn") and w.last > w.first}
    none = {
        place
        for w in words
        if w.kind == "none" and w.first not in dawn
        for place in range(w.first, w.last + 1)
    }
    if not none and not dawn:
        return words
    return [w for w in words if w.first not in none and not (w.kind in _LIMITS and w.first in dawn)]


def _as_written(text: Normalised, token: Token) -> bool:
    meant = _VIETNAMESE.get(token.forms[0])
    if meant is None or token.joined:
        return True
    return _letters(text, token) == meant


def _letters(text: Normalised, token: Token) -> str:
    """A word's letters with their marks, as they stand in the original."""
    written = unicodedata.normalize("NFC", text.original[token.start : token.end])
    return "".join(filter(str.isalpha, written)).lower()
