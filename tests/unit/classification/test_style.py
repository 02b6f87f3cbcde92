"""How a text is written, in numbers that stay bounded whatever the text."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.classification import style


@given(st.text(max_size=300))
def test_every_sign_is_a_small_number(text: str) -> None:
    for name, value in style.facts(text).items():
        assert name.startswith("s:")
        assert 0.0 <= value <= 2.0


def test_an_empty_text_has_no_signs() -> None:
    assert style.facts("") == {}
    assert style.facts(" \n\t") == {}


@pytest.mark.parametrize(
    "text",
    [
        'They write: "boat tonight, children free, message us"',
        "Ils écrivent : « bateau ce soir, enfants gratuits »",
        "He said “seats for tomorrow, call now” and left",
        "Sie schreiben „Boot heute Nacht, Kinder frei“ dazu",
    ],
)
def test_a_quotation_is_seen(text: str) -> None:
    assert style.facts(text)["s:quotation"] == 1.0


@pytest.mark.parametrize(
    "text", ["boat tonight", 'a "good" price', "” the wrong way round, for long “"]
)
def test_a_word_between_marks_is_no_quotation(text: str) -> None:
    assert style.facts(text)["s:quotation"] == 0.0


def test_questions_and_emoji_are_counted() -> None:
    found = style.facts("does anyone know? 🚤🔥")
    assert found["s:questions"] == 1.0
    assert found["s:emoji"] == 0.5
    assert style.facts("هل من أحد يعرف؟")["s:questions"] == 1.0


@pytest.mark.parametrize("mark", ["“", '"', ": ", "«", "🚤", "? "])
def test_no_text_takes_more_than_its_length(mark: str) -> None:
    def seconds(length: int) -> float:
        begun = time.process_time()
        style.facts(mark * length)
        return time.process_time() - begun

    seconds(1_000)
    assert seconds(200_000) < 0.5
