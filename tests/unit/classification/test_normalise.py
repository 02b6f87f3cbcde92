"""Every way of writing a word is one, and its place in the original is kept."""

from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from services.classification import lexica
from services.classification.normalise import fold, folded_by_character, normalise
from tests.unit.classification.corpus import LANGUAGES, assess, examples


@pytest.mark.parametrize(
    ("written", "folded"),
    [
        ("Fëmijët falas", "femijet falas"),
        ("ÇOCUKLAR ÜCRETSİZ", "cocuklar ucretsiz"),
        ("Đường biển", "duong bien"),
        ("𝐁𝐨𝐚𝐭 ｔｏ ⓤⓚ", "boat to uk"),
        ("bоаt", "boat"),  # Cyrillic o and a
        ("قـــارب", "قارب"),
        ("كشتي", fold("کشتی")),
        ("۱۲ ٣", "12 3"),
        ("bo\u200bat\u202e", "boat"),
        ("7️⃣7️⃣", "77"),
    ],
)
def test_look_alike_spellings_are_one(written: str, folded: str) -> None:
    assert fold(written) == folded


@pytest.mark.parametrize("written", ["b o a t", "b.o.a.t", "B-O-A-T", "b_o_a_t", "b*o*a*t"])
def test_letters_written_apart_are_put_together(written: str) -> None:
    token = normalise(f"{written} today").tokens[0]
    assert token.forms[0] == "boat"
    assert (token.start, token.end) == (0, len(written))


def test_a_sign_between_letters_written_apart_is_one_of_them() -> None:
    token = normalise("p l @ c e s left").tokens[0]
    assert "places" in token.forms
    assert (token.start, token.end) == (0, len("p l @ c e s"))


@pytest.mark.parametrize(
    ("written", "read"), [("cr0ss1ng", "crossing"), ("p@ssport", "passport"), ("freeee", "fre")]
)
def test_digits_and_signs_are_read_as_the_letters_they_stand_for(written: str, read: str) -> None:
    assert read in normalise(written).tokens[0].forms


@pytest.mark.parametrize(
    ("written", "folded"),
    [
        ("1O juin", "10 juin"),
        ("4OOO $", "4000 $"),
        ("2o1o", "2o1o"),
        ("1oo%", "100%"),
        ("oo7", "oo7"),
    ],
)
def test_an_o_behind_digits_is_a_nought(written: str, folded: str) -> None:
    assert normalise(written).text == folded


def test_genuine_cyrillic_stays_cyrillic() -> None:
    assert "привет" in normalise("привет как дела").text


def test_a_flag_is_one_word_at_both_its_characters() -> None:
    token = normalise("to 🇬🇧 now").tokens[1]
    assert token.forms == ("emogb",)
    assert (token.start, token.end) == (3, 5)


def test_an_emoji_repeated_in_a_row_is_said_once() -> None:
    assert len(normalise("🚤🚤🚤 boat 🚤").tokens) == 3


@given(st.text(max_size=300))
def test_every_folded_character_knows_where_it_came_from(text: str) -> None:
    folded = normalise(text)
    assert len(folded.text) == len(folded.starts) == len(folded.ends)
    assert all(0 <= a < b <= len(text) for a, b in zip(folded.starts, folded.ends, strict=True))
    assert list(folded.starts) == sorted(folded.starts)
    assert folded.digits == sum(map(str.isdecimal, folded.text))


@given(st.text(max_size=300) | st.text("abcdé 5،ش🚤🇬🇧\u200c", max_size=60))
def test_a_text_that_folds_one_for_one_folds_as_it_does_character_by_character(text: str) -> None:
    folded, starts, ends = folded_by_character(text)
    quickly = normalise(text)
    places = [*quickly.starts], [*quickly.ends]
    assert (len(folded), starts, ends) == (len(quickly.text), *places)


@given(st.text(max_size=200) | st.text("abwxɯоа :ع", max_size=12))
@example("Ɯ:AƜ")  # Latin for the most part only once the second word's look-alike is replaced
def test_folding_what_is_folded_changes_nothing_more(text: str) -> None:
    once = fold(text)
    assert fold(once).split() == once.split()


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_signal_points_at_the_words_that_it_names(language: str) -> None:
    phrases = lexica.read().phrases
    for item in examples(language):
        for signal in assess(item.text).signals:
            words = item.text[signal.start : signal.end]
            assert words == words.strip()
            matches = phrases.match(normalise(words).tokens)
            expressed = {f"{match.entry.concept}.{match.entry.language}" for match in matches}
            assert signal.rule_id in expressed, (item.id, signal.rule_id, words)


def test_spans_survive_characters_that_grow_or_vanish() -> None:
    text = "\u202eﷺ ﬁrst\u200b ship: 🚤 B O A T to 🇬🇧, kids go free"
    found = {s.rule_id: text[s.start : s.end] for s in assess(text).signals}
    assert found["child_free.en"] == "kids go free"
    assert "B O A T" in found.values() or found["boat.en"] == "B O A T"
    assert found["destination.zxx"] == "🇬🇧"
