"""From matched phrases to signals: which rule, in which language, at which original words."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Final

from services.classification.domain import LanguageGuess, Signal
from services.classification.lexica import NO_LANGUAGE, Lexica
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
# What parts a word into two that no reader sees apart, and into how many at most.
_PARTING: Final = frozenset("./*_|·")
_PARTED: Final = re.compile(r"[./*_|·](?<=[^\W\d_].)(?=[^\W\d_])")
_MOST_PARTS: Final = 4
_GLUED: Final = re.compile(r"[^\W\d_]{3,20}\d{1,2}(?:[^\W\d_]{3,20})?|\d{1,2}[^\W\d_]{3,20}")
_RUNS: Final = re.compile(r"\d+|[^\W\d_]+")
_QUOTES: Final = re.compile(r"[\"“«„”「][^\"“”«»„「」]{12,800}[\"”»“」]")


def split_joined(tokens: Sequence[Token], lexica: Lexica) -> list[Token]:
    """Words that were written letter by letter without a gap between words, cut apart."""
    known, words = lexica.phrases.knows, lexica.words
    cut: list[Token] = []
    for token in tokens:
        form = token.forms[0]
        if not token.joined or len(form) <= _SHORTEST_WORD or form in words or known(form):
            cut.append(token)
            continue
        pieces = _known_pieces(form[:_LONGEST_JOINED], lexica.timed)
        if sum(map(len, pieces)) < len(form):
            pieces = _known_pieces(form[:_LONGEST_JOINED], words)
        if not pieces:
            cut.append(token)
        cut.extend(Token((piece,), token.start, token.end, joined=True) for piece in pieces)
    return cut


def join_parted(
    tokens: Sequence[Token], original: str, known: Callable[[str], bool]
) -> Sequence[Token]:
    """Words with one sign inside ("n.eser", "فر.دا") put together, where only so they are known."""
    if _PARTED.search(original) is None:
        return tokens
    joined: list[Token] = []
    index = 0
    while index < len(tokens):
        count = _parts(tokens, index, original)
        while count > 1 and not _only_whole(tokens[index : index + count], known):
            count -= 1
        joined.append(_whole(tokens[index : index + count]) if count > 1 else tokens[index])
        index += count
    return joined


def part_glued(text: Normalised, names_time: Callable[[str], bool]) -> Sequence[Token]:
    """Cut "#friday12june" and "22خرداد" between letters and digits, where letters name a time."""
    tokens = text.tokens
    if not text.digits:
        return tokens
    mixed = (at for at, token in enumerate(tokens) if not token.forms[0].isalpha())
    glued = [at for at in mixed if _GLUED.fullmatch(tokens[at].forms[0])]
    parted = list(tokens)
    for at in reversed(glued):
        token = tokens[at]
        form = token.forms[0]
        # "2nite" and "jun3" are words as they stand, one of them by what its digit looks like.
        if token.end - token.start != len(form) or any(map(names_time, token.forms)):
            continue
        runs = list(_RUNS.finditer(form))
        if all(run[0].isdigit() or names_time(run[0]) for run in runs):
            parted[at : at + 1] = [
                Token((run[0],), token.start + run.start(), token.start + run.end()) for run in runs
            ]
    return parted


def _parts(tokens: Sequence[Token], index: int, original: str) -> int:
    """How many words stand from here with one sign and no space between each."""
    stop = index + 1
    while stop < min(len(tokens), index + _MOST_PARTS):
        if original[tokens[stop - 1].end : tokens[stop].start] not in _PARTING:
            break
        stop += 1
    return stop - index


def _only_whole(parts: Sequence[Token], known: Callable[[str], bool]) -> bool:
    forms = [part.forms[0] for part in parts]
    whole = "".join(forms)
    if len(whole) < _SHORTEST_WORD or not whole.isalpha() or not known(whole):
        return False
    return not all(len(form) > 1 and known(form) for form in forms)


def _whole(parts: Sequence[Token]) -> Token:
    form = "".join(part.forms[0] for part in parts)
    return Token((form,), parts[0].start, parts[-1].end, joined=True)


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
    tokens = text.tokens
    for (language, name), first, last in matches:
        if name in concepts:
            by_concept[name].append((tokens[first].start, tokens[last].end, language))
    signals = [
        (Signal(f"{name}.{language}", concepts[name].supports, language, start, end,
                concepts[name].weight), concepts[name].role)
        for name, places in by_concept.items()
        for start, end, language in _distinct(places, rank)
    ]  # fmt: skip
    return tuple(sorted(_outermost(signals), key=lambda s: (s.start, s.end, s.rule_id)))


def _outermost(signals: Sequence[tuple[Signal, str]]) -> Iterator[Signal]:
    """Leave out what a longer phrase of another kind (each with its role) says better.

    "Boat hire" is lawful travel and no boat; the "refugee" in "refugee story for sale" speaks
    for no report; the "discount" of a "group discount" is no seasonal one.
    """
    wider = sorted((signal.start, signal.end, role) for signal, role in signals)
    for signal, role in signals:
        at = bisect_right(wider, (signal.start, 1 << 30, ""))
        if not _is_inside_of(signal, wider[max(0, at - _NEIGHBOURS) : at], _HIDDEN_BY[role]):
            yield signal


def _is_inside_of(
    signal: Signal, near: Sequence[tuple[int, int, str]], roles: frozenset[str]
) -> bool:
    """Whether one of these spans, of one of the roles, is longer and holds the signal's."""
    first, last = signal.start, signal.end
    for start, end, role in near:
        if start <= first and last <= end and end - start > last - first and role in roles:
            return True
    return False


def _distinct(
    places: list[tuple[int, int, str]], rank: Mapping[str, int]
) -> list[tuple[int, int, str]]:
    if len(places) == 1:
        return places
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
