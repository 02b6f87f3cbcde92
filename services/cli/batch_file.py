"""The file of ``takedown referral batch``: NDJSON, one referral a line.

``docs/examples/referrals.ndjson`` is one; the demo reads it with this module too.
"""

from __future__ import annotations

import json
import uuid
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

from google.protobuf import json_format

from services.cli.output import Failure
from takedown.intake.v1 import referral_service_pb2 as pb

_CONTENT: Final = ("url", "text", "language")
_AS_THEY_ARE: Final = ("reference", "reason", "campaign_id", "test", "departure_time")
_KEYS: Final = frozenset(
    {*_CONTENT, *_AS_THEY_ARE, "terms_ground", "legal_grounds", "urgency", "request_id",
     "referrer", "departs_in_seconds", "hold"}
)  # fmt: skip
_HOLD_KEYS: Final = frozenset({"reason", "note", "expire_time", "seconds"})


@dataclass(frozen=True)
class Line:
    """A line as a request, and the referrer whom it names, if it names one."""

    number: int
    referrer: str
    request: pb.SubmitReferralRequest


def read(file: Path) -> list[Line]:
    """Every line of ``file`` that is not blank.

    Raises:
        Failure: the file cannot be read, or a line is none; the sentence names the line.
    """
    try:
        texts = file.read_text(encoding="utf-8").split("\n")
    except (OSError, UnicodeDecodeError) as error:
        raise Failure(
            f"{file} cannot be read ({type(error).__name__}); name an NDJSON file."
        ) from None
    return [_line(number, text) for number, text in enumerate(texts, start=1) if text.strip()]


def _line(number: int, text: str) -> Line:
    try:
        found = json.loads(text)
        _refuse_unknown("", found, _KEYS)
        return Line(number, str(found.get("referrer", "")), request_of(found))
    except KeyError as error:
        raise Failure(f"line {number}: {error} is missing; nothing was submitted.") from None
    except (
        ValueError, TypeError, AttributeError, OverflowError, json_format.ParseError,
    ) as error:  # fmt: skip
        raise Failure(f"line {number}: {error}; nothing was submitted.") from None


def request_of(line: dict[str, Any]) -> pb.SubmitReferralRequest:
    """The request that a line stands for; what has no ``request_id`` gets a new one.

    Raises:
        KeyError: it has no ``terms_ground``, or its hold no reason or no end.
        ValueError, TypeError, AttributeError, json_format.ParseError: a value that is none.
    """
    named: dict[str, Any] = {name: line[name] for name in _AS_THEY_ARE if name in line}
    named["request_id"] = line.get("request_id") or str(uuid.uuid4())
    named["terms_ground"] = _enum("TERMS_GROUND", line["terms_ground"])
    named["urgency"] = _enum("URGENCY", line.get("urgency", "routine"))
    named["legal_grounds"] = [
        _enum("LEGAL_GROUND", ground) for ground in line.get("legal_grounds", ())
    ]
    named["content"] = {name: line.get(name, "") for name in _CONTENT}
    if "departs_in_seconds" in line:
        named["departure_time"] = _from_now(line["departs_in_seconds"])
    if "hold" in line:
        named["hold"] = _hold(line["hold"])
    return json_format.ParseDict(named, pb.SubmitReferralRequest())


def _hold(found: dict[str, Any]) -> dict[str, Any]:
    """A hold that begins with the submission; it ends at ``expire_time`` or in ``seconds``."""
    _refuse_unknown("hold.", found, _HOLD_KEYS)
    if ("expire_time" in found) == ("seconds" in found):
        raise ValueError("hold: give expire_time or seconds, one of them: a hold has an end")
    return {
        "reason": _enum("HOLD_REASON", found["reason"]),
        "note": found.get("note", ""),
        "expire_time": found.get("expire_time") or _from_now(found["seconds"]),
    }


def _enum(kind: str, word: str) -> str:
    """A value's name in the protocol; like the command line's options it may have hyphens."""
    return f"{kind}_{word.upper().replace('-', '_')}"


def _refuse_unknown(within: str, found: dict[str, Any], known: frozenset[str]) -> None:
    if unknown := found.keys() - known:
        raise ValueError(f"unknown keys {sorted(within + name for name in unknown)}")


def _from_now(seconds: float) -> str:
    return (datetime.now(UTC) + timedelta(seconds=seconds)).isoformat()
