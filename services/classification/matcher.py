"""Many phrases found in one pass over the words of a text.

A phrase is words; "*" ends a stem, "~2" allows up to two words between, "#" is any number.
The time is linear in the number of words, whatever they are.
"""

from __future__ import annotations

import re
from collections.abc import Sequence, Set
from dataclasses import dataclass
from functools import lru_cache
from typing import Final, NamedTuple

from services.classification.normalise import Token, fold, normalise

_LONGEST_STEM: Final = 16
_HEAD: Final = 3
_LONGEST_PHRASE: Final = 8
_WIDEST_GAP: Final = 5
MAX_MATCHES: Final = 2000
# The longest word whose first steps are remembered between texts, and how many words are.
_REMEMBERED: Final = 40
_WORDS: Final = 50_000


# The ways to read each word of a text, the likeliest first.
_Read = Sequence[tuple[str, ...]]


class Entry(NamedTuple):
    """What a phrase expresses, and in which language."""

    language: str
    concept: str


class Match(NamedTuple):
    """``first`` to ``last``: the words of the text, both included."""

    entry: Entry
    first: int
    last: int


_NOTHING: Final = frozenset[str]()


@dataclass(slots=True, eq=False)
class _Node:
    """``stems`` by their head, their first letters, the shortest first.

    ``only``: the words that may follow; None where a stem, a gap or a number may.
    ``heads``: how long the heads are; a stem shorter than a head is one itself. There are some
    45,000 nodes, nearly all of them leaves: what a node does not have takes no memory.
    """

    exact: dict[str, _Node] | None = None
    stems: dict[str, tuple[tuple[str, _Node], ...]] | None = None
    heads: tuple[int, ...] = ()
    only: Set[str] | None = _NOTHING
    gaps: dict[int, _Node] | None = None
    number: _Node | None = None
    entries: tuple[Entry, ...] = ()


class PhraseBook:
    """Add every phrase first, then match."""

    def __init__(self) -> None:
        self._root = _Node()
        self.size = 0
        # Most words of a text stood in another before.
        self._first_steps = lru_cache(_WORDS)(self._look_up)

    def add(self, phrase: str, entry: Entry) -> None:
        """Raises ValueError on a phrase without words, too long, or with a gap too wide."""
        self._first_steps.cache_clear()
        node = self._root
        pieces = _pieces(phrase)
        if not pieces or len(pieces) > _LONGEST_PHRASE or pieces[0].startswith("~"):
            raise ValueError(f"{phrase!r} is no phrase: give one to {_LONGEST_PHRASE} words")
        for piece in pieces:
            node = _child(node, piece)
        if entry not in node.entries:
            node.entries = (*node.entries, entry)
            self.size += 1

    def match(self, tokens: Sequence[Token]) -> list[Match]:
        """At most MAX_MATCHES, in the order of their first word."""
        found: list[Match] = []
        read = [token.forms for token in tokens]
        for index, (forms, following) in enumerate(zip(read, [*read[1:], ()], strict=False)):
            short = len(forms[0]) <= _REMEMBERED
            for node in self._first_steps(forms) if short else self._look_up(forms):
                # Mostly a phrase ends where it began.
                if node.only is None or not node.only.isdisjoint(following):
                    self._follow(node, read, index, index, found)
                    continue
                for entry in node.entries:
                    found.append(Match(entry, index, index))
            if len(found) >= MAX_MATCHES:
                return found[:MAX_MATCHES]
        return found

    def knows(self, word: str) -> bool:
        """Whether this folded word, and no other with its beginning, is a phrase by itself."""
        found = (self._root.exact or {}).get(word)
        return found is not None and bool(found.entries)

    def _look_up(self, forms: tuple[str, ...]) -> tuple[_Node, ...]:
        return tuple(_steps(self._root, forms))

    def _follow(self, node: _Node, read: _Read, first: int, last: int, found: list[Match]) -> None:
        for entry in node.entries:
            found.append(Match(entry, first, last))
        following = last + 1
        if node.only is _NOTHING or following >= len(read):
            return
        for child in _steps(node, read[following]):
            self._follow(child, read, first, following, found)
        for width, gap in node.gaps.items() if node.gaps else ():
            for skipped in range(width + 1):
                if following + skipped >= len(read):
                    break
                for child in _steps(gap, read[following + skipped]):
                    self._follow(child, read, first, following + skipped, found)


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
    if piece == "#" or piece.startswith("~") or piece.endswith("*"):
        node.only = None
        return _open_child(node, piece)
    node.exact = node.exact or {}
    node.only = None if node.only is None else node.exact.keys()
    return node.exact.setdefault(piece, _Node())


def _open_child(node: _Node, piece: str) -> _Node:
    """Of a piece that more than one word fits."""
    if piece == "#":
        node.number = node.number or _Node()
        return node.number
    if piece.startswith("~"):
        width = int(piece[1:])
        if width > _WIDEST_GAP:
            raise ValueError(f"{piece}: a gap of at most {_WIDEST_GAP} words")
        node.gaps = node.gaps or {}
        return node.gaps.setdefault(width, _Node())
    return _stem(node, piece[:-1][:_LONGEST_STEM])


def _stem(node: _Node, stem: str) -> _Node:
    head = stem[:_HEAD]
    node.stems = node.stems or {}
    known = node.stems.get(head, ())
    for other, child in known:
        if other == stem:
            return child
    made = _Node()
    node.stems[head] = tuple(sorted((*known, (stem, made)), key=lambda pair: len(pair[0])))
    node.heads = tuple(sorted({*node.heads, len(head)}))
    return made


def _steps(node: _Node, forms: tuple[str, ...]) -> list[_Node]:
    """The nodes that a word leads to, by any of the ways to read it."""
    reached: list[_Node] = []
    exact, stems = node.exact, node.stems
    for form in forms:
        child = exact.get(form) if exact else None
        if child is not None and child not in reached:
            reached.append(child)
        if not stems:
            continue
        for length in node.heads:
            for stem, child in stems.get(form[:length], ()):
                if form.startswith(stem) and child not in reached:
                    reached.append(child)
    if node.number is not None and forms[0].isdigit():
        reached.append(node.number)
    return reached
