"""The lexica: which words express which concept, in which language. Read once, at start."""

from __future__ import annotations

import hashlib
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from services.classification.matcher import Entry, PhraseBook
from services.classification.normalise import Token, normalise

FOLDER: Final = Path(__file__).with_name("lexicon")
# Emojis and their words belong to no language (ISO 639-2: no linguistic content).
NO_LANGUAGE: Final = "zxx"
CALENDAR: Final = "@"
_NUMBERED: Final = (
    "months", "weekdays", "weekdays_night", "weekdays_evening", "weekdays_morning",
    "weekdays_early_afternoon", "solar_months", "lunar_months",
    "numbers", "clock_numbers", "half_numbers", "ordinals", "tens",
)  # fmt: skip
# People mix languages: a day's name of this many letters is that day in any text.
_PLAIN_DAY: Final = 5
_BRIEF: Final = 3
_DAYS: Final = ("weekdays", "tonight", "tomorrow", "day_after", "months", "solar_months")
# What is early or late, and sunset, are the day's prayers, which have other hours than the words.
PARTS: Final = frozenset(
    {"dawn", "morning", "noon", "early_afternoon", "afternoon", "late_afternoon", "evening",
     "sunset", "night", "late_night", "midnight"}
)  # fmt: skip
_TIMES: Final = tuple(
    f"{CALENDAR}{kind}"
    for kind in ("weekdays", "months", "solar_months", "today", "tonight", "tomorrow", *PARTS)
)
# An Arabic keyboard has no letter for the Sorani "e": "h" and a space stand for it.
_SORANI_E: Final = "ە"


@dataclass(frozen=True, slots=True)
class Language:
    code: str
    name: str
    script: str
    function_words: frozenset[str]
    markers: frozenset[str]


@dataclass(frozen=True, slots=True, eq=False)
class Lexica:
    """``words``: single words of the concepts, to be found inside letters run together; ``timed``:
    with those that name a time, of which such letters may wholly consist.

    ``speakers``: the languages that each function word is one of.
    """

    languages: Mapping[str, Language]
    speakers: Mapping[str, tuple[str, ...]]
    phrases: PhraseBook
    words: frozenset[str]
    timed: frozenset[str]
    concepts: frozenset[str]
    sha256: str

    def names_time(self, word: str) -> bool:
        """Whether this folded word by itself is a day, a month or a part of the day."""
        found = self.phrases.match([Token((word,), 0, len(word))])
        return any(match.entry.concept.startswith(_TIMES) for match in found)

    def name(self, code: str) -> str:
        """The language's English name, or its code when no lexicon knows it."""
        known = self.languages.get(code)
        return known.name if known else {NO_LANGUAGE: "emoji"}.get(code, code)


def read(folder: Path = FOLDER) -> Lexica:
    """Raises ValueError naming the file when one is missing a key or holds no phrase."""
    files = sorted(folder.glob("*.toml"))
    if not files:
        raise ValueError(f"{folder.name}: no lexicon here; restore the files of the release")
    phrases = PhraseBook()
    languages: dict[str, Language] = {}
    words: set[str] = set()
    times: set[str] = set()
    concepts: set[str] = set()
    digest = hashlib.sha256()
    for file in files:
        raw = file.read_bytes()
        digest.update(raw)
        try:
            data = tomllib.loads(raw.decode("utf-8"))
            language = _language(data)
            words |= _add_concepts(phrases, language.code, data["concepts"])
            times |= _add_calendar(phrases, language.code, data.get("calendar", {}))
            _add_calendar(phrases, NO_LANGUAGE, data.get("romanised", {}))
        except (KeyError, ValueError) as error:
            raise ValueError(f"{file.name}: {error}") from error
        languages[language.code] = language
        concepts |= data["concepts"].keys()
    return Lexica(
        languages,
        _speakers(languages),
        phrases,
        frozenset(words),
        frozenset(words | times),
        frozenset(concepts),
        digest.hexdigest(),
    )


