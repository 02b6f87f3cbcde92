"""One spelling for every way of writing a word, without losing where it stood.

Everything that matches works on the folded text; every token and every folded character knows
the characters of the original text that it came from.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from string import ascii_lowercase
from typing import Final, NamedTuple

from services.classification import folding

_EMOJI, _FLAGS = folding.read_emoji()
_TABLE: Final = folding.FoldTable(_EMOJI)
_ONE_FOR_ONE: Final = folding.OneForOne(_TABLE)
_LOOKALIKES: Final = folding.lookalikes()
_ANY_LOOKALIKE: Final = frozenset(_LOOKALIKES)

_WORD: Final = re.compile(r"[^\W_]+(?:(?:[@$!]|(?<=[^\W\d_])€(?=[^\W\d_]))[^\W_]+)*")
# "1O juin", "4OOO $": the letter for the digit, behind digits.
_NOUGHTS: Final = re.compile(r"\d(?<![^\W_]\d)\d*o+(?![^\W_])")
_DIGIT: Final = re.compile(r"\d")
_RUN: Final = re.compile(r"(.)\1\1+", re.DOTALL)
_REGIONAL: Final = re.compile("[\U0001f1e6-\U0001f1ff]")
# A letter of an Arabic word is drawn out towards a sign, or on both sides of a blank, to part the
# word unseen.
_ARABIC: Final = "\u0621-\u064a\u0671-\u06d3\u06d5"
_DRAWN_APART: Final = re.compile(
    f"(?<!\u0640)\u0640{{1,4}}([.·•*_|/-]{{1,3}}(?=[{_ARABIC}])| (?=\u0640))"
)
_EMOJI_WORD: Final = " emo"
_LONGEST_FORM: Final = 48
# The longest word whose readings are remembered between texts, and how many words are.
_REMEMBERED: Final = 40
_WORDS: Final = 40_000
_SPACED_AT_LEAST: Final = 3
_SEPARATORS: Final = frozenset(" .-_*|·/,~+•")
_SIGNS: Final = frozenset("@$!€")
_SIGN_APART: Final = 3
_LEET: Final = str.maketrans("0134579@$!€", "oieastgasie")
_LEET_L: Final = str.maketrans("0134579@$!€", "oleastgasle")
_PROCLITICS: Final = ("وبال", "وال", "بال", "فال", "کال", "لل", "ال", "و", "ب", "ل", "ف")
_ETHIOPIC_PREFIXES: Final = frozenset("በከለየናብካእ")
_SHORTEST_STEM: Final = 3


# A folded word, where it begins and ends, and whether its letters were written apart.
_Span = tuple[str, int, int, bool]


class Token(NamedTuple):
    """A word: the ways it may be read, the likeliest first, and its place in the original.

    ``joined``: it was written with its letters apart.
    """

    forms: tuple[str, ...]
    start: int
    end: int
    joined: bool = False


@dataclass(frozen=True, slots=True)
class Normalised:
    """``starts[i]`` and ``ends[i]`` enclose the original characters of ``text[i]``.

    ``digits``: how many ``text`` has. Half of the texts have none, and are searched for no number.
    """

    original: str
    text: str
    starts: Sequence[int]
    ends: Sequence[int]
    tokens: list[Token]
    digits: int

    def span(self, start: int, end: int) -> tuple[int, int]:
        """The original span of the folded characters ``start`` to ``end`` (not empty)."""
        return self.starts[start], self.ends[end - 1]


def normalise(original: str) -> Normalised:
    """Fold a text; linear in its length, whatever it holds."""
    text, starts, ends = _folded(original)
    text = _NOUGHTS.sub(_with_noughts, text)
    words = [match.span() for match in _WORD.finditer(text)]
    text = _without_lookalikes(text, words)
    spans = [(text[a:b], a, b, False) for a, b in words]
    # With one letter by itself none are written apart ("b o a t").
    apart = len([1 for a, b in words if b - a == 1]) > 1
    tokens = [
        Token(
            _ways(form) if b - a <= _REMEMBERED else _ways_of_long(form, joined),
            starts[a], ends[b - 1], joined,
        )
        for form, a, b, joined in (_joined(text, spans) if apart else spans)
    ]  # fmt: skip
    return Normalised(original, text, starts, ends, tokens, len(_DIGIT.findall(text)))


def _with_noughts(found: re.Match[str]) -> str:
    return found[0].replace("o", "0")


def fold(text: str) -> str:
    """The folded spelling of a lexicon entry."""
    return normalise(text).text.strip()


def _folded(original: str) -> tuple[str, Sequence[int], Sequence[int]]:
    """The folded text, and where in the original each of its characters begins and ends."""
    try:
        text = original.translate(_ONE_FOR_ONE)
    except folding.NotOneForOneError:
        return folded_by_character(original)
    return text, range(len(text)), range(1, len(text) + 1)


def folded_by_character(original: str) -> tuple[str, list[int], list[int]]:
    """What any text folds to, and where each of its characters begins and ends."""
    parts = list(map(_TABLE.__getitem__, original))
    flags = _put_flags(original, parts) if _REGIONAL.search(original) else []
    for match in _DRAWN_APART.finditer(original) if "\u0640" in original else ():
        parts[match.start(1) : match.end(1)] = [""] * (match.end(1) - match.start(1))
    _drop_repeated(parts)
    starts = [index for index, part in enumerate(parts) for _ in part]
    stops = list(range(1, len(parts) + 1))
    for index in flags:
        stops[index] += 1
    return "".join(parts), starts, [stops[index] for index in starts]


def _put_flags(original: str, parts: list[str]) -> list[int]:
    """A pair of regional indicators is one flag; the places of those that are known."""
    flags: list[int] = []
    for match in _REGIONAL.finditer(original):
        index = match.start()
        if flags and flags[-1] == index - 1:
            continue
        pair = "".join(map(folding.regional_letter, original[index : index + 2]))
        if pair in _FLAGS:
            flags.append(index)
            parts[index : index + 2] = f" {_FLAGS[pair]} ", ""
        else:
            parts[index] = _TABLE[pair[0]]
    return flags


def _drop_repeated(parts: list[str]) -> None:
    """An emoji says no more when it is repeated in one unbroken row."""
    row: set[str] = set()
    for index, part in enumerate(parts):
        if part.startswith(_EMOJI_WORD):
            if part in row:
                parts[index] = ""
            row.add(part)
        elif part and row:
            row.clear()


def _without_lookalikes(text: str, words: list[tuple[int, int]]) -> str:
    """Put Latin letters for their look-alikes where the word, or the text, is Latin."""
    if _ANY_LOOKALIKE.isdisjoint(text):
        return text
    if _mostly_latin(text):
        return _latin_put(text, words, everywhere=True)
    text = _latin_put(text, words, everywhere=False)
    # The letters just put can make most of the text Latin: asked again, or folding what is
    # folded would change the words that were left.
    return _latin_put(text, words, everywhere=True) if _mostly_latin(text) else text


def _mostly_latin(text: str) -> bool:
    latin = sum(map(text.count, ascii_lowercase))
    return latin * 2 > sum(map(str.isalpha, text))


def _latin_put(text: str, words: list[tuple[int, int]], everywhere: bool) -> str:
    """``everywhere``: in every word, not only in those that have a Latin letter."""
    chars = list(text)
    for a, b in words:
        word = text[a:b]
        if word.isascii() or not (everywhere or any("a" <= c <= "z" for c in word)):
            continue
        for i in range(a, b):
            chars[i] = _LOOKALIKES.get(chars[i], chars[i])
    return "".join(chars)


def _joined(text: str, spans: list[_Span]) -> Iterator[_Span]:
    """Words, with letters that were written apart ("b o a t") put together."""
    index = 0
    style = False
    while index < len(spans):
        stop = index + 1 if len(spans[index][0]) > 1 else _end_of_spaced(text, spans, index)
        length = stop - index
        style = style or length >= _SPACED_AT_LEAST
        if length >= _SPACED_AT_LEAST or (style and length > 1):
            start, end = spans[index][1], spans[stop - 1][2]
            form = "".join(c for c in text[start:end] if c not in _SEPARATORS)
            yield form, start, end, True
        else:
            stop = index + 1
            yield spans[index]
        index = stop


def _end_of_spaced(text: str, spans: list[_Span], index: int) -> int:
    """One past the last of the single letters that begin here, one separator between each."""
    stop = index
    separator = ""
    while stop < len(spans) and len(spans[stop][0]) == 1 and not spans[stop][0].isdigit():
        if stop > index:
            gap = text[spans[stop - 1][2] : spans[stop][1]]
            # "p l @ c e s": the sign is one of the letters.
            if len(gap) == _SIGN_APART and gap[1] in _SIGNS and gap[0] == gap[2]:
                gap = gap[0]
            if gap not in _SEPARATORS or (separator and gap != separator):
                break
            separator = gap
        stop += 1
    return max(stop, index + 1)


# Most words of a text stood in another before.
@lru_cache(_WORDS)
def _ways(form: str) -> tuple[str, ...]:
    forms = [form]
    if _RUN.search(form):
        forms += [_RUN.sub(r"\1", form), _RUN.sub(r"\1\1", form)]
    if not form.isalpha() and not form.isdigit():
        forms += [form.translate(_LEET), form.translate(_LEET_L)]
    if form.startswith(_PROCLITICS):
        forms += _without_proclitic(form)
    elif form[0] in _ETHIOPIC_PREFIXES and len(form) >= _SHORTEST_STEM:
        forms.append(form[1:])
    return tuple(dict.fromkeys(forms)) if len(forms) > 1 else (form,)


def _ways_of_long(form: str, joined: bool) -> tuple[str, ...]:
    if len(form) > _LONGEST_FORM and not joined:
        form = _RUN.sub(r"\1", form)[:_LONGEST_FORM]
    return _ways.__wrapped__(form)


def _without_proclitic(form: str) -> list[str]:
    """Arabic glues "and", "with", "to" and the article to the word that follows."""
    return [
        form[len(prefix) :]
        for prefix in _PROCLITICS
        if form.startswith(prefix) and len(form) - len(prefix) >= _SHORTEST_STEM
    ]
