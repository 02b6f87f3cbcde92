"""What the trained models see of a text: its words and facts that the rules found.

The same functions serve training and the running service, so that both see the same.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from itertools import pairwise
from typing import Final

from services.classification import style
from services.classification.domain import Entity, Signal
from services.classification.normalise import Token
from services.classification.scoring import Scores

# Characters of the folded words that the models read; what comes after says the same again.
READ: Final = 3_000
SHORTEST, LONGEST = 2, 5
# Of words shorter than this it is remembered where their pieces stand.
_LENGTHS: Final = 64
# Log-odds of the rules, brought near to the size of the other facts.
_SERVICE, _OFFER, AGAINST = 2.0, 2.0, 4.0


def words(tokens: Sequence[Token]) -> list[str]:
    """The likeliest form of each word, up to ``READ`` characters of them."""
    read: list[str] = []
    length = 0
    for token in tokens:
        length += len(token.forms[0]) + 1
        if length > READ:
            break
        read.append(token.forms[0])
    return read


def terms(word: str) -> list[str]:
    """What the fast model sees of one word between two blanks, each once.

    Every run of SHORTEST to LONGEST characters, and the whole of a longer one.
    """
    padded = f" {word} "
    runs = _known_runs if len(padded) < _LENGTHS else _runs
    return list(dict.fromkeys([padded[run] for run in runs(len(padded))]))


def pairs(read: Sequence[str]) -> list[str]:
    """Neighbouring words, each pair once; a pair has a blank inside and no ``terms`` has."""
    return list(dict.fromkeys([f"{one} {other}" for one, other in pairwise(read)]))


def _runs(size: int) -> tuple[slice, ...]:
    """Where the pieces of so many characters stand, the shortest first, and the whole last."""
    whole = (slice(0, size),) if size > LONGEST else ()
    return (
        *(
            slice(start, start + length)
            for length in range(SHORTEST, min(size, LONGEST) + 1)
            for start in range(size - length + 1)
        ),
        *whole,
    )


_known_runs = lru_cache(_LENGTHS)(_runs)


def facts(
    text: str, signals: Sequence[Signal], entities: Sequence[Entity], scores: Scores
) -> dict[str, float]:
    """Concepts (``c:``), kinds of entity (``k:``) and rules (``f:``) that are there, odds, and how
    the text is written (``s:``)."""
    found = style.facts(text)
    found |= {f"c:{signal.concept}": 1.0 for signal in signals}
    found |= {f"k:{entity.kind.value}": 1.0 for entity in entities}
    found |= {f"f:{rule}": 1.0 for rule in scores.fired}
    found["service"] = scores.service / _SERVICE
    found["offer"] = scores.offer / _OFFER
    found["against"] = scores.against / AGAINST
    return found
