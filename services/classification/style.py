"""How a text is written, whatever its language: length, quotation, questions, emoji, digits.

People who quote an advert put it between marks, people who ask end with a question mark. No sign
decides anything: the models weigh them beside the words. Capitals and full stops are left out on
purpose: they tell our writers of adverts from our other writers, and not adverts from other texts.
"""

from __future__ import annotations

import math
import re
from typing import Final

_OPENING, _CLOSING = '"“„«‹「', '"”“»›」'
_QUOTES: Final = '"“”„«»‹›「」’‘'
_EMOJI: Final = re.compile("[\U0001f300-\U0001faff\u2600-\u27bf]")
_SAYS: Final = re.compile(r"[:：]\s*[\"“„«]")
_DIGITS: Final = re.compile(r"\d")
_QUESTIONS: Final = "?؟"
# A quotation has at least so many characters between its marks.
_QUOTED: Final = 15
# The logarithm of the longest usual text: lengths come between 0 and 1.
_LONG: Final = 6.0


def facts(text: str) -> dict[str, float]:
    """Signs (``s:``) with numbers from 0 to about 1; linear in the text's length."""
    if not text.strip():
        return {}
    quotes = sum(map(text.count, _QUOTES))
    return {
        "s:length": math.log1p(len(text)) / _LONG,
        "s:quotes": _share(quotes, 4),
        "s:quotation": float(quotes > 1 and _quotation(text)),
        "s:says": float(_SAYS.search(text) is not None),
        "s:questions": _share(sum(map(text.count, _QUESTIONS)), 1),
        "s:exclamations": _share(text.count("!"), 3),
        "s:emoji": _share(len(_EMOJI.findall(text)), 4),
        "s:hashtags": _share(text.count("#"), 4),
        "s:lines": _share(text.count("\n"), 4),
        "s:digits": _share(len(_DIGITS.findall(text)), 12),
    }


def _share(count: int, enough: int) -> float:
    return min(1.0, count / enough)


def _quotation(text: str) -> bool:
    """From the first opening mark to the last closing one: no search goes over the text twice."""
    opened = min((at for mark in _OPENING if (at := text.find(mark)) >= 0), default=len(text))
    closed = max(text.rfind(mark) for mark in _CLOSING)
    return closed - opened > _QUOTED
