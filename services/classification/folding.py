"""Tables that make look-alike characters equal. Each maps one character to a short string."""

from __future__ import annotations

import tomllib
import unicodedata
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Final

from confusable_homoglyphs import confusables

EMOJI_FILE: Final = Path(__file__).with_name("ruleset") / "emoji.toml"

# Persian, Kurdish, Pashto and Urdu are typed on each other's keyboards: letters that differ by
# keyboard or by a dropped mark are one letter here, in the lexicon as in the text.
_ARABIC_GROUPS: Final = {
    "ی": "يىیېۍئێےۓ",
    "ک": "كکګڪگ",
    "ه": "هةەھہۀۂۃہ",
    "ا": "اأإآٱ",
    "و": "وؤۆۇۋ",
    "ر": "رڕړڑ",
    "ل": "لڵ",
    "ت": "تټٹ",
    "د": "دډڈ",
    "ن": "نڼں",
    "ش": "شښ",
    "ژ": "ژږ",
    "ف": "فڤ",
    "ز": "زځ",
}
# Tatweel, joiners, directional controls, variation selectors, skin tones, keycap, soft hyphen.
_INVISIBLE: Final = (
    "\u0640\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180e\ufeff\u20e3\u2060\u2061\u2062\u2063\u2064"
    + "".join(map(chr, range(0x200B, 0x2010)))
    + "".join(map(chr, range(0x202A, 0x202F)))
    + "".join(map(chr, range(0x2066, 0x2070)))
    + "".join(map(chr, range(0xFE00, 0xFE10)))
    + "".join(map(chr, range(0x1F3FB, 0x1F400)))
    + "".join(map(chr, range(0xE0000, 0xE0080)))
)
_LETTERS: Final = {
    "đ": "d", "ð": "d", "ı": "i", "ł": "l", "ø": "o", "æ": "ae", "œ": "oe", "ə": "e", "ħ": "h",
    "’": "'", "‘": "'", "ʼ": "'", "ʿ": "'", "ʾ": "'", "`": "'", "´": "'",
}  # fmt: skip
# A Bengali vowel sign is no letter to Python, so that it would part the word: it folds to the
# vowel. The two signs of "o" are its two parts, as NFKD has it.
_BENGALI: Final = {
    "া": "আ", "ি": "ই", "ী": "ই", "ু": "উ", "ূ": "উ", "ৃ": "ঋ", "ে": "এ", "ৈ": "ঐ", "ৗ": "ঔ",
    "ং": "ঙ", "ঃ": "হ", "ঁ": "", "ৎ": "ত",
}  # fmt: skip
_LOOKALIKE_SCRIPTS: Final = (
    "GREEK", "CYRILLIC", "ARMENIAN", "CHEROKEE", "LISU", "COPTIC", "LATIN",
)  # fmt: skip
# What NFKC may expand one character to; beyond it (such as the whole-phrase ligatures of the
# Arabic block) a text could grow eighteen-fold.
_LONGEST_EXPANSION: Final = 4
_REGIONAL_A: Final = 0x1F1E6
# Clock faces from one o'clock and from half past one, twelve of each in a row.
_CLOCKS: Final = {0x1F550: "00", 0x1F55C: "30"}
_SQUARED: Final = (0x1F130, 0x1F150, 0x1F170)


def regional_letter(char: str) -> str:
    """The letter of a regional indicator, or nothing."""
    offset = ord(char) - _REGIONAL_A
    return chr(ord("A") + offset) if 0 <= offset < 26 else ""  # noqa: PLR2004 - the alphabet


def lookalikes() -> Mapping[str, str]:
    """Letters of other scripts that look like one of a to z, each with that letter."""
    table: dict[str, str] = {}
    for letter in "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ":
        for other in confusables.confusables_data.get(letter, ()):
            char = other["c"]
            if len(char) == 1 and not char.isascii() and _may_look_alike(char):
                table.setdefault(char, letter.lower())
    return MappingProxyType(table)


def _may_look_alike(char: str) -> bool:
    return unicodedata.name(char, "").startswith(_LOOKALIKE_SCRIPTS)


class FoldTable(dict[str, str]):
    """``table[char]`` is what the character folds to; filled as characters are met.

    Bounded by the number of characters that Unicode has.
    """

    def __init__(self, emoji: Mapping[str, str]) -> None:
        super().__init__()
        self.update(dict.fromkeys(_INVISIBLE, ""))
        for base, group in _ARABIC_GROUPS.items():
            self.update(dict.fromkeys(group, base))
        self.update(_LETTERS)
        self.update(_BENGALI)
        for char, word in emoji.items():
            self[char] = f" {word} "
        for start in _SQUARED:
            self.update({chr(start + i): chr(ord("a") + i) for i in range(26)})

    def __missing__(self, char: str) -> str:
        folded = self._fold(char)
        self[char] = folded
        return folded

    def _fold(self, char: str) -> str:
        if unicodedata.name(char, "").startswith(("GREEK", "CYRILLIC", "ARMENIAN", "CHEROKEE")):
            # The case is needed to tell which Latin letter it looks like.
            return char
        digit = unicodedata.digit(char, None)
        if digit is not None:
            return str(digit)
        composed = unicodedata.normalize("NFKC", char)
        if len(composed) > _LONGEST_EXPANSION:
            return " "
        parts = unicodedata.normalize("NFKD", composed.casefold())
        kept = (c for c in parts if not unicodedata.combining(c))
        return "".join(dict.get(self, c, c) for c in kept)


class NotOneForOneError(ValueError):
    """A character that folds to none or to several, or that may be half of a flag."""


class OneForOne(dict[int, str]):
    """For ``str.translate``, of texts in which every character folds to exactly one.

    Raises NotOneForOneError at any other character; filled as characters are met.
    """

    def __init__(self, table: FoldTable) -> None:
        super().__init__()
        self._table = table

    def __missing__(self, code: int) -> str:
        char = chr(code)
        folded = self._table[char]
        if len(folded) != 1 or regional_letter(char):
            raise NotOneForOneError
        self[code] = folded
        return folded


def read_emoji(path: Path = EMOJI_FILE) -> tuple[dict[str, str], dict[str, str]]:
    """(emoji -> word, flag letters -> word) of the data file; a clock face is the time it shows."""
    data = tomllib.loads(path.read_text(encoding="utf-8"))
    words = {char: word for word, chars in data["concepts"].items() for char in chars}
    for first, minutes in _CLOCKS.items():
        words |= {chr(first + hour): f"{hour + 1}:{minutes}" for hour in range(12)}
    return words, dict(data["flags"])
