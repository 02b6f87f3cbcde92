"""The phrase book finds what its phrases say, whichever of them was added first."""

from __future__ import annotations

from collections.abc import Sequence
from random import Random

from hypothesis import given
from hypothesis import strategies as st

from services.classification.matcher import Entry, PhraseBook
from services.classification.normalise import normalise

WORDS = st.sampled_from(["boat", "boats", "sea", "seat", "lorry", "going", "12", "7"])
PIECES = st.sampled_from(["boat", "boats", "sea", "lorry", "boat*", "sea*", "go*", "#"])
GAPS = st.sampled_from([[], [], [], ["~1"], ["~2"]])


@st.composite
def phrases(draw: st.DrawFn) -> str:
    pieces = [draw(PIECES)]
    for _ in range(draw(st.integers(0, 2))):
        pieces += [*draw(GAPS), draw(PIECES)]
    return " ".join(pieces)


def fits(piece: str, word: str) -> bool:
    if piece == "#":
        return word.isdigit()
    return word.startswith(piece[:-1]) if piece.endswith("*") else word == piece


def ends(pieces: Sequence[str], words: Sequence[str], at: int) -> set[int]:
    """The last words of all readings of ``pieces`` whose first stands at ``at``."""
    if not pieces:
        return {at - 1}
    if pieces[0].startswith("~"):
        width = int(pieces[0][1:])
        return set().union(*(ends(pieces[1:], words, at + skip) for skip in range(width + 1)))
    if at >= len(words) or not fits(pieces[0], words[at]):
        return set()
    return ends(pieces[1:], words, at + 1)


@given(
    st.lists(phrases(), min_size=1, max_size=6, unique=True),
    st.lists(WORDS, max_size=8),
    st.randoms(use_true_random=False),
)
def test_every_phrase_is_found_wherever_it_stands_and_nowhere_else(
    said: list[str], words: list[str], chance: Random
) -> None:
    expected = {
        (phrase, first, last)
        for phrase in said
        for first in range(len(words))
        for last in ends(phrase.split(), words, first)
    }
    chance.shuffle(said)
    book = PhraseBook()
    for phrase in said:
        book.add(phrase, Entry("en", phrase))
    found = book.match(normalise(" ".join(words)).tokens)
    assert {(match.entry.concept, match.first, match.last) for match in found} == expected
    assert [match.first for match in found] == sorted(match.first for match in found)
