"""The lexica: which words express which concept, in which language. Read once, at start."""

from __future__ import annotations

import hashlib
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from services.classification.matcher import Entry, PhraseBook
from services.classification.normalise import normalise

FOLDER: Final = Path(__file__).with_name("lexicon")
# Emojis and their words belong to no language (ISO 639-2: no linguistic content).
NO_LANGUAGE: Final = "zxx"
CALENDAR: Final = "@"
_NUMBERED: Final = ("months", "weekdays", "solar_months")


@dataclass(frozen=True, slots=True)
class Language:
    code: str
    name: str
    script: str
    function_words: frozenset[str]
    markers: frozenset[str]


@dataclass(frozen=True, slots=True)
class Lexica:
    """``words``: single words of the concepts, to be found inside letters run together."""

    languages: Mapping[str, Language]
    phrases: PhraseBook
    words: frozenset[str]
    concepts: frozenset[str]
    sha256: str

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
    concepts: set[str] = set()
    digest = hashlib.sha256()
    for file in files:
        raw = file.read_bytes()
        digest.update(raw)
        try:
            data = tomllib.loads(raw.decode("utf-8"))
            language = _language(data)
            words |= _add_concepts(phrases, language.code, data["concepts"])
            _add_calendar(phrases, language.code, data.get("calendar", {}))
        except (KeyError, ValueError) as error:
            raise ValueError(f"{file.name}: {error}") from error
        languages[language.code] = language
        concepts |= data["concepts"].keys()
    return Lexica(languages, phrases, frozenset(words), frozenset(concepts), digest.hexdigest())


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


def _add_calendar(phrases: PhraseBook, code: str, calendar: Mapping[str, Any]) -> None:
    for kind, listed in calendar.items():
        if kind in _NUMBERED:
            for number, names in enumerate(listed, start=1):
                _add_numbered(phrases, code, f"{CALENDAR}{kind}.{number}", names)
        else:
            for phrase in _listed(listed):
                phrases.add(phrase, Entry(code, f"{CALENDAR}{kind}"))


def _add_numbered(phrases: PhraseBook, code: str, concept: str, names: str) -> None:
    """Names are parted by spaces; "_" stands between the words of one name."""
    for name in names.split():
        phrases.add(name.replace("_", " "), Entry(code, concept))
