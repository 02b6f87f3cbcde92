"""Pictures without a process: hashes, decoding of hostile bytes, and what pictures may decide."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from services.classification import engines
from services.classification.domain import MAX_TEXT, AssessmentInput, Decision
from services.classification.pictures import decoding, facts, frames, pdq
from services.classification.pictures.facts import PictureFacts, Result
from tests.fakes.pictures import drawn, encoded, header_only
from tests.unit.classification.corpus import NOW

ADVERT = (
    "Small boat Calais to UK Friday 5am, 1200 per person, kids free, 100% guaranteed,"
    " WhatsApp +44 7700 900123"
)
ENGINES = [engines.load("rules"), engines.load("fast")]
# (height, width, seed) and what pdqhash 0.2.8, the reference code's binding, makes of it.
REFERENCE = [
    ((512, 512, 1), "87e10fe11fe13fc17fc1ff81ff01ff01fc03f803e0030007000f001f00ffffff", 100),
    ((300, 420, 2), "b9cc739ce79cef1c8e3c3c787878f0f8e1f087e00fe17f81ff01f0030007007f", 100),
    ((64, 64, 3), "097de5363181314635493e1e2591afde59693556758937566a29dd565555aaaa", 17),
    ((97, 511, 4), "5aab95692b4bd555aab555aabb4a66d28db67326cccc199ce63810f0efc0f801", 100),
    ((40, 33, 5), "9849ae27276008730295f8ef197c57931494a51b4141319f2555b3bf45f567ff", 12),
]


def pattern(height: int, width: int, seed: int) -> Any:
    y, x = np.mgrid[0:height, 0:width]
    waves = [
        (np.sin(x / (7 + seed) + k) + np.cos(y / (5 + seed) - k * seed)
         + np.sin(x * y / (900 + 90 * k * seed))) / 6 + 0.5
        for k in range(3)
    ]  # fmt: skip
    return (np.stack(waves, axis=-1) * 255).astype(np.uint8)


@pytest.mark.parametrize(("shape", "expected", "quality"), REFERENCE)
def test_the_hash_is_that_of_the_reference_code(
    shape: tuple[int, int, int], expected: str, quality: int
) -> None:
    found, good = pdq.compute(pattern(*shape))
    # Sums of 32 and of 64 bits may differ in a bit that lies on the median.
    assert pdq.distance(found, expected) <= 2
    assert good == quality


def hashed(content: bytes) -> str:
    return pdq.compute(decoding.decode(content).compared)[0]


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP", "GIF"])
def test_a_picture_stays_the_same_when_it_is_encoded_and_sized_anew(kind: str) -> None:
    image = drawn()
    copy = encoded(image.resize((431, 243)), kind, **({"quality": 60} if kind == "JPEG" else {}))
    assert pdq.distance(hashed(encoded(image)), hashed(copy)) <= pdq.SAME
    other = hashed(encoded(drawn(["Lost cat", "please call"], (480, 480)).rotate(90)))
    assert pdq.distance(hashed(encoded(image)), other) > pdq.SAME


def test_what_is_too_small_to_compare_has_no_hash() -> None:
    assert pdq.compute(np.zeros((4, 900, 3), np.uint8)) == ("", 0)


@given(st.binary(max_size=300))
def test_random_bytes_are_no_picture(content: bytes) -> None:
    with pytest.raises(decoding.UndecodableError):
        decoding.decode(content)


@given(
    st.sampled_from(["PNG", "JPEG", "WEBP", "GIF"]),
    st.lists(st.tuples(st.integers(0, 10_000), st.integers(0, 255)), min_size=1, max_size=8),
)
def test_a_damaged_picture_is_decoded_or_refused(kind: str, damage: list[tuple[int, int]]) -> None:
    content = bytearray(encoded(drawn(["x"], (40, 30)), kind))
    for place, value in damage:
        content[place % len(content)] = value
    with suppress(decoding.UndecodableError):
        assert decoding.decode(bytes(content)).compared.shape[2] == 3


@pytest.mark.parametrize(
    ("content", "result"),
    [
        (header_only(20_000, 20_000), Result.TOO_COSTLY),
        (header_only(5_001, 5_000), Result.TOO_COSTLY),
        (header_only(2_000_000_000, 1), Result.TOO_COSTLY),
        (header_only(100, 100), Result.NOT_A_PICTURE),
        (encoded(drawn(), "JPEG")[:-2000], Result.NOT_A_PICTURE),
        (encoded(drawn(), "BMP"), Result.NOT_A_PICTURE),
        (encoded(drawn(), "TIFF"), Result.NOT_A_PICTURE),
        (b"<svg xmlns='http://www.w3.org/2000/svg'/>", Result.NOT_A_PICTURE),
        (b"%PDF-1.7", Result.NOT_A_PICTURE),
    ],
)
def test_what_is_no_picture_or_too_large_is_refused(content: bytes, result: Result) -> None:
    with pytest.raises(decoding.UndecodableError) as refused:
        decoding.decode(content)
    assert refused.value.result is result


def test_of_an_animation_the_first_frame_counts() -> None:
    first, second = drawn(), drawn(["another"], (640, 360)).rotate(180)
    moving = encoded(first, "GIF", save_all=True, append_images=[second] * 3)
    assert pdq.distance(hashed(moving), hashed(encoded(first))) <= pdq.SAME


def test_letters_on_a_see_through_ground_are_read_on_white() -> None:
    image = Image.new("RGBA", (100, 60), (0, 0, 0, 0))
    legible = decoding.decode(encoded(image)).legible
    assert legible is not None
    assert legible.min() == 255


def test_a_picture_is_read_in_a_bounded_size() -> None:
    legible = decoding.decode(encoded(Image.new("L", (4_000, 3_000)), "JPEG")).legible
    assert legible is not None
    assert max(legible.shape) == decoding.READ_SIDE
    assert decoding.decode(encoded(Image.new("L", (3, 900)))).legible is None


READ = PictureFacts(Result.READ, text="tonight", reader="r")


@pytest.mark.parametrize(
    ("pictures", "told"),
    [
        ([READ, READ], []),
        ([PictureFacts(Result.NOT_A_PICTURE)],
         ["The picture could not be read: it is no picture (no whole JPEG, PNG, WebP or GIF)."]),
        ([READ, PictureFacts(Result.TOO_COSTLY)],
         ["One of 2 pictures could not be read: reading it takes more time, memory or pixels than "
          "it may."]),
        ([PictureFacts(Result.NOT_READ)] * 2,
         ["2 of 2 pictures could not be read: the extra 'pictures' is not installed."]),
        ([replace(READ, why="Arabic script was not looked for")] * 2,
         ["In the pictures Arabic script was not looked for."]),
        ([PictureFacts(Result.NOT_READ, why="it is night")],
         ["The picture could not be read: it is night."]),
    ],
)  # fmt: skip
def test_what_was_not_read_is_told_in_english(
    pictures: list[PictureFacts], told: list[str]
) -> None:
    assert facts.warnings(pictures) == told


@pytest.mark.parametrize("beside", [0, 100, MAX_TEXT - 3, MAX_TEXT])
def test_the_text_of_pictures_never_makes_a_text_too_long(beside: int) -> None:
    long = replace(READ, text="x" * facts.MAX_PICTURE_TEXT)
    found, cut = facts.text([long] * 5, beside)
    item = AssessmentInput("1", "y" * beside, NOW, picture_text=found)
    assert len(item.whole) <= MAX_TEXT
    assert cut
    assert any("cut" in warning for warning in facts.warnings([long], cut))


@pytest.mark.parametrize("engine", ENGINES, ids=lambda e: e.describe().engine)
class TestWhatPicturesMayDecide:
    @pytest.mark.parametrize("text", ["", "  ", ":)", "look at this"])
    def test_words_read_in_a_picture_are_never_more_than_a_persons(
        self, engine: Any, text: str
    ) -> None:
        item = AssessmentInput("1", text, NOW, kind="post", picture_text=ADVERT)
        result = engine.assess(item)
        assert result.probability > 0.85
        assert result.decision is Decision.REVIEW
        assert "picture" in result.explanation[-1]

    def test_a_clear_text_is_referred_beside_a_picture(self, engine: Any) -> None:
        for item in (
            AssessmentInput("1", ADVERT, NOW, kind="post", picture_text="boat uk"),
            AssessmentInput("1", ADVERT, NOW, kind="post", unread_pictures=True),
        ):
            assert engine.assess(item).decision is Decision.REFER

    def test_a_picture_can_speak_against_a_referral(self, engine: Any) -> None:
        news = "BBC News: police arrested the smuggler who posted this, a court heard"
        item = AssessmentInput("1", ADVERT, NOW, kind="post", picture_text=news)
        assert engine.assess(item).decision is not Decision.REFER

    def test_what_nobody_could_read_is_not_suggested_for_rejection(self, engine: Any) -> None:
        text = "Police said smugglers advertise boat crossings to the UK with 'kids go free'."
        item = AssessmentInput("1", text, NOW, kind="post")
        assert engine.assess(item).decision is Decision.SUGGEST_REJECT
        unread = engine.assess(replace(item, unread_pictures=True))
        assert unread.decision is Decision.REVIEW
        assert "could not be read" in unread.explanation[-1]

    def test_offsets_count_text_line_break_and_pictures(self, engine: Any) -> None:
        item = AssessmentInput("1", "hello there", NOW, picture_text="WhatsApp +44 7700 900123")
        phone = next(e for e in engine.assess(item).entities if e.kind == "phone")
        assert item.whole == "hello there\nWhatsApp +44 7700 900123"
        assert item.whole[phone.start : phone.end] == "+44 7700 900123"


@given(st.text(max_size=60))
def test_every_text_passes_through_the_protocol(text: str) -> None:
    sent = frames.Read(result=Result.READ, text=text).model_dump_json().encode("utf-8")
    assert frames.Read.model_validate_json(sent).text == text


def test_the_longest_text_fits_into_an_answer() -> None:
    text = "\U0001f6a4" * facts.MAX_PICTURE_TEXT
    sent = frames.Read(result=Result.READ, text=text).model_dump_json().encode("utf-8")
    assert len(sent) <= frames.MAX_ANSWER
    assert len(frames.Read(result=Result.READ, text="\x00" * len(text)).model_dump_json()) <= (
        frames.MAX_ANSWER
    )
