"""Slots and spellings that several platforms share."""

from __future__ import annotations

import re
import unicodedata
from typing import Final

from services.intake.platforms.table import Slot

# Every id here is a signed 64-bit number on the platform's side.
LARGEST_ID: Final = 2**63 - 1

# Joiners are part of Persian and Kurdish spelling and of emoji; nothing else invisible is.
INVISIBLE: Final = (
    "\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180e\u200b\u200e\u200f\u202a-\u202e"
    "\u2060-\u206f\u3164\ufeff\uffa0\ufff0-\ufffb\U000e0000-\U000e0fff"
)
JOINERS: Final = "\u200c\u200d"
CONTROL: Final = "\x00-\x1f\x7f-\x9f\u2028\u2029"

UNPRINTABLE: Final = re.compile(f"[{CONTROL}{INVISIBLE}\ufffd]")

# Pages every site has at its root; none of them is an account.
ROOT_FILES: Final = frozenset(
    {
        "robots.txt",
        "favicon.ico",
        "sitemap.xml",
        "index.html",
        "index.php",
        "index.htm",
        "manifest.json",
        "apple-app-site-association",
        "ads.txt",
        "security.txt",
        "humans.txt",
        ".well-known",
    }
)


def lower_ascii(text: str) -> str:
    """For names that are ASCII only: a Kelvin sign must not become the letter k."""
    return text.lower() if text.isascii() else ""


def fold(text: str) -> str:
    """For words in any script whose case the platform ignores."""
    if text.isascii():
        return text.lower()
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", text).lower())


def search_words(text: str) -> str:
    """The words of a search, one space between them; "" when it holds anything unprintable."""
    return "" if UNPRINTABLE.search(text) else fold(" ".join(text.split()))


def number(largest: int = LARGEST_ID, shortest: int = 1) -> Slot:
    """A decimal id without leading zeros."""
    pattern = re.compile(f"[1-9][0-9]{{{shortest - 1},{len(str(largest)) - 1}}}")
    return Slot(pattern, ceiling=largest)


def token(alphabet: str, shortest: int, longest: int) -> Slot:
    """An opaque id in which case matters."""
    return Slot(re.compile(f"[{alphabet}]{{{shortest},{longest}}}"))


WORD_CHARACTERS: Final = r"A-Za-z0-9_-"

# A hashtag: letters of any script, marks and emoji; of ASCII only letters, digits, "_" and "-".
HASHTAG: Final = Slot(
    re.compile(
        rf"#?((?=[{JOINERS}]*[^{JOINERS}])[^\s\x00-,./:-@\[-^`{{-\u00a0\u2028\u2029\ufffd]{{1,100}})"
    ),
    prepare=fold,
)
SEARCH: Final = Slot(re.compile(r".{1,150}"), prepare=search_words)
ANYTHING: Final = Slot(re.compile(r".{1,300}"))


def words(*spaced: str) -> frozenset[str]:
    """A set from words separated by blanks."""
    return frozenset(word for line in spaced for word in line.split())
