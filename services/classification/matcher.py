"""Many phrases found in one pass over the words of a text.

A phrase is words; "*" ends a stem, "~2" allows up to two words between, "#" is any number.
The time is linear in the number of words, whatever they are.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Final, NamedTuple

from services.classification.normalise import Token, fold, normalise

_LONGEST_STEM: Final = 16
_LONGEST_PHRASE: Final = 8
_WIDEST_GAP: Final = 5
MAX_MATCHES: Final = 2000


class Entry(NamedTuple):
    """What a phrase expresses, and in which language."""

    language: str
    concept: str


class Match(NamedTuple):
    """``first`` to ``last``: the words of the text, both included."""

    entry: Entry
    first: int
    last: int


@dataclass(slots=True, eq=False)
class _Node:
    exact: dict[str, _Node] = field(default_factory=dict)
    stems: dict[str, _Node] = field(default_factory=dict)
    stem_lengths: tuple[int, ...] = ()
    gaps: dict[int, _Node] = field(default_factory=dict)
    number: _Node | None = None
    entries: list[Entry] = field(default_factory=list)


class PhraseBook:
    """Add every phrase first, then match."""

    def __init__(self) -> None:
        self._root = _Node()
        self.size = 0

    def add(self, phrase: str, entry: Entry) -> None:
        """Raises ValueError on a phrase without words, too long, or with a gap too wide."""
        node = self._root
        pieces = _pieces(phrase)
        if not pieces or len(pieces) > _LONGEST_PHRASE or pieces[0].startswith("~"):
            raise ValueError(f"{phrase!r} is no phrase: give one to {_LONGEST_PHRASE} words")
        for piece in pieces:
            node = _child(node, piece)
        if entry not in node.entries:
            node.entries.append(entry)
            self.size += 1

    def match(self, tokens: Sequence[Token]) -> list[Match]:
        """At most MAX_MATCHES, in the order of their first word."""
        found: list[Match] = []
        seen: dict[tuple[str, ...], tuple[_Node, ...]] = {}
        for index, token in enumerate(tokens):
            nodes = seen.get(token.forms)
            if nodes is None:
                nodes = seen[token.forms] = tuple(_steps(self._root, token))
            for node in nodes:
                self._follow(node, tokens, index, index, found)
            if len(found) >= MAX_MATCHES:
                return found[:MAX_MATCHES]
        return found

    def _follow(
        self, node: _Node, tokens: Sequence[Token], first: int, last: int, found: list[Match]
    ) -> None:
        found.extend(Match(entry, first, last) for entry in node.entries)
        following = last + 1
        if following >= len(tokens):
            return
        for child in _steps(node, tokens[following]):
            self._follow(child, tokens, first, following, found)
        for width, gap in node.gaps.items():
            for skipped in range(width + 1):
                if following + skipped >= len(tokens):
                    break
                for child in _steps(gap, tokens[following + skipped]):
                    self._follow(child, tokens, first, following + skipped, found)


def _pieces(phrase: str) -> list[str]:
    pieces: list[str] = []
    for word in phrase.split():
        if word == "#" or (word.startswith("~") and word[1:].isdigit()):
            pieces.append(word)
        elif word == "*":
            pieces.append("~1")
        else:
            stem = word.endswith("*")
            parts = list(_words(word))
            if stem and parts:
                parts[-1] += "*"
            pieces.extend(parts)
    return pieces


# A lexicon says the same words in many phrases, and most of them are plain already.
_PLAIN: Final = re.compile(r"[a-z]+")
_RUN: Final = re.compile(r"(.)\1\1")


@lru_cache(maxsize=1 << 16)
def _words(word: str) -> tuple[str, ...]:
    """How a word of a lexicon stands in a folded text: with a hyphen it is two words there too."""
    if _PLAIN.fullmatch(word) and not _RUN.search(word):
        return (word,)
    return tuple(token.forms[0] for token in normalise(fold(word)).tokens)


def _child(node: _Node, piece: str) -> _Node:
    if piece == "#":
        node.number = node.number or _Node()
        return node.number
    if piece.startswith("~"):
        width = int(piece[1:])
        if width > _WIDEST_GAP:
            raise ValueError(f"{piece}: a gap of at most {_WIDEST_GAP} words")
        return node.gaps.setdefault(width, _Node())
    if piece.endswith("*"):
        stem = piece[:-1][:_LONGEST_STEM]
        node.stem_lengths = tuple(sorted({*node.stem_lengths, len(stem)}))
        return node.stems.setdefault(stem, _Node())
    return node.exact.setdefault(piece, _Node())


def _steps(node: _Node, token: Token) -> list[_Node]:
    """The nodes that a word leads to, by any of the ways to read it."""
    reached: list[_Node] = []
    for form in token.forms:
        child = node.exact.get(form)
        if child is not None and child not in reached:
            reached.append(child)
        size = len(form)
        for length in node.stem_lengths:
            if length > size:
                break
            child = node.stems.get(form[:length])
            if child is not None and child not in reached:
                reached.append(child)
    if node.number is not None and token.forms[0].isdigit():
        reached.append(node.number)
    return reached
