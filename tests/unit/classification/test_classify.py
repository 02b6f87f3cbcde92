"""``takedown classify``: a result a line, and an error for a bad one."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from services.cli.classify import MAX_LINE_BYTES
from services.cli.main import build

ADVERT = (
    "Small boat Calais to UK Friday 5am, 1200 per person, kids free, 100% guaranteed,"
    " WhatsApp +44 7700 900123"
)
KEYS = {
    "id", "label", "probability", "speech_act", "categories", "hooks", "languages",
    "departure_time", "decision", "explanation",
}  # fmt: skip


def classify(folder: Path, content: bytes) -> tuple[int, list[dict[str, Any]], str]:
    """Exit code, lines of output, standard error."""
    (folder / "in.ndjson").write_bytes(content)
    answer = CliRunner().invoke(
        build(offline=True), ["classify", str(folder / "in.ndjson"), "-o", str(folder / "out")]
    )
    written = (folder / "out").read_text(encoding="utf-8").splitlines()
    return answer.exit_code, [json.loads(line) for line in written], answer.stderr


def line(**fields: object) -> bytes:
    return json.dumps(fields, ensure_ascii=False).encode() + b"\n"


def test_each_line_gets_its_result_in_order(tmp_path: Path) -> None:
    content = line(id="a", text=ADVERT, kind="post", url="https://example.org/1", language="en")
    content += b"\n" + line(id="b", text="Police arrested two smugglers, a court heard.")
    code, results, _ = classify(tmp_path, content)
    assert code == 0
    assert [result["id"] for result in results] == ["a", "b"]
    assert all(set(result) == KEYS for result in results)
    assert (results[0]["label"], results[0]["decision"]) == ("SMUGGLING_ADVERT", "refer")
    assert results[0]["categories"] == ["small_boat_crossing"]
    assert "child_free" in results[0]["hooks"]
    assert results[0]["languages"] == ["en"]
    assert results[0]["departure_time"].endswith("T05:00:00+00:00")
    assert (results[1]["label"], results[1]["decision"]) == ("NOT_ADVERT", "suggest_reject")


def test_a_batch_of_referrals_is_read_by_its_references(tmp_path: Path) -> None:
    code, results, _ = classify(tmp_path, line(reference="EX-001", text=ADVERT))
    assert code == 0
    assert [result["id"] for result in results] == ["EX-001"]


@pytest.mark.parametrize(
    ("bad", "said"),
    [
        (b"not json\n", "not JSON"),
        (b"[1]\n", "no object"),
        (b"\xff\xfe\n", "not UTF-8"),
        (line(id="x"), "text is missing"),
        (line(text="boat"), "id is missing"),
        (line(id="x", text=["boat"]), "text is no text"),
        (line(id="x", text="a" * 20_001), "longer than 20000"),
        (b"[" * 100_000 + b"\n", "not JSON"),
        (b'{"id": "x", "text": "' + b"a" * MAX_LINE_BYTES + b'"}\n', "longer than"),
    ],
)
def test_a_bad_line_gets_its_error_and_spoils_no_other(
    tmp_path: Path, bad: bytes, said: str
) -> None:
    code, results, told = classify(tmp_path, bad + line(id="good", text=ADVERT))
    assert code == 1
    assert said in results[0]["error"]
    assert results[0]["line"] == 1
    assert results[1]["id"] == "good"
    assert "1 lines could not be assessed" in told


def test_a_refused_line_keeps_its_id(tmp_path: Path) -> None:
    _, results, _ = classify(tmp_path, line(id="x7", text=5))
    assert results[0]["id"] == "x7"


def test_half_a_character_is_written_as_it_came(tmp_path: Path) -> None:
    code, results, _ = classify(tmp_path, b'{"id": "\\ud800", "text": "boat \\ud83d to UK"}\n')
    assert code == 0
    assert results[0]["id"] == "\ud800"


def test_a_missing_file_is_said_in_a_sentence(tmp_path: Path) -> None:
    answer = CliRunner().invoke(
        build(offline=True), ["classify", str(tmp_path / "none"), "-o", str(tmp_path / "out")]
    )
    assert answer.exit_code == 2
    assert "is no file" in answer.stderr
    assert not (tmp_path / "out").exists()


def test_the_input_is_never_overwritten(tmp_path: Path) -> None:
    file = tmp_path / "in.ndjson"
    file.write_bytes(line(id="a", text=ADVERT))
    answer = CliRunner().invoke(build(offline=True), ["classify", str(file), "-o", str(file)])
    assert answer.exit_code == 2
    assert json.loads(file.read_text(encoding="utf-8"))["id"] == "a"


def test_an_output_that_cannot_be_written_is_said_in_a_sentence(tmp_path: Path) -> None:
    file = tmp_path / "in.ndjson"
    file.write_bytes(line(id="a", text=ADVERT))
    answer = CliRunner().invoke(
        build(offline=True), ["classify", str(file), "-o", str(tmp_path / "no" / "out")]
    )
    assert answer.exit_code == 2
    assert "cannot be opened" in answer.stderr
