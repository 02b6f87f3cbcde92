"""What the rule set promises in each language, on texts written for it as people post."""

from __future__ import annotations

import re

import pytest

from services.classification.domain import Category, Decision, Label, SpeechAct
from tests.unit.classification.corpus import LANGUAGES, Example, assess, examples, rows

PROTECTED = {
    SpeechAct.SOLICITATION, SpeechAct.TESTIMONY, SpeechAct.REPORTING, SpeechAct.RESCUE,
    SpeechAct.ACADEMIC, SpeechAct.SATIRE, SpeechAct.GOVERNMENT_WARNING, SpeechAct.INFORMATION,
}  # fmt: skip


def _is_advert(example: Example) -> bool:
    return assess(example.text).label is Label.SMUGGLING_ADVERT


@pytest.mark.parametrize("language", LANGUAGES)
def test_each_language_has_enough_examples_of_both_kinds(language: str) -> None:
    found = examples(language)
    assert sum(example.advert for example in found) >= 12
    assert sum(not example.advert for example in found) >= 12


@pytest.mark.parametrize("language", LANGUAGES)
def test_adverts_are_found_and_little_else_is_taken_for_one(language: str) -> None:
    found = examples(language)
    adverts = [e for e in found if e.advert]
    missed = [e.id for e in adverts if not _is_advert(e)]
    wrong = [e.id for e in found if not e.advert and _is_advert(e)]
    assert len(missed) <= len(adverts) * 0.1, missed
    assert len(wrong) <= 1, wrong


@pytest.mark.parametrize("language", LANGUAGES)
def test_what_is_no_advert_is_never_referred(language: str) -> None:
    referred = [
        e.id
        for e in examples(language)
        if not e.advert and assess(e.text).decision is Decision.REFER
    ]
    assert referred == []


@pytest.mark.parametrize("language", LANGUAGES)
def test_an_advert_is_never_suggested_for_rejection(language: str) -> None:
    rejected = [
        e.id
        for e in examples(language)
        if e.advert and assess(e.text).decision is Decision.SUGGEST_REJECT
    ]
    assert rejected == []


@pytest.mark.parametrize("language", LANGUAGES)
def test_most_adverts_are_filed_under_their_category(language: str) -> None:
    adverts = [e for e in examples(language) if e.advert]
    filed = [e for e in adverts if Category(e.expected) in assess(e.text).categories]
    assert len(filed) >= len(adverts) * 0.85


@pytest.mark.parametrize("language", LANGUAGES)
def test_protected_speech_is_told_from_an_offer(language: str) -> None:
    others = [e for e in examples(language) if not e.advert and e.expected != "UNKNOWN"]
    told = [e for e in others if assess(e.text).speech_act in PROTECTED]
    assert len(told) >= len(others) * 0.9


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_language_is_named(language: str) -> None:
    found = examples(language)
    right = [e for e in found if assess(e.text).languages[0].code == language]
    assert len(right) >= len(found) * 0.9


def test_hidden_adverts_are_found() -> None:
    hidden = examples("obfuscated")
    missed = [e.id for e in hidden if not _is_advert(e)]
    assert len(missed) <= len(hidden) * 0.1, missed


def test_further_languages_are_read_but_never_referred_by_themselves() -> None:
    for example in examples("further_languages"):
        result = assess(example.text)
        assert result.label is Label.SMUGGLING_ADVERT, example.id
        assert result.languages[0].code == example.language
        assert result.decision is Decision.REVIEW


def test_the_examples_hold_no_telephone_number_but_those_of_drama() -> None:
    names = (*LANGUAGES, "obfuscated", "further_languages", "departures")
    texts = [row["text"] for name in names for row in rows(name)]
    numbers = [n for text in texts for n in re.findall(r"\+\d[\d ]{7,}", text)]
    drama = re.compile(r"\+44 7700 900\d{3} ?|\+44 20 7946 0\d{3} ?")
    assert numbers
    assert [n for n in numbers if not drama.fullmatch(n)] == []
