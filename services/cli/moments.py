"""Moments on the command line: a time, or how long from now."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import Final

from google.protobuf.timestamp_pb2 import Timestamp

from services.cli.output import Failure

_STEP: Final = re.compile(r"(\d{1,5})([dhms])")
_SECONDS: Final = {"d": 86400, "h": 3600, "m": 60, "s": 1}


def duration(text: str, option: str) -> timedelta:
    """``3d``, ``12h``, ``1d12h``, ``90m``.

    Raises:
        Failure: anything else; the sentence shows how to write it.
    """
    compact = text.strip().lower()
    steps = _STEP.findall(compact)
    if not steps or "".join(number + unit for number, unit in steps) != compact:
        raise Failure(f"{option}: {text!r} is no duration; write 3d, 12h, 1d12h or 90m.")
    return timedelta(seconds=sum(int(number) * _SECONDS[unit] for number, unit in steps))


def moment(text: str, option: str) -> datetime:
    """A date or time of ISO 8601 (UTC where no zone is given), or a duration from now.

    Raises:
        Failure: neither.
    """
    if _STEP.match(text.strip().lower()) and not re.match(r"\d{4}-", text.strip()):
        return datetime.now(UTC) + duration(text, option)
    try:
        found = datetime.fromisoformat(text.strip())
    except ValueError:
        raise Failure(
            f"{option}: {text!r} is no time; write 2026-03-01T18:00Z, or 3d for in three days."
        ) from None
    return found if found.tzinfo is not None else found.replace(tzinfo=UTC)


def stamp(text: str, option: str) -> Timestamp:
    """Like ``moment``, as protobuf takes it."""
    made = Timestamp()
    made.FromDatetime(moment(text, option))
    return made


def one_of(until: str, lasting: str, options: tuple[str, str]) -> Timestamp:
    """The end that was given by exactly one of ``--until`` and ``--for``.

    Raises:
        Failure: both or neither.
    """
    if bool(until) == bool(lasting):
        raise Failure(f"Give {options[0]} or {options[1]}, one of them: a hold always has an end.")
    if until:
        return stamp(until, options[0])
    made = Timestamp()
    made.FromDatetime(datetime.now(UTC) + duration(lasting, options[1]))
    return made
