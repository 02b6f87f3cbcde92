"""From matched phrases to signals: which rule, in which language, at which original words."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Final

from services.classification.domain import LanguageGuess, Signal
from services.classification.lexica import CALENDAR, NO_LANGUAGE
from services.classification.matcher import Match
from services.classification.normalise import Normalised, Token
from services.classification.rules import Concept

# A phrase may stand in a text a thousand times; a caseworker needs it shown a few times.
MAX_PER_CONCEPT: Final = 8
# Longer phrases of which roles leave a shorter one without a say.
_HIDDEN_BY: Final[Mapping[str, frozenset[str]]] = {
    "service": frozenset({"against"}),
    "offer": frozenset({"against", "offer"}),
    "against": frozenset({"service", "offer", "against"}),
    "frame": frozenset({"against"}),
}
# Phrases that begin shortly before a word: more than any lexicon has around one.
_NEIGHBOURS: Final = 40
_LONGEST_WORD: Final = 16
_SHORTEST_WORD: Final = 4
_LONGEST_JOINED: Final = 400
_QUOTES: Final = re.compile(r"[\"“«„”「][^\"“”«»„「」]{12,800}[\"”»“」]")


def split_joined(tokens: Sequence[Token], words: frozenset[str]) -> list[Token]:
    """Words that were written letter by letter without a gap between words, cut apart."""
    cut: list[Token] = []
    for token in tokens:
        form = token.forms[0]
        if not token.joined or len(form) <= _SHORTEST_WORD or form in words:
            cut.append(token)
            continue
        pieces = _known_pieces(form[:_LONGEST_JOINED], words)
        if not pieces:
            cut.append(token)
        cut.extend(Token((piece,), token.start, token.end, joined=True) for piece in pieces)
    return cut


def _known_pieces(form: str, words: frozenset[str]) -> list[str]:
    pieces: list[str] = []
    at = 0
    while at < len(form):
        longest = min(len(form) - at, _LONGEST_WORD)
        for length in range(longest, _SHORTEST_WORD - 1, -1):
            if form[at : at + length] in words:
                pieces.append(form[at : at + length])
                at += length
                break
        else:
            at += 1
    return pieces


def build(
    text: Normalised,
    matches: Sequence[Match],
    concepts: Mapping[str, Concept],
    guesses: Sequence[LanguageGuess],
) -> tuple[Signal, ...]:
    """One signal per concept and place, in the likeliest language, longest phrase first."""
    rank = {guess.code: position for position, guess in enumerate(guesses)}
    by_concept: dict[str, list[tuple[int, int, str]]] = defaultdict(list)
    for match in matches:
        name = match.entry.concept
        if not name.startswith(CALENDAR) and name in concepts:
            start, end = text.tokens[match.first].start, text.tokens[match.last].end
            by_concept[name].append((start, end, match.entry.language))
    signals = [
        Signal(f"{name}.{language}", concepts[name].supports, language, start, end,
               concepts[name].weight)
        for name, places in by_concept.items()
        for start, end, language in _distinct(places, rank)
    ]  # fmt: skip
    return tuple(sorted(_outermost(signals, concepts), key=lambda s: (s.start, s.end, s.rule_id)))


def _outermost(signals: Sequence[Signal], concepts: Mapping[str, Concept]) -> Iterator[Signal]:
    """Leave out what a longer phrase of another kind says better.

    "Boat hire" is lawful travel and no boat; the "refugee" in "refugee story for sale" speaks
    for no report; the "discount" of a "group discount" is no seasonal one.
    """
    wider = sorted((s.start, s.end, concepts[s.rule_id.partition(".")[0]].role) for s in signals)
    for signal in signals:
        role = concepts[signal.rule_id.partition(".")[0]].role
        hidden_by = _HIDDEN_BY[role]
        at = bisect_right(wider, (signal.start, 1 << 30, ""))
        near = wider[max(0, at - _NEIGHBOURS) : at]
        inside = (
            other_role in hidden_by
            and start <= signal.start
            and signal.end <= end
            and end - start > signal.end - signal.start
            for start, end, other_role in near
        )
        if not any(inside):
            yield signal


def _distinct(
    places: Iterable[tuple[int, int, str]], rank: Mapping[str, int]
) -> list[tuple[int, int, str]]:
    kept: list[tuple[int, int, str]] = []
    order = sorted(places, key=lambda p: (p[0], -p[1], rank.get(p[2], 9), p[2] == NO_LANGUAGE))
    for start, end, language in order:
        if kept and start < kept[-1][1]:
            continue
        kept.append((start, end, language))
        if len(kept) == MAX_PER_CONCEPT:
            break
    return kept


def quoted_spans(original: str) -> list[tuple[int, int]]:
    """Where somebody else's words stand between quotation marks."""
    return [match.span() for match in _QUOTES.finditer(original)]


def is_inside(spans: Sequence[tuple[int, int]], start: int, end: int) -> bool:
    """Whether ``start`` to ``end`` lies inside one of the ordered ``spans``."""
    index = bisect_right(spans, (start, 1 << 30)) - 1
    return index >= 0 and spans[index][0] <= start and end <= spans[index][1]
