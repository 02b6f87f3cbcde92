"""The process that looks at pictures: what it reads and refuses, and what is told of both."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio
from PIL import Image

from services.classification.pictures import pdq
from services.classification.pictures.facts import PictureFacts, Result
from services.classification.pictures.reader import FAILED, PictureReader
from takedown.classification.v1 import classification_service_pb2 as pb
from takedown.referral.v1 import assessment_pb2
from takedown.referral.v1 import enums_pb2 as enums
from tests.fakes.pictures import drawn, encoded, header_only
from tests.fakes.pki import Pki
from tests.integration.classification.pictures import (
    BLANK,
    PATIENT,
    PICTURE,
    beside,
    reading,
    without,
)
from tests.integration.classification.test_service import ADVERT, serving

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def reader() -> AsyncIterator[PictureReader]:
    """One for the module: models take seconds to load."""
    async with reading(path="/nowhere") as shared:
        yield shared


async def test_text_in_a_picture_is_read(reader: PictureReader) -> None:
    (facts,) = await reader.read([PICTURE])
    assert facts.result is Result.READ
    assert facts.text.splitlines() == [
        "Boat to UK tonight,", "children free,", "WhatsApp 07700 900123",
    ]  # fmt: skip
    assert facts.reader.startswith("rapidocr ")
    assert facts.pdq_quality > 50


async def test_that_arabic_script_is_not_looked_for_is_told(
    pki: Pki, reader: PictureReader
) -> None:
    (facts,) = await reader.read([BLANK])
    assert facts.why == "Arabic script was not looked for (tesseract is not installed)"
    async with serving(pki, pictures=reader) as stub:
        answer = await stub.Assess(asked(ADVERT, BLANK), timeout=60)
    assert f"In the pictures {facts.why}." in answer.assessment.warnings


@pytest.mark.parametrize(
    ("lines", "letters"),
    [
        (["Traversée garantie,", "enfants gratuits, été"], "ééé"),
        (["İngiltere'ye tekne,", "çocuklar ücretsiz, şoför"], "çüşö"),
        (["Udhëtim në Angli,", "fëmijët falas, çmim"], "ëëëëç"),
    ],
)
async def test_marked_letters_of_the_languages_are_read(
    reader: PictureReader, lines: list[str], letters: str
) -> None:
    (facts,) = await reader.read([encoded(drawn(lines))])
    assert "".join(c for c in facts.text if c in "éçüşöë") == letters


async def test_a_copy_of_a_picture_is_known_by_its_hash(reader: PictureReader) -> None:
    copy = encoded(drawn().resize((512, 288)), "JPEG", quality=55)
    one, other = await reader.read([PICTURE, copy])
    assert pdq.distance(one.pdq, other.pdq) <= pdq.SAME
    assert other.result is Result.READ


async def test_what_is_no_picture_costs_nothing_and_the_next_is_read(reader: PictureReader) -> None:
    await reader.read([BLANK])
    before = reader.child_pid
    found = await reader.read([b"", b"no picture", header_only(20_000, 20_000), PICTURE[:-3000]])
    assert [facts.result for facts in found] == [
        Result.NOT_A_PICTURE, Result.NOT_A_PICTURE, Result.TOO_COSTLY, Result.NOT_A_PICTURE,
    ]  # fmt: skip
    (too_long,) = await reader.read([bytes((1 << 20) + 1)])
    assert too_long.result is Result.TOO_COSTLY
    (blank,) = await reader.read([BLANK])
    assert (blank.result, blank.text) == (Result.READ, "")
    assert reader.child_pid == before


async def test_as_many_pixels_as_may_be_are_within_the_memory(reader: PictureReader) -> None:
    """A few kilobytes that become a hundred megabytes, the largest of each kind."""
    for mode in ("RGBA", "L"):
        (facts,) = await reader.read([encoded(Image.new(mode, (5_000, 5_000)), "PNG")])
        assert facts.result is Result.READ
        assert facts.pdq


async def test_the_child_has_given_up_what_it_does_not_need(reader: PictureReader) -> None:
    await reader.read([BLANK])
    process = Path(f"/proc/{reader.child_pid}")
    environment = process.joinpath("environ").read_bytes().decode().split("\0")
    names = {line.partition("=")[0] for line in environment if line}
    assert names == {"PYTHONPATH", "PATH", "LC_ALL", "OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"}
    limits = {
        line[:26].strip(): line[26:].split()[:2]
        for line in process.joinpath("limits").read_text("ascii").splitlines()
    }
    assert limits["Max file size"] == ["0", "0"]
    assert limits["Max core file size"] == ["0", "0"]
    assert limits["Max processes"] == ["0", "0"]
    assert limits["Max address space"] == [str(PATIENT.memory)] * 2
    assert limits["Max cpu time"][0] != "unlimited"
    assert "NoNewPrivs:\t1" in process.joinpath("status").read_text("ascii")
    files = [os.readlink(link) for link in process.joinpath("fd").iterdir()]
    assert all(name.startswith(("pipe:", "socket:", "/dev/null")) for name in files)


async def test_without_the_extra_pictures_are_not_read_and_that_is_told() -> None:
    async with reading(command=without("PIL")) as bare:
        assert await bare.read([PICTURE]) == [
            PictureFacts(Result.NOT_READ, why="the extra 'pictures' is not installed")
        ]


async def test_without_the_reader_of_text_pictures_are_still_compared() -> None:
    async with reading(command=without("rapidocr"), path="/nowhere") as bare:
        (facts,) = await bare.read([PICTURE])
        (none,) = await bare.read([b"no picture"])
    assert (facts.result, facts.text, facts.reader) == (Result.NOT_READ, "", "")
    assert "not installed" in facts.why
    assert len(facts.pdq) == 64
    assert none.result is Result.NOT_A_PICTURE


async def test_arabic_letters_are_read_where_tesseract_has_them(tesseract: Path) -> None:
    async with reading(command=without("rapidocr"), path=beside(tesseract)) as alone:
        (facts,) = await alone.read([PICTURE])
    assert (facts.result, facts.text) == (Result.READ, "قارب إلى بريطانيا\nlatin")
    assert (facts.reader, facts.why) == ("tesseract 5.3.0 (ara, fas)", "")


async def test_latin_and_arabic_letters_are_read_beside_each_other(tesseract: Path) -> None:
    async with reading(path=beside(tesseract)) as both:
        (facts,) = await both.read([PICTURE])
    assert facts.text.splitlines() == [
        "Boat to UK tonight,", "children free,", "WhatsApp 07700 900123", "قارب إلى بريطانيا",
    ]  # fmt: skip
    assert (facts.reader.split()[0], facts.why) == ("rapidocr", "")
    assert facts.reader.endswith(" and tesseract 5.3.0 (ara, fas)")


async def test_a_tesseract_that_fails_fails_the_picture_and_not_the_service(
    tesseract: Path,
) -> None:
    program = tesseract / "tesseract"
    program.write_text(program.read_text("utf-8").replace("grep -q P6", "grep -q P9"), "utf-8")
    async with reading(command=without("rapidocr"), path=beside(tesseract)) as failing:
        (facts,) = await failing.read([PICTURE])
    assert (facts.result, facts.why) == (Result.NOT_READ, FAILED)


def asked(text: str, *contents: bytes, item_id: str = "p") -> pb.AssessRequest:
    pictures = [pb.Picture(content=content) for content in contents]
    return pb.AssessRequest(
        item_id=item_id, text=text, kind=enums.CONTENT_KIND_POST, pictures=pictures
    )


def results(assessment: assessment_pb2.Assessment) -> list[str]:
    names = [enums.PictureResult.Name(picture.result) for picture in assessment.pictures]
    return [name.removeprefix("PICTURE_RESULT_") for name in names]


async def test_an_advert_in_a_picture_is_found_and_is_a_persons(
    pki: Pki, reader: PictureReader
) -> None:
    async with serving(pki, pictures=reader) as stub:
        answer = await stub.Assess(asked("", PICTURE), timeout=60)
    found = answer.assessment
    assert found.picture_text.startswith("Boat to UK tonight,")
    assert results(found) == ["READ"]
    assert len(found.pictures[0].pdq) == 64
    assert found.pictures[0].reader.startswith("rapidocr ")
    assert found.speech_act == enums.SPEECH_ACT_OFFER
    assert enums.HOOK_CHILD_FREE in found.hooks
    assert found.decision == enums.ASSESSMENT_DECISION_REVIEW
    whole = f"\n{found.picture_text}"
    phones = [e for e in found.entities if e.kind == enums.ENTITY_KIND_PHONE]
    assert [whole[e.start : e.end] for e in phones] == ["07700 900123"]


async def test_a_clear_text_is_referred_beside_a_picture_that_cannot_be_read(
    pki: Pki, reader: PictureReader
) -> None:
    async with serving(pki, pictures=reader) as stub:
        answer = await stub.Assess(asked(ADVERT, BLANK, b"none"), timeout=60)
    found = answer.assessment
    assert found.decision == enums.ASSESSMENT_DECISION_REFER
    assert results(found) == ["READ", "NOT_A_PICTURE"]
    assert [w for w in found.warnings if w.startswith("One of 2 pictures could not be read")]


async def test_pictures_of_a_batch_are_bounded_and_stay_with_their_items(
    pki: Pki, reader: PictureReader
) -> None:
    batch = [asked("", item_id="")]
    batch += [asked("", BLANK, b"x", item_id=str(number)) for number in range(11)]
    async with serving(pki, pictures=reader) as stub:
        answer = await stub.BatchAssess(pb.BatchAssessRequest(requests=batch), timeout=60)
    assert answer.results[0].HasField("error")
    found = [results(result.assessment) for result in answer.results[1:]]
    assert found == [["READ", "NOT_A_PICTURE"]] * 10 + [["TOO_COSTLY", "TOO_COSTLY"]]
    assert any("first 20 pictures" in w for w in answer.results[-1].assessment.warnings)
