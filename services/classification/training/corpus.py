"""The corpus: one file per language and author, one labelled text a line, checked as it is read.

``python -m services.classification.training.corpus`` checks every file and prints the counts.
"""

from __future__ import annotations

import hashlib
import re
import sys
from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Final, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from services.classification.domain import MAX_TEXT, Category, Hook, SpeechAct

FOLDER: Final = Path(__file__).parents[1] / "corpus"
# What "tonight" is relative to wherever a corpus text states a departure: a Wednesday noon.
REFERENCE: Final = datetime(2026, 6, 3, 12, 0, tzinfo=UTC)
LANGUAGES: Final = ("en", "fr", "tr", "ar", "sq", "vi", "fa", "prs", "ckb", "ps")
FURTHER: Final = ("ku", "so", "am", "ti", "ur", "bn", "ro", "mixed")
# The writers who show how well the models do on texts by others: nothing of theirs is fitted on,
# chosen on or looked up for a lexicon.
# By what they wrote: texts as an evaluator would collect them, local groups' everyday life,
# adverts most of which say when they leave, or obfuscated spelling of both kinds.
UNSEEN: Final = {
    "m": "evaluator", "2": "evaluator", "3": "evaluator", "av": "evaluator", "ax": "evaluator",
    "bx": "evaluator", "ca": "evaluator", "cb": "evaluator", "ce": "evaluator",
    "cf": "evaluator", "cg": "evaluator", "cm": "evaluator", "bz": "obfuscated", "cd": "departures",
    "6": "everyday life", "ay": "everyday life", "bg": "everyday life", "aj": "departures",
    "ch": "English", "cp": "kind words", "cy": "kind words",
}  # fmt: skip
Split = Literal["train", "validation", "test", "unseen"]
# Ofcom's numbers for drama: +44 7700 900000-900999 and 020 7946 0000-0999.
_DRAMA: Final = re.compile(r"(?:0044|44|0)?(?:7700900\d{3}|2079460\d{3})")
_NUMBER: Final = re.compile(r"\+?\d[\d \u00a0().-]{7,}\d")
_LONG_NUMBER: Final = 9


class CorpusError(ValueError):
    """A line of the corpus that cannot be used: file, line, reason."""


class Item(BaseModel):
    """One labelled text.

    ``advert`` is the label; ``speech_act`` is OFFER if and only if it is one. ``family`` names the
    texts that share a subject, a pattern or a wording: the split never divides a family.
    ``departs`` is the local time that an offer says it leaves, relative to ``REFERENCE``.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    id: Annotated[str, Field(pattern=r"^[a-z]{2,5}-[a-z0-9]+-[0-9]{3}$")]
    language: str
    text: Annotated[str, Field(min_length=3, max_length=MAX_TEXT)]
    advert: bool
    speech_act: SpeechAct
    categories: tuple[Category, ...] = ()
    hooks: tuple[Hook, ...] = ()
    family: Annotated[str, Field(pattern=r"^[a-z0-9-]{3,60}$")]
    difficulty: Literal["plain", "hard", "obfuscated"] = "plain"
    departs: datetime | None = None

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if self.advert != (self.speech_act is SpeechAct.OFFER):
            raise ValueError("speech_act is OFFER if and only if the text is an advert")
        if self.advert != bool(self.categories):
            raise ValueError("an advert has categories, and nothing else has")
        if self.hooks and not self.advert:
            raise ValueError("only an advert has hooks")
        if self.departs and Hook.DEPARTURE_DATE not in self.hooks:
            raise ValueError("a text with departs has the hook departure_date")
        if self.language not in LANGUAGES + FURTHER:
            raise ValueError(f"language is none of {', '.join(LANGUAGES + FURTHER)}")
        _only_drama_numbers(self.text)
        return self

    @property
    def author(self) -> str:
        return self.id.rsplit("-", 1)[0]

    @property
    def writer(self) -> str:
        """The author without the language: a letter or two stand for one hand in all."""
        return self.author.rpartition("-")[2]

    @property
    def protected(self) -> bool:
        """Whether only a person may refer it; chatter about something else is no protected act."""
        return self.speech_act not in (SpeechAct.OFFER, SpeechAct.UNKNOWN)

    @property
    def split(self) -> Split:
        if self.writer in UNSEEN:
            return "unseen"
        return split_of(self.language, self.family)

    @property
    def fitted_on(self) -> bool:
        """Whether models and thresholds may learn from it."""
        return self.split in ("train", "validation")


def _only_drama_numbers(text: str) -> None:
    for match in _NUMBER.finditer(text):
        digits = "".join(str(int(d)) for d in match[0] if d.isdigit())
        if len(digits) > _LONG_NUMBER and not _DRAMA.fullmatch(digits):
            raise ValueError(f"{match[0]!r} is not one of the numbers kept for drama")


def split_of(language: str, family: str) -> Split:
    """By family alone, never by line: a fifth is tested on, a fifth chooses thresholds."""
    place = hashlib.sha256(f"{language}/{family}".encode()).digest()[0]
    return "test" if place < 51 else "validation" if place < 102 else "train"  # noqa: PLR2004


def read(path: Path) -> list[Item]:
    """The items of one file; raises CorpusError with file and line."""
    items = []
    for number, line in enumerate(path.read_text("utf-8").splitlines(), 1):
        try:
            items.append(Item.model_validate_json(line))
        except ValidationError as error:
            first = error.errors(include_url=False, include_input=False)[0]
            where = ".".join(map(str, first["loc"])) or "line"
            raise CorpusError(f"{path.name}:{number}: {where}: {first['msg']}") from error
    return items


def load(folder: Path = FOLDER) -> tuple[Item, ...]:
    """Every item of ``<language>/<author>.ndjson``, ordered by id; raises CorpusError."""
    items: list[Item] = []
    for path in sorted(folder.glob("*/*.ndjson")):
        author = f"{path.parent.name}-{path.stem}"
        for item in read(path):
            if item.author != author or item.language != path.parent.name:
                raise CorpusError(f"{path.name}: {item.id} belongs into another file")
            items.append(item)
    doubled = [key for key, count in Counter(item.id for item in items).items() if count > 1]
    if doubled:
        raise CorpusError(f"{doubled[0]} stands twice")
    return tuple(sorted(items, key=lambda item: item.id))


def summary(items: Sequence[Item]) -> str:
    """Counts per language: texts, adverts, speech acts, splits."""
    lines = []
    for language in LANGUAGES + FURTHER:
        mine = [item for item in items if item.language == language]
        acts = Counter(item.speech_act.value.lower() for item in mine)
        splits = Counter(item.split for item in mine)
        hard = sum(item.difficulty == "hard" and not item.advert for item in mine)
        obfuscated = sum(item.difficulty == "obfuscated" for item in mine)
        departs = sum(item.departs is not None for item in mine)
        lines.append(
            f"{language}: {len(mine)} texts, {sum(item.advert for item in mine)} adverts "
            f"({obfuscated} obfuscated, {departs} with a departure), {hard} hard non-adverts; "
            f"{dict(splits)}; {dict(acts)}"
        )
    return "\n".join(lines)


if __name__ == "__main__":
    try:
        sys.stdout.write(summary(load()) + "\n")
    except CorpusError as error:
        sys.exit(str(error))
