"""One spelling for every way of writing a word, without losing where it stood.

Everything that matches works on the folded text; every token and every folded character knows
the characters of the original text that it came from.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final, NamedTuple

from services.classification import folding

_EMOJI, _FLAGS = folding.read_emoji()
_TABLE: Final = folding.FoldTable(_EMOJI)
_LOOKALIKES: Final = folding.lookalikes()

_WORD: Final = re.compile(r"[^\W_]+(?:[@$!][^\W_]+)*")
_RUN: Final = re.compile(r"(.)\1\1+", re.DOTALL)
_EMOJI_WORD: Final = " emo"
_LONGEST_FORM: Final = 48
_SPACED_AT_LEAST: Final = 3
_SEPARATORS: Final = frozenset(" .-_*|·/,~+•")
_LEET: Final = str.maketrans("0134579@$!", "oieastgasi")
_LEET_L: Final = str.maketrans("0134579@$!", "oleastgasl")
_PROCLITICS: Final = ("وبال", "وال", "بال", "فال", "کال", "لل", "ال", "و", "ب", "ل", "ف")
_ETHIOPIC_PREFIXES: Final = frozenset("በከለየናብካእ")
_SHORTEST_STEM: Final = 3
_ARABIC: Final = re.compile(r"[\u0600-\u06ff]")
_ETHIOPIC: Final = re.compile(r"[\u1200-\u137f]")


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
    """``starts[i]`` and ``ends[i]`` enclose the original characters of ``text[i]``."""

    original: str
    text: str
    starts: list[int]
    ends: list[int]
    tokens: list[Token]

    def span(self, start: int, end: int) -> tuple[int, int]:
        """The original span of the folded characters ``start`` to ``end`` (not empty)."""
        return self.starts[start], self.ends[end - 1]


def normalise(original: str) -> Normalised:
    """Fold a text; linear in its length, whatever it holds."""
    chars, starts, ends = _folded(original)
    text = "".join(chars)
    words = [match.span() for match in _WORD.finditer(text)]
    text = _without_lookalikes(text, words)
    spans = [(text[a:b], a, b) for a, b in words]
    tokens = [
        Token(_forms(form, joined), starts[a], ends[b - 1], joined)
        for form, a, b, joined in _with_spaced_joined(text, spans)
    ]
    return Normalised(original, text, starts, ends, tokens)


def fold(text: str) -> str:
    """The folded spelling of a lexicon entry."""
    return normalise(text).text.strip()


def _folded(original: str) -> tuple[list[str], list[int], list[int]]:
    chars: list[str] = []
    starts: list[int] = []
    ends: list[int] = []
    table = _TABLE
    # An emoji says no more when it is repeated in one unbroken row.
    row: set[str] = set()
    for index, end, char in _units(original):
        folded = table[char] if len(char) == 1 else f" {char} "
        if folded.startswith(_EMOJI_WORD):
            if folded in row:
                continue
            row.add(folded)
        elif row and folded:
            row.clear()
        for part in folded:
            chars.append(part)
            starts.append(index)
            ends.append(end)
    return chars, starts, ends


def _units(original: str) -> Iterator[tuple[int, int, str]]:
    """Characters with their place; a pair of regional indicators is one flag."""
    skip = -1
    for index, char in enumerate(original):
        if index == skip:
            continue
        if "\U0001f1e6" <= char <= "\U0001f1ff":
            following = original[index + 1 : index + 2]
            pair = folding.regional_letter(char)
            pair += folding.regional_letter(following) if following else ""
            if pair in _FLAGS:
                skip = index + 1
                yield index, index + 2, _FLAGS[pair]
                continue
            yield index, index + 1, pair[0]
            continue
        yield index, index + 1, char


def _without_lookalikes(text: str, words: list[tuple[int, int]]) -> str:
    """Put Latin letters for their look-alikes where the word, or the text, is Latin."""
    if text.isascii():
        return text
    latin = sum(1 for c in text if "a" <= c <= "z")
    letters = sum(1 for c in text if c.isalpha())
    mostly_latin = latin * 2 > letters
    chars = list(text)
    for a, b in words:
        word = text[a:b]
        if word.isascii() or not (mostly_latin or any("a" <= c <= "z" for c in word)):
            continue
        for i in range(a, b):
            chars[i] = _LOOKALIKES.get(chars[i], chars[i])
    return "".join(chars)


def _with_spaced_joined(
    text: str, spans: list[tuple[str, int, int]]
) -> Iterator[tuple[str, int, int, bool]]:
    """Words, with letters that were written apart ("b o a t") put together."""
    index = 0
    style = False
    while index < len(spans):
        stop = _end_of_spaced(text, spans, index)
        length = stop - index
        style = style or length >= _SPACED_AT_LEAST
        if length >= _SPACED_AT_LEAST or (style and length > 1):
            form = "".join(span[0] for span in spans[index:stop])
            yield form, spans[index][1], spans[stop - 1][2], True
        else:
            stop = index + 1
            yield (*spans[index], False)
        index = stop


def _end_of_spaced(text: str, spans: list[tuple[str, int, int]], index: int) -> int:
    """One past the last of the single letters that begin here, one separator between each."""
    stop = index
    separator = ""
    while stop < len(spans) and len(spans[stop][0]) == 1 and not spans[stop][0].isdigit():
        if stop > index:
            gap = text[spans[stop - 1][2] : spans[stop][1]]
            if gap not in _SEPARATORS or (separator and gap != separator):
                break
            separator = gap
        stop += 1
    return max(stop, index + 1)


def _forms(form: str, joined: bool) -> tuple[str, ...]:
    if len(form) > _LONGEST_FORM and not joined:
        form = _RUN.sub(r"\1", form)[:_LONGEST_FORM]
    if form.isascii() and form.isalpha() and not _RUN.search(form):
        return (form,)
    forms = [form]
    if _RUN.search(form):
        forms += [_RUN.sub(r"\1", form), _RUN.sub(r"\1\1", form)]
    if not form.isalpha() and not form.isdigit():
        forms += [form.translate(_LEET), form.translate(_LEET_L)]
    if _ARABIC.match(form):
        forms += _without_proclitic(form)
    elif _ETHIOPIC.match(form) and form[0] in _ETHIOPIC_PREFIXES and len(form) >= _SHORTEST_STEM:
        forms.append(form[1:])
    return tuple(dict.fromkeys(forms))


def _without_proclitic(form: str) -> list[str]:
    """Arabic glues "and", "with", "to" and the article to the word that follows."""
    return [
        form[len(prefix) :]
        for prefix in _PROCLITICS
        if form.startswith(prefix) and len(form) - len(prefix) >= _SHORTEST_STEM
    ]
