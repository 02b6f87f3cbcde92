"""The corpus: enough of every language, mostly hard non-adverts, and a split that leaks nothing."""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from pathlib import Path

import pytest
from rapidfuzz import fuzz, process

from services.classification.domain import Category, Hook, SpeechAct
from services.classification.normalise import fold
from services.classification.training import corpus
from services.classification.training.corpus import FURTHER, LANGUAGES, UNSEEN, CorpusError, Item

ITEMS = corpus.load()
# Token-set similarity from which two texts say the same in the same words.
_NEAR = 90
GOOD = {
    "id": "en-a-001", "language": "en", "text": "Boat tonight, dm", "advert": True,
    "speech_act": "OFFER", "categories": ["small_boat_crossing"], "family": "boat-slang",
}  # fmt: skip


def of(language: str) -> list[Item]:
    return [item for item in ITEMS if item.language == language]


@pytest.mark.parametrize(("language", "fewest"), [(c, 250) for c in LANGUAGES])
def test_a_language_has_enough_texts_most_of_them_no_adverts(language: str, fewest: int) -> None:
    mine = of(language)
    others = [item for item in mine if not item.advert]
    assert len(mine) >= fewest
    assert len(others) * 2 >= len(mine)
    assert sum(item.difficulty == "hard" for item in others) * 2 > len(others)
    assert len({item.author for item in mine}) >= 5


@pytest.mark.parametrize("language", FURTHER)
def test_a_further_language_has_sixty_texts(language: str) -> None:
    assert len(of(language)) >= 60


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_language_shows_every_act_category_and_hook(language: str) -> None:
    mine = of(language)
    assert {item.speech_act for item in mine} == set(SpeechAct)
    assert {c for item in mine for c in item.categories} == set(Category)
    assert {h for item in mine for h in item.hooks} == set(Hook)


def test_a_family_is_never_divided_between_splits() -> None:
    splits: defaultdict[tuple[str, str], set[str]] = defaultdict(set)
    for item in ITEMS:
        splits[item.language, item.family].add(item.split)
    assert all(len(found) == 1 for found in splits.values())
    shares = Counter(item.split for item in ITEMS)
    assert 0.1 < shares["test"] / len(ITEMS) < 0.3


@pytest.mark.parametrize("language", LANGUAGES)
def test_writers_are_kept_for_testing_whom_nothing_is_fitted_on(language: str) -> None:
    kept = [item for item in of(language) if item.split == "unseen"]
    assert len(kept) >= 180
    everywhere = {"m", "av", "ax", "bx", "ca", "cb", "ce", "cf", "cg", "cm", "bz", "6", "ay", "bg"}
    here = {"aj", "cd", "cp", "cy"} | ({"ch"} if language == "en" else set())
    shared = everywhere | here
    # Half of the languages each by one of two.
    assert {item.writer for item in kept} in (shared | {"2"}, shared | {"3"})
    kinds = Counter(UNSEEN[item.writer] for item in kept)
    assert kinds["evaluator"] >= 150
    assert kinds["everyday life"] >= 25
    assert kinds["obfuscated"] >= 30
    assert sum(item.departs is not None for item in kept if item.writer == "aj") >= 15
    assert not any(item.fitted_on for item in kept)


@pytest.mark.parametrize("language", LANGUAGES + FURTHER)
def test_no_text_kept_for_testing_is_nearly_one_that_is_fitted_on(language: str) -> None:
    mine = of(language)
    fitted = [fold(item.text) for item in mine if item.fitted_on]
    near = []
    for item in mine:
        if not item.fitted_on:
            found = process.extractOne(
                fold(item.text), fitted, scorer=fuzz.ratio, score_cutoff=_NEAR
            )
            if found:
                near.append((item.id, found[0]))
    assert near == []


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"text": "call +44 7911 123456"}, "drama"),
        ({"speech_act": "REPORTING"}, "OFFER if and only if"),
        ({"categories": []}, "has categories"),
        ({"advert": False, "speech_act": "SATIRE", "categories": [], "hooks": ["price"]}, "hooks"),
        ({"departs": "2026-06-03T22:00"}, "departure_date"),
        ({"language": "xx"}, "language"),
        ({"more": 1}, "more"),
    ],
)
def test_a_line_that_breaks_a_rule_is_refused_with_its_place(
    tmp_path: Path, change: dict[str, object], reason: str
) -> None:
    path = tmp_path / "a.ndjson"
    path.write_text(json.dumps(GOOD) + "\n" + json.dumps(GOOD | change) + "\n", "utf-8")
    with pytest.raises(CorpusError, match=rf"a\.ndjson:2.*{reason}"):
        corpus.read(path)


def test_an_item_in_anothers_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "fr").mkdir()
    (tmp_path / "fr" / "a.ndjson").write_text(json.dumps(GOOD) + "\n", "utf-8")
    with pytest.raises(CorpusError, match="belongs into another file"):
        corpus.load(tmp_path)
