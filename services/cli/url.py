"""``takedown url``: what a URL would be taken for, without a running stack."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Iterator
from contextlib import AbstractContextManager, nullcontext
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Annotated, BinaryIO, Final, NoReturn

import typer

from services.intake.canonical import canonicalise
from services.intake.url_refusals import UrlReason, UrlRefused

MAX_LINE_BYTES: Final = 1 << 20
SHOWN_CHARACTERS: Final = 2048
EXIT_REFUSED: Final = 1
EXIT_USAGE: Final = 2
STANDARD_INPUT: Final = Path("-")


@dataclass(frozen=True, slots=True)
class Verdict:
    """One line of output; absent values are "", and ``reason`` is "" for an accepted URL."""

    url: str
    ok: bool
    platform: str = ""
    kind: str = ""
    content_id: str = ""
    account: str = ""
    canonical_url: str = ""
    reason: str = ""

    def as_json(self) -> str:
        """The line as JSON, in ASCII so that any terminal or file can hold it."""
        return json.dumps(asdict(self))

    def as_text(self) -> str:
        """The line for a person, with everything unprintable written out."""
        shown = _printable(self.url)
        if not self.ok:
            return f"refused  {shown}  {self.reason}"
        name = self.content_id or self.account
        return f"ok  {shown}  {self.platform} {self.kind} {_printable(name)}  {self.canonical_url}"


def url_command(
    urls: Annotated[list[str] | None, typer.Argument(help="URLs to look at.")] = None,
    file: Annotated[
        Path | None,
        typer.Option("--file", help='One URL a line, or NDJSON with "url"; "-" reads stdin.'),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object a line.")] = False,
) -> None:
    """Say what each URL names: platform, kind, id, account and canonical URL, one line each.

    URLs come first, then the file's; blank lines of the file are passed over. Exit code 0 when
    every URL names content, 1 when one does not, 2 when there is nothing to read.
    """
    if not urls and file is None:
        _usage("Give at least one URL, or a file of them with --file.")
    refused = 0
    for verdict in _verdicts(urls or [], file):
        refused += not verdict.ok
        typer.echo(verdict.as_json() if as_json else _encodable(verdict.as_text()))
    raise typer.Exit(EXIT_REFUSED if refused else 0)


def _usage(sentence: str) -> NoReturn:
    typer.echo(sentence, err=True)
    raise typer.Exit(EXIT_USAGE)


def _verdicts(urls: Iterable[str], file: Path | None) -> Iterator[Verdict]:
    for url in urls:
        yield judge(url)
    if file is None:
        return
    with _opened(file) as stream:
        for line in _lines(stream):
            yield judge_line(line)


def _opened(file: Path) -> AbstractContextManager[BinaryIO]:
    if file == STANDARD_INPUT:
        return nullcontext(sys.stdin.buffer)
    try:
        return file.open("rb")
    except OSError as error:
        shown = _printable(str(file))
        _usage(f"Cannot read {shown} ({error.strerror}); give a file that can be read.")


def judge(url: str) -> Verdict:
    """What one URL names, or why it is refused."""
    try:
        content = canonicalise(url)
    except UrlRefused as refusal:
        return _refused(url, refusal.reason, refusal.message)
    return Verdict(
        url,
        True,
        content.platform,
        content.kind,
        content.content_id,
        content.account,
        content.canonical_url,
    )


def judge_line(line: str) -> Verdict:
    """What a line of a file names: a JSON object with ``url``, or the URL itself."""
    if len(line) > MAX_LINE_BYTES:
        return _refused(line, UrlReason.TOO_LONG, "The line is longer than a URL can be.")
    if not line.lstrip(" ").startswith("{"):
        return judge(line)
    try:
        record = json.loads(line)
    except (ValueError, RecursionError):
        return _refused(line, UrlReason.UNPARSABLE, "The line is not valid JSON; correct it.")
    url = record.get("url")
    if not isinstance(url, str):
        return _refused(line, UrlReason.MISSING, 'The line has no text under "url"; add it.')
    return judge(url)


def _refused(url: str, reason: UrlReason, message: str) -> Verdict:
    return Verdict(url[:SHOWN_CHARACTERS], False, reason=f"{reason}: {message}")


def _lines(stream: BinaryIO) -> Iterator[str]:
    """The file's lines that hold anything; one over the limit is cut there and the rest skipped.

    Bytes that are not UTF-8 become replacement characters, which no identity contains.
    """
    first = True
    while chunk := stream.readline(MAX_LINE_BYTES + 1):
        whole = chunk
        while not chunk.endswith(b"\n") and (chunk := stream.readline(MAX_LINE_BYTES)):
            pass
        text = whole.decode("utf-8-sig" if first else "utf-8", errors="replace")
        first = False
        text = text.removesuffix("\n").removesuffix("\r")
        if text.strip(" "):
            yield text


def _printable(text: str) -> str:
    """Nothing that a terminal would obey, and no line break: one line stays one line."""
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)


def _encodable(text: str) -> str:
    """The text as far as the terminal's encoding goes, the rest written out."""
    encoding = getattr(sys.stdout, "encoding", None) or "utf-8"
    return text.encode(encoding, errors="backslashreplace").decode(encoding)
