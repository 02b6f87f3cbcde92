"""``takedown classify``: assess texts from a file, without a running stack."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any, Final

import typer

from services.classification import engine
from services.classification.domain import MAX_TEXT, AssessmentInput, AssessmentResult, Engine

EXIT_REFUSED: Final = 1
EXIT_USAGE: Final = 2
_TEXTS: Final = ("id", "text", "language", "kind")


def classify_command(
    file: Annotated[Path, typer.Argument(help='NDJSON with "id" and "text" in each line.')],
    output: Annotated[Path, typer.Option("--output", "-o", help="Where the results go.")],
) -> None:
    """Assess every line of FILE and write one result a line; a bad line gets its error."""
    if not file.is_file():
        typer.echo(
            f"{file} is no file; name an NDJSON file with an id and a text a line.", err=True
        )
        raise typer.Exit(EXIT_USAGE)
    model, now, bad = engine.load(), datetime.now(UTC), 0
    try:
        target = output.open("w", encoding="utf-8")
    except OSError as error:
        typer.echo(f"{output} cannot be written ({error.strerror}); name another file.", err=True)
        raise typer.Exit(EXIT_USAGE) from None
    with file.open("rb") as source, target:
        for number, raw in enumerate(source, start=1):
            if not raw.strip():
                continue
            result = _line(model, raw, number, now)
            bad += "error" in result
            target.write(json.dumps(result, ensure_ascii=False) + "\n")
    if bad:
        typer.echo(f"{bad} lines could not be assessed; their errors stand in {output}.", err=True)
        raise typer.Exit(EXIT_REFUSED)


def _line(model: Engine, raw: bytes, number: int, now: datetime) -> dict[str, Any]:
    try:
        line = json.loads(raw.decode("utf-8", "replace"))
        if not isinstance(line, dict) or not isinstance(line.get("text"), str):
            raise ValueError("no object with a text")  # noqa: TRY004 - one kind for every bad line
        found = {name: str(line.get(name) or "") for name in _TEXTS}
        if len(found["text"]) > MAX_TEXT:
            raise ValueError(f"the text is longer than {MAX_TEXT} characters")
    except (ValueError, RecursionError) as error:
        return {"id": "", "line": number, "error": str(error)}
    item = AssessmentInput(
        id=found["id"],
        text=found["text"],
        now=now,
        language_hint=found["language"],
        kind=found["kind"].lower(),
    )
    return as_line(model.assess(item))


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
