"""Whatever stands in a text, the assessment is sound."""

from __future__ import annotations

from datetime import UTC, datetime

from hypothesis import given, settings
from hypothesis import strategies as st

from services.classification.domain import (
    AssessmentInput,
    AssessmentResult,
    Decision,
    EntityKind,
    Label,
    SpeechAct,
)
from tests.unit.classification.corpus import NOW, assess, examples, rule_engine

_WORDS = [word for name in ("en", "ar", "vi") for e in examples(name) for word in e.text.split()]
_SALAD = st.lists(
    st.sampled_from(
        [*_WORDS, "£", "12", "06", "5am", "tonight", "jan", "@x", "+44", '"', "b o a t"]
    ),
    max_size=40,
).map(" ".join)
_ANY = st.text(alphabet=st.characters(), max_size=400)
_NOWS = st.integers(-600_000_000, 5_600_000_000).map(lambda s: datetime.fromtimestamp(s, UTC))


def check(text: str, result: AssessmentResult) -> None:
    assert 0.0 <= result.probability <= 1.0
    assert (result.label is Label.SMUGGLING_ADVERT) == (result.probability >= 0.5)
    spans = [(signal.start, signal.end) for signal in result.signals]
    spans += [(entity.start, entity.end) for entity in result.entities]
    assert all(0 <= start < end <= len(text) for start, end in spans)
    assert all(0.0 <= guess.confidence <= 1.0 for guess in result.languages)
    assert result.languages
    assert result.explanation
    "".join(result.explanation).encode("utf-8")
    if result.decision is Decision.REFER:
        assert result.speech_act is SpeechAct.OFFER
        assert result.categories
    for entity in result.entities:
        if entity.kind in (EntityKind.DATE, EntityKind.DEPARTURE_TIME):
            assert entity.resolved is not None
            assert entity.resolved.tzinfo is not None


@settings(max_examples=150, deadline=None)
@given(text=_ANY, hint=_ANY, kind=_ANY)
def test_any_characters_are_assessed(text: str, hint: str, kind: str) -> None:
    check(text, assess(text, language_hint=hint, kind=kind))


@settings(max_examples=200, deadline=None)
@given(text=_SALAD, now=_NOWS)
def test_any_order_of_the_words_of_adverts_is_assessed_at_any_time(
    text: str, now: datetime
) -> None:
    check(text, assess(text, now=now))


@settings(max_examples=50, deadline=None)
@given(text=_SALAD)
def test_the_same_text_is_always_assessed_the_same(text: str) -> None:
    item = AssessmentInput(id="1", text=text, now=NOW)
    assert rule_engine().assess(item) == rule_engine().assess(item)


def test_half_a_character_is_no_reason_to_fail() -> None:
    text = "boat \ud83d to \udc00 UK, kids \udfff free, dm"
    check(text, assess(text))
