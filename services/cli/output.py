"""What the command line prints: tables for people, JSON for programs, errors with a remedy."""

from __future__ import annotations

import asyncio
import json
import re
import sys
from collections.abc import Coroutine, Sequence
from typing import Any, Final, NoReturn, TypeVar

import grpc
import typer
from google.protobuf import json_format
from google.protobuf.message import Message
from rich.console import Console
from rich.table import Table

from services.kernel.errors import DomainError, ErrorKind
from services.kernel.grpc_errors import from_rpc_error

EXIT_REFUSED: Final = 1
EXIT_USAGE: Final = 2
EXIT_UNAVAILABLE: Final = 3
T = TypeVar("T")
_STEERS: Final = re.compile("[\x00-\x09\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")


class Failure(Exception):  # noqa: N818 - it is what a person is told, not a fault
    """Ends the command with a sentence; ``code`` is the exit status."""

    def __init__(self, sentence: str, code: int = EXIT_USAGE) -> None:
        super().__init__(sentence)
        self.code = code


def run(work: Coroutine[Any, Any, T]) -> T:
    """Run a command's work; a refusal becomes a sentence and a non-zero exit."""
    try:
        return asyncio.run(work)
    except grpc.aio.AioRpcError as error:
        refused(from_rpc_error(error))
    except Failure as failure:
        stop(str(failure), failure.code)
    except KeyboardInterrupt:
        raise typer.Exit(130) from None


def refused(error: DomainError) -> NoReturn:
    """Say what was refused, field by field."""
    lines = [f"{v.field}: {v.message} [{v.reason}]" for v in error.violations]
    sentence = "\n".join(lines) or f"{error.message} [{error.reason}]"
    away = error.kind in (ErrorKind.UNAVAILABLE, ErrorKind.DEADLINE_EXCEEDED)
    if away:
        sentence += "\nIs the stack up? `takedown stack status` tells."
    stop(sentence, EXIT_UNAVAILABLE if away else EXIT_REFUSED)


def stop(sentence: str, code: int) -> NoReturn:
    sys.stderr.write(sentence + "\n")
    raise typer.Exit(code)


def as_json(message: Message) -> dict[str, Any]:
    """Protobuf JSON with the field names of the .proto."""
    return dict(json_format.MessageToDict(message, preserving_proto_field_name=True))


def print_json(value: Any) -> None:
    """One line, so that many make NDJSON."""
    sys.stdout.write(json.dumps(value, ensure_ascii=False) + "\n")
    sys.stdout.flush()


def print_table(title: str, columns: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    table = Table(title=title or None)
    for column in columns:
        table.add_column(column, overflow="fold")
    for row in rows:
        table.add_row(*[plain(cell) for cell in row])
    Console(width=None if sys.stdout.isatty() else 140, markup=False, emoji=False).print(table)


def plain(text: str) -> str:
    """Text from outside without what steers a terminal or turns the reading direction."""
    return "".join("\ufffd" if _STEERS.fullmatch(char) else char for char in text)


def word(enum: Any, value: int, prefix: str) -> str:
    """An enum value in words for people."""
    name: str = enum.Name(value)
    short = name.removeprefix(prefix)
    return "" if short == "UNSPECIFIED" else short.replace("_", " ").lower()


def value(enum: Any, prefix: str, text: str, option: str) -> Any:
    """An enum value from what a person typed.

    Raises:
        Failure: not one of them; the sentence lists them.
    """
    try:
        return enum.Value(f"{prefix}{text.upper().replace('-', '_').replace(' ', '_')}")
    except ValueError:
        known = [
            n.removeprefix(prefix).lower() for n, _ in enum.items() if n[-11:] != "UNSPECIFIED"
        ]
        raise Failure(f"{option}: {text!r} is not one of {', '.join(known)}.") from None