def _speakers(languages: Mapping[str, Language]) -> dict[str, tuple[str, ...]]:
    speakers: dict[str, tuple[str, ...]] = {}
    for code, language in languages.items():
        for word in language.function_words:
            speakers[word] = (*speakers.get(word, ()), code)
    return speakers


def _language(data: Mapping[str, Any]) -> Language:
    return Language(
        data["code"],
        data["name"],
        data["script"],
        frozenset(_folded(data["function_words"].split())),
        frozenset(_folded(data.get("markers", "").split())),
    )


def _folded(words: Iterable[str]) -> Iterable[str]:
    for word in words:
        yield from (token.forms[0] for token in normalise(word).tokens)


def _add_concepts(phrases: PhraseBook, code: str, concepts: Mapping[str, str]) -> set[str]:
    words: set[str] = set()
    for concept, listed in concepts.items():
        for phrase in _listed(listed):
            language = NO_LANGUAGE if "emo" in phrase and _is_emoji(phrase) else code
            phrases.add(phrase, Entry(language, concept))
            if phrase.isalpha() or phrase[:-1].isalpha():
                words.add(phrase.rstrip("*"))
    return words


def _is_emoji(phrase: str) -> bool:
    return all(w.startswith(("emo", "~")) and not w.startswith("emot") for w in phrase.split())


def _listed(listed: str) -> list[str]:
    return [phrase for part in listed.split(",") if (phrase := part.strip())]


def _add_calendar(phrases: PhraseBook, code: str, calendar: Mapping[str, Any]) -> set[str]:
    """The single words that name a time.

    ``romanised`` words, which no guesser knows for their language, belong to none.
    """
    named: set[str] = set()
    for label, words in _calendar_phrases(calendar):
        _add_word(phrases, code, label, words)
        if words.rstrip("*").isalpha() and f"{CALENDAR}{label}".startswith(_TIMES):
            named.update(_folded([words.rstrip("*")]))
    return named


def _calendar_phrases(calendar: Mapping[str, Any]) -> Iterable[tuple[str, str]]:
    """(kind and number, words) of every phrase."""
    numbers = [_names(names) for names in calendar.get("numbers", ())]
    for kind, listed in calendar.items():
        if kind in _NUMBERED:
            for number, names in enumerate(listed, start=1):
                yield from ((f"{kind}.{number}", name) for name in _names(names))
        else:
            for phrase in _listed(listed):
                yield from _counted(kind, phrase, numbers)


def _names(names: str) -> list[str]:
    """Names are parted by spaces; "_" stands between the words of one name."""
    return [name.replace("_", " ") for name in names.split()]


def _counted(kind: str, phrase: str, numbers: list[list[str]]) -> Iterable[tuple[str, str]]:
    """ "2=in a couple of hours" says its number; "in # hours" takes digits and number words."""
    said, equals, words = phrase.partition("=")
    if equals:
        yield f"{kind}.{said}", words
        return
    yield kind, phrase
    if "#" in phrase.split():
        for number, names in enumerate(numbers, start=1):
            for name in names:
                yield f"{kind}.{number}", phrase.replace("#", name)


def _add_word(phrases: PhraseBook, code: str, label: str, words: str) -> None:
    kind = label.partition(".")[0]
    # "Dem1": no other language's word has a digit inside.
    plain = len(words) >= _PLAIN_DAY or (len(words) > _BRIEF and not words.isalpha())
    mixed = kind.startswith(_DAYS) and plain
    spellings = {words}
    if _SORANI_E in words:
        spellings.add(words.replace(_SORANI_E, _SORANI_E + " ").strip())
    for spelling in spellings:
        phrases.add(spelling, Entry(code, f"{CALENDAR}{label}"))
        if mixed and code != NO_LANGUAGE:
            phrases.add(spelling, Entry(NO_LANGUAGE, f"{CALENDAR}{label}"))
