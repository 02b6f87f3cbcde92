"""The texts of these tests, as data. Numbers are from the ranges kept for drama."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any, Final

from services.classification import engine
from services.classification.domain import AssessmentInput, AssessmentResult, EntityKind

LANGUAGES: Final = ("en", "fr", "tr", "ar", "sq", "vi", "fa", "prs", "ckb", "ps")
# A Wednesday.
NOW: Final = datetime(2026, 6, 3, 10, 0, tzinfo=UTC)
_FOLDER: Final = Path(__file__).with_name("data")


@dataclass(frozen=True)
class Example:
    """``expected``: the category of an advert, the speech act of anything else."""

    id: str
    language: str
    text: str
    advert: bool
    expected: str


def rows(name: str) -> list[dict[str, Any]]:
    lines = (_FOLDER / f"{name}.ndjson").read_text(encoding="utf-8").splitlines()
    return [json.loads(line) for line in lines]


def examples(name: str) -> list[Example]:
    return [
        Example(
            row["id"],
            row["language"],
            row["text"],
            row["advert"],
            row.get("category") or row.get("speech_act", ""),
        )
        for row in rows(name)
    ]


@cache
def rule_engine() -> engine.RuleEngine:
    return engine.load()


def assess(text: str, **more: Any) -> AssessmentResult:
    return rule_engine().assess(AssessmentInput(id="1", text=text, **{"now": NOW, **more}))


def leaves(text: str) -> list[datetime | None]:
    """The departures that are read in it, at ``NOW``."""
    return [e.resolved for e in assess(text).entities if e.kind is EntityKind.DEPARTURE_TIME]


def june(day: int, hour: int = 0, minute: int = 0) -> list[datetime]:
    return [datetime(2026, 6, day, hour, minute, tzinfo=UTC)]
