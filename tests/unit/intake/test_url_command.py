"""`takedown url` answers every line, whatever stands in it."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner, Result

from services.cli.url import MAX_LINE_BYTES, url_command
from services.intake.url_refusals import UrlReason

FIELDS = ["url", "ok", "platform", "kind", "content_id", "account", "canonical_url", "reason"]
app = typer.Typer()
app.command("url")(url_command)


def run(*arguments: str, stdin: bytes | None = None) -> Result:
    return CliRunner().invoke(app, list(arguments), input=stdin)


def verdicts(result: Result) -> list[dict[str, object]]:
    return [json.loads(line) for line in result.stdout.splitlines()]


def given_file(folder: Path, content: bytes) -> str:
    path = folder / "urls.ndjson"
    path.write_bytes(content)
    return str(path)


def test_an_accepted_url_exits_0_with_every_field() -> None:
    result = run("--json", "https://m.youtube.com/shorts/dQw4w9WgXcQ?si=x")
    assert result.exit_code == 0
    (line,) = verdicts(result)
    assert list(line) == FIELDS
    assert line == {
        "url": "https://m.youtube.com/shorts/dQw4w9WgXcQ?si=x",
        "ok": True,
        "platform": "youtube",
        "kind": "short",
        "content_id": "dQw4w9WgXcQ",
        "account": "",
        "canonical_url": "https://www.youtube.com/shorts/dQw4w9WgXcQ",
        "reason": "",
    }


def test_a_refused_url_exits_1_with_reason_and_message_and_empty_fields() -> None:
    result = run("--json", "https://faceb00k.com/boats")
    assert result.exit_code == 1
    (line,) = verdicts(result)
    assert line["ok"] is False
    assert str(line["reason"]).startswith("LOOKALIKE_HOST: The host only looks like")
    assert [line[name] for name in FIELDS[2:7]] == [""] * 5


def test_urls_come_first_and_then_the_file_in_order(tmp_path: Path) -> None:
    content = b'{"url": "https://t.me/boats_uk"}\nhttps://x.com/boats\r\n\n  \n{"url": "nowhere"}'
    path = given_file(tmp_path, content)
    result = run("--json", "https://youtu.be/dQw4w9WgXcQ", "--file", path)
    assert result.exit_code == 1
    assert [line["url"] for line in verdicts(result)] == [
        "https://youtu.be/dQw4w9WgXcQ",
        "https://t.me/boats_uk",
        "https://x.com/boats",
        "nowhere",
    ]


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        (b"{", UrlReason.UNPARSABLE),
        (b'{"url": "https://x.com/a"', UrlReason.UNPARSABLE),
        (b'{"url": "https://x.com/\x00a"}', UrlReason.UNPARSABLE),
        (b'{"a":' + b"[" * 100_000, UrlReason.UNPARSABLE),
        (b'{"n": ' + b"9" * 10_000 + b"}", UrlReason.UNPARSABLE),
        (b'{"uri": "https://x.com/a"}', UrlReason.MISSING),
        (b'{"url": 5}', UrlReason.MISSING),
        (b'{"url": null}', UrlReason.MISSING),
        (b'{"url": ""}', UrlReason.MISSING),
        (b'{"url": "https://x.com/\\ud800"}', UrlReason.UNPARSABLE),
        (b"https://x.com/a\x00b", UrlReason.CONTROL_CHARACTERS),
        (b"\x00\x00\x00", UrlReason.CONTROL_CHARACTERS),
        (b"https://x.com/\xff\xfe", UrlReason.UNSUPPORTED_PATH),
        (b"\xff\xfe\xfa", UrlReason.RELATIVE),
        (b'"https://x.com/a"', UrlReason.RELATIVE),
        (b"h" * (MAX_LINE_BYTES * 2), UrlReason.TOO_LONG),
    ],
)
def test_a_bad_line_is_answered_and_the_next_one_is_still_read(
    tmp_path: Path, line: bytes, reason: UrlReason
) -> None:
    path = given_file(tmp_path, line + b"\nhttps://x.com/boats\n")
    result = run("--json", "--file", path)
    assert result.exit_code == 1
    bad, good = verdicts(result)
    assert bad["ok"] is False
    assert str(bad["reason"]).startswith(f"{reason}: ")
    assert good["ok"] is True


def test_a_byte_order_mark_at_the_start_of_a_file_is_no_part_of_the_url(tmp_path: Path) -> None:
    path = given_file(tmp_path, b"\xef\xbb\xbfhttps://x.com/boats\n")
    assert run("--json", "--file", path).exit_code == 0


def test_the_text_output_is_one_line_a_url_and_nothing_a_terminal_obeys(tmp_path: Path) -> None:
    content = b'{"url": "https://x.com/\\u001b[2J\\n\\u202ea"}\nhttps://x.com/boats\n'
    result = run("--file", given_file(tmp_path, content))
    refused, accepted = result.stdout.splitlines()
    assert refused.startswith("refused  ")
    assert all(character.isprintable() for character in refused)
    assert accepted == "ok  https://x.com/boats  x account boats  https://x.com/boats"


def test_standard_input_is_read_for_a_dash() -> None:
    result = run("--json", "--file", "-", stdin=b"https://x.com/boats\n")
    assert result.exit_code == 0
    assert verdicts(result)[0]["account"] == "boats"


@pytest.mark.parametrize("name", ["missing.ndjson", "."])
def test_a_file_that_cannot_be_read_exits_2_and_says_what_to_do(tmp_path: Path, name: str) -> None:
    result = run("--file", str(tmp_path / name))
    assert result.exit_code == 2
    assert result.stdout == ""
    assert "give a file that can be read" in result.stderr


def test_nothing_to_read_exits_2_and_says_what_to_do() -> None:
    result = run()
    assert result.exit_code == 2
    assert "--file" in result.stderr


def test_an_empty_file_is_answered_with_nothing_and_exits_0(tmp_path: Path) -> None:
    result = run("--file", given_file(tmp_path, b""))
    assert (result.exit_code, result.stdout) == (0, "")


def test_the_command_needs_neither_grpc_nor_a_database_to_start() -> None:
    heavy = "{'grpc', 'google.protobuf', 'sqlalchemy', 'temporalio', 'confusable_homoglyphs'}"
    code = f"import sys, services.cli.url; assert not {heavy} & set(sys.modules)"
    root = Path(__file__).parents[3]
    subprocess.run([sys.executable, "-c", code], cwd=root, check=True, timeout=60)
