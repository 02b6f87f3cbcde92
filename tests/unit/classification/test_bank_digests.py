"""Promises about what is kept of a text, a contact and a picture."""

from __future__ import annotations

import json
import random
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rapidfuzz import fuzz

from services.classification.bank import numbers
from services.classification.bank.digests import Digester, folded_words, packed, unpacked
from services.classification.bank.matching import could_match, similarity
from services.classification.bank.pictures import comparable as may_be_compared
from services.classification.domain import AssessmentInput
from services.classification.pictures.facts import PictureFacts, Result
from tests.unit.classification.corpus import NOW, rule_engine

CORPUS = Path(__file__).resolve().parents[3] / "services" / "classification" / "corpus"
DIGESTER = Digester(b"k" * 32)
ADVERT = (
    "Boat from Calais to UK every Friday night, good weather, new engine, life jackets for all, "
    "1500 euro each, children travel free, write to me on WhatsApp"
)
GOLDEN = ("27382f325d885c79", -3111101734202567308, -4098498462866395337)


def nearly(a: str, b: str) -> float:
    """How alike the bank finds two texts: 0.0 when its bands would not even propose the pair."""
    one, other = DIGESTER.text(a), DIGESTER.text(b)
    if not set(enumerate(one.bands)) & set(enumerate(other.bands)):
        return 0.0
    if not could_match(len(one.words), len(other.words)):
        return 0.0
    return similarity(one.words, other.words)


@pytest.mark.parametrize(
    "changed",
    [
        ADVERT.replace("1500 euro", "1300 euro"),
        "🚤🔥 " + ADVERT + " 👍👍",
        ADVERT.upper().replace(", ", "   \n"),
        ADVERT.replace("Boat", "B o a t").replace("free", "fr€e"),
        ADVERT.replace("Calais", "Cаlаis"),
        ADVERT.replace("Friday", "Monday").replace("1500", "1300"),
        ADVERT + " now",
    ],
    ids=["price", "emoji", "spacing and case", "letters apart", "look-alikes", "two words", "more"],
)
def test_a_text_with_another_price_emoji_or_spelling_is_nearly_the_same(changed: str) -> None:
    assert nearly(ADVERT, changed) >= numbers.NEAR


