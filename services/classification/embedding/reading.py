"""What of a text the encoder reads: its tokens, of a longer text the beginning and the end."""

from __future__ import annotations

from typing import Final

from services.classification.embedding.packed import Vocabulary
from services.classification.embedding.tokens import Tokens

# Tokens that are read: the time grows with them. A longer text is read in its beginning, where an
# advert says what it is, and its end, where it says whom to ask.
TOKENS: Final = 56
_CHARACTERS: Final = 448
_BEGINNING: Final = 0.65


class Reader:
    """Safe from several threads."""

    def __init__(self, vocabulary: Vocabulary) -> None:
        self._tokens = Tokens(vocabulary)
        self._marks = (vocabulary.beginning, vocabulary.end)

    def read(self, text: str) -> list[int]:
        """At most TOKENS of them."""
        shown = _cut(" ".join(text.replace("\0", " ").split()), _CHARACTERS)
        while (count := len(found := self.tokens(shown))) > TOKENS and len(shown) > 1:
            shown = _cut(shown, min(len(shown) - 1, len(shown) * TOKENS // count))
        return found

    def tokens(self, text: str) -> list[int]:
        """All of them, between the two marks."""
        return [self._marks[0], *self._tokens.of(text), self._marks[1]]


def _cut(text: str, length: int) -> str:
    """At most ``length`` characters, of the beginning and the end."""
    if len(text) <= length:
        return text
    beginning = max(1, int(length * _BEGINNING))
    return text[:beginning] + text[len(text) - (length - beginning) :]
