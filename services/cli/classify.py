"""``takedown classify``: assess texts from a file, without a running stack."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path
from typing import Annotated, Any, BinaryIO, Final, NoReturn

import typer

from services.classification import engines
from services.classification.domain import MAX_TEXT, AssessmentInput, AssessmentResult, Engine

EXIT_REFUSED: Final = 1
EXIT_USAGE: Final = 2
MAX_LINE_BYTES: Final = 1 << 20
MAX_ID: Final = 200
# Lines read ahead: many at once take less time, and each may be of MAX_LINE_BYTES.
_AT_ONCE: Final = 64
_TEXTS: Final = ("id", "text", "language", "url", "kind")


class _RefusedError(ValueError):
    """One line cannot be assessed; the message is a sentence naming field, reason and remedy."""


def classify_command(
    file: Annotated[Path, typer.Argument(help='NDJSON with "id" and "text" in each line.')],
    output: Annotated[Path, typer.Option("--output", "-o", help="Where the results go.")],
) -> None:
    """Assess every line of FILE and write one result a line, in order.

    A line holds id (or reference) and text, and may hold language, url and kind. A line that
    cannot be assessed gets its error in the output, and the exit code is 1 at the end; 2 when a
    file cannot be read or written.
    """
    if not file.is_file():
        _usage(f"{file} is no file; name an NDJSON file with an id and a text a line.")
    if output.exists() and output.samefile(file):
        _usage(f"{output} is the file to be read; name another one for the results.")
    now, bad = datetime.now(UTC), 0
    try:
        # An error's escape is JSON's too: half a character in an id stays what it was.
        target = output.open("w", encoding="utf-8", errors="backslashreplace")
        source = file.open("rb")
    except OSError as error:
        _usage(f"{error.filename} cannot be opened ({error.strerror}); check its name and rights.")
    with source, target:
        model = engines.load()
        lines = _lines(source)
        while group := list(islice(lines, _AT_ONCE)):
            for result in assess_lines(model, group, now):
                bad += "error" in result
                target.write(json.dumps(result, ensure_ascii=False) + "\n")
    if bad:
        typer.echo(f"{bad} lines could not be assessed; their errors stand in {output}.", err=True)
        raise typer.Exit(EXIT_REFUSED)


def _usage(sentence: str) -> NoReturn:
    typer.echo(sentence, err=True)
    raise typer.Exit(EXIT_USAGE)


def _lines(source: BinaryIO) -> Iterator[tuple[int, bytes]]:
    """Number and bytes of each line that is not blank; of a longer line only its beginning."""
    number = 0
    while raw := source.readline(MAX_LINE_BYTES + 1):
        number += 1
        rest = raw
        while len(rest) > MAX_LINE_BYTES and not rest.endswith(b"\n"):
            rest = source.readline(MAX_LINE_BYTES + 1)
        if raw.strip():
            yield number, raw


def assess_lines(
    model: Engine, lines: Sequence[tuple[int, bytes]], now: datetime
) -> Iterator[dict[str, Any]]:
    """The result of each line, or its number, its id where it has one, and its error."""
    read = [_read(raw, number, now) for number, raw in lines]
    results = iter(model.assess_all([one for one in read if isinstance(one, AssessmentInput)]))
    for one in read:
        yield as_line(next(results)) if isinstance(one, AssessmentInput) else one


def _read(raw: bytes, number: int, now: datetime) -> AssessmentInput | dict[str, Any]:
    found: dict[str, str] = {}
    try:
        line = _object(raw)
        found["id"] = line["id"] if isinstance(line.get("id"), str) else ""
        found = _fields(line)
    except _RefusedError as refused:
        return {"id": found.get("id", "")[:MAX_ID], "line": number, "error": str(refused)}
    return AssessmentInput(
        id=found["id"],
        text=found["text"],
        now=now,
        language_hint=found["language"],
        kind=found["kind"].lower(),
    )


def _object(raw: bytes) -> dict[str, Any]:
    if len(raw) > MAX_LINE_BYTES:
        raise _RefusedError(f"The line is longer than {MAX_LINE_BYTES} bytes; shorten it.")
    try:
        line = json.loads(raw.decode("utf-8-sig"))
    except UnicodeDecodeError:
        raise _RefusedError("The line is not UTF-8; convert the file.") from None
    except (ValueError, RecursionError):
        raise _RefusedError("The line is not JSON; write one JSON object a line.") from None
    if not isinstance(line, dict):
        raise _RefusedError("The line is JSON but no object; write one with an id and a text.")
    return line


def _fields(line: dict[str, Any]) -> dict[str, str]:
    found: dict[str, str] = {}
    for name in _TEXTS:
        value = line.get(name)
        if name == "id" and value is None:
            # As in a batch of referrals, whose lines the referrer names by a reference.
            value = line.get("reference")
        if name == "id" and isinstance(value, int):
            value = str(value)
        if value is not None and not isinstance(value, str):
            raise _RefusedError(f"{name} is no text; write it between quotation marks.")
        found[name] = value or ""
    if "text" not in line:
        raise _RefusedError("text is missing; give the words that are to be assessed.")
    if not found["id"] or len(found["id"]) > MAX_ID:
        raise _RefusedError(f"id is missing or too long; give one of 1 to {MAX_ID} characters.")
    if len(found["text"]) > MAX_TEXT:
        raise _RefusedError(f"text is longer than {MAX_TEXT} characters; shorten it.")
    return found


def as_line(result: AssessmentResult) -> dict[str, Any]:
    """One line of output."""
    departure = result.departure_time
    return {
        "id": result.id,
        "label": result.label.value,
        "probability": round(result.probability, 4),
        "speech_act": result.speech_act.value,
        "categories": [category.value for category in result.categories],
        "hooks": [hook.value for hook in result.hooks],
        "languages": [guess.code for guess in result.languages],
        "departure_time": departure.astimezone(UTC).isoformat() if departure else None,
        "decision": result.decision.value,
        "explanation": list(result.explanation),
    }
