"""Texts that are assessed at once are assessed as each of them would be alone."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.classification import engines, together
from services.classification.domain import (
    MAX_TEXT,
    AssessmentInput,
    AssessmentResult,
    Decision,
    Engine,
)
from tests.unit.classification.corpus import LANGUAGES, NOW, examples, rule_engine

TEXTS = [example.text for language in LANGUAGES for example in examples(language)]


def inputs(texts: Sequence[str]) -> list[AssessmentInput]:
    return [AssessmentInput(str(place), text, NOW) for place, text in enumerate(texts)]


@pytest.mark.parametrize("kind", ["rules", "fast", "cascade"])
def test_texts_at_once_are_assessed_like_one_by_one(kind: engines.Kind) -> None:
    engine: Engine = engines.load(kind)
    items = inputs(TEXTS[:: 1 if kind == "rules" else 5])
    assert engine.assess_all(items) == [engine.assess(item) for item in items]


@settings(deadline=None, max_examples=60)
@given(st.lists(st.text(max_size=60) | st.sampled_from(TEXTS), max_size=8))
def test_whatever_stands_beside_a_text_it_is_assessed_the_same(texts: list[str]) -> None:
    items = inputs(texts)
    assert rule_engine().assess_all(items) == [rule_engine().assess(item) for item in items]


@given(st.lists(st.integers(0, MAX_TEXT), max_size=200))
def test_groups_keep_the_order_and_hold_no_more_than_the_longest_text(sizes: list[int]) -> None:
    items = inputs(["x" * size for size in sizes])
    groups: list[Sequence[AssessmentInput]] = []

    def keep(group: Sequence[AssessmentInput]) -> list[AssessmentResult]:
        groups.append(group)
        return []

    together.in_groups(items, keep)
    assert [item for group in groups for item in group] == items
    for group in groups:
        assert 1 <= len(group) <= together.MOST
        assert len(group) == 1 or sum(len(item.text) for item in group) <= MAX_TEXT


def test_a_picture_read_beside_others_still_brings_about_no_referral() -> None:
    advert = (
        "Boat from Calais to UK Friday 5am, kids free, 100% guaranteed, WhatsApp +44 7700 900123"
    )
    alone = AssessmentInput("1", advert, NOW)
    pictured = AssessmentInput("2", "good morning", NOW, picture_text=advert)
    first, second, third = rule_engine().assess_all([alone, pictured, alone])
    assert second.decision is Decision.REVIEW
    assert (first, third) == (rule_engine().assess(alone), rule_engine().assess(alone))
    assert first.decision is Decision.REFER