@pytest.mark.parametrize(
    "other",
    [
        f'Police in Calais warn of posts such as this one: "{ADVERT}". Officers said on '
        "Tuesday that such offers are a fraud and that people risk their lives in the Channel.",
        f'They wrote to us: "{ADVERT}" Do not believe it, they take your money.',
        ADVERT[: len(ADVERT) // 2],
        "",
    ],
)
def test_a_text_that_only_quotes_an_advert_is_not_that_advert(other: str) -> None:
    assert nearly(ADVERT, other) == 0.0


@settings(deadline=None, max_examples=200)
@given(st.data())
def test_no_text_that_is_a_fifth_longer_is_nearly_the_same(data: st.DataObject) -> None:
    words = data.draw(st.lists(st.sampled_from("abcdefghijk"), min_size=8, max_size=60))
    more = data.draw(st.lists(st.sampled_from("mnopq"), min_size=len(words) // 5 + 1, max_size=100))
    place = data.draw(st.integers(0, len(words)))
    quoted = [*more[: len(more) // 2], *words, *more[len(more) // 2 :], *words[place:]]
    assert nearly(" ".join(words), " ".join(quoted)) == 0.0


def test_two_in_twenty_words_changed_anywhere_are_always_proposed() -> None:
    chance = random.Random(7)
    for _ in range(300):
        words = [f"word{chance.randrange(10_000)}" for _ in range(chance.randrange(20, 200))]
        changed = list(words)
        for place in chance.sample(range(len(words)), len(words) // 10):
            changed[place] = f"other{chance.randrange(10_000)}"
        assert nearly(" ".join(words), " ".join(changed)) >= numbers.NEAR


def test_a_short_text_is_kept_for_exact_comparison_alone() -> None:
    short = DIGESTER.text("Boats to UK follow us now")
    assert (short.count, short.words, short.bands, short.signature) == (6, (), (), b"")
    assert short.digest == DIGESTER.text("boats to U.K, follow us NOW!".replace(".", "")).digest
    assert len(DIGESTER.text("one two three four five six seven eight").bands) == numbers.BANDS


@pytest.mark.parametrize("text", ["", "   ", "🚤🔥", "!!! ...", "\u200b"])
def test_a_text_without_words_has_no_digest(text: str) -> None:
    assert DIGESTER.text(text).digest is None


def test_digests_say_nothing_without_the_key() -> None:
    other = Digester(b"x" * 32)
    mine, theirs = DIGESTER.text(ADVERT), other.text(ADVERT)
    assert mine.digest != theirs.digest
    assert not set(mine.words) & set(theirs.words)
    assert not set(mine.bands) & set(theirs.bands)
    with pytest.raises(ValueError, match="32 bytes"):
        Digester(b"short")


def test_digests_are_the_same_on_every_machine_and_release() -> None:
    """What is banked must be found again: changing this empties every bank."""
    found = DIGESTER.text(ADVERT)
    assert found.digest is not None
    assert (found.digest.hex()[:16], found.words[0], found.bands[0]) == GOLDEN


def test_words_survive_their_packing() -> None:
    words = (0, -1, 2**63 - 1, -(2**63))
    assert unpacked(packed(words)) == words
    assert len(packed(words)) == 32


@pytest.mark.parametrize(
    ("a", "b"),
    [
        ("WhatsApp +44 7700 900123", "write 07700 900123"),
        ("WhatsApp +44 7700 900123", "https://wa.me/447700900123"),
        ("see https://www.T.me/Fast_Boats/", "t.me/fast_boats"),
        ("tg: fast.boats", "@Fast.Boats"),
    ],
)
def test_a_contact_is_the_same_however_it_is_written(a: str, b: str) -> None:
    assert contacts(a) == contacts(b)
    assert len(contacts(a)) == 1


def contacts(text: str) -> tuple[bytes, ...]:
    return DIGESTER.contacts(rule_engine().entities(AssessmentInput("1", text, NOW)))


def test_prices_and_places_are_no_contacts() -> None:
    assert contacts("Calais to Dover 1500 euro on Friday") == ()


@pytest.mark.parametrize(
    ("pdq", "quality", "comparable"),
    [("a" * 64, 50, True), ("a" * 64, 49, False), ("", 100, False), ("A" * 64, 100, False)],
)
def test_only_a_picture_with_structure_is_compared(
    pdq: str, quality: int, comparable: bool
) -> None:
    assert may_be_compared(PictureFacts(Result.READ, pdq, quality)) is comparable


@settings(deadline=None, max_examples=300)
@given(st.text(max_size=400))
def test_any_text_has_a_digest_or_no_words(text: str) -> None:
    found = DIGESTER.text(text)
    assert (found.digest is None) == (found.count == 0)
    assert len(found.words) in (0, found.count)


def test_of_the_corpus_only_what_was_changed_a_little_is_taken_for_the_same() -> None:
    """5,000 unrelated texts, and 100 of them again with one word in twelve or fewer changed."""
    texts = [
        json.loads(line)["text"]
        for file in sorted(CORPUS.glob("*/*.ndjson"))
        for line in file.read_text("utf-8").splitlines()
    ]
    long = [text for text in texts if len(text.split()) >= numbers.FEWEST_WORDS][:5_000]
    assert len(long) == 5_000
    chosen = [place for place, text in enumerate(long) if len(folded_words(text)) >= 12][:100]
    again = [_with_one_word_changed(long[place]) for place in chosen]
    matched = _taken_for_the_same([*long, *again])
    expected = {(place, 5_000 + number) for number, place in enumerate(chosen)}
    assert expected <= matched
    for a, b in matched - expected:
        assert fuzz.ratio([*long, *again][a], [*long, *again][b]) >= 80


def _with_one_word_changed(text: str) -> str:
    words = folded_words(text)
    return " ".join([*words[:-1], "otherwise"])


def _taken_for_the_same(texts: list[str]) -> set[tuple[int, int]]:
    digests = [DIGESTER.text(text) for text in texts]
    buckets: dict[tuple[int, int], list[int]] = {}
    pairs = set()
    for place, digest in enumerate(digests):
        for key in enumerate(digest.bands):
            bucket = buckets.setdefault(key, [])
            pairs.update((before, place) for before in bucket)
            bucket.append(place)
    return {
        (a, b) for a, b in pairs
        if could_match(digests[a].count, digests[b].count)
        and similarity(digests[a].words, digests[b].words) >= numbers.NEAR
    }  # fmt: skip


def test_a_digest_costs_no_scientific_library() -> None:
    code = (
        "import sys; from services.classification.bank.digests import Digester;"
        "assert Digester(b'k' * 32).text('one two three four five six seven eight').signature;"
        "assert 'scipy' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)
