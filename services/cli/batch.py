"""``takedown referral batch``: many referrals from a file."""

from __future__ import annotations

import json
import uuid
from pathlib import Path
from typing import Annotated, Any, Final

import typer
from google.protobuf import json_format

from services.cli.output import EXIT_REFUSED, Failure, as_json, print_json, run
from services.cli.profile import Profile
from services.cli.referral import DEFAULT_REFERRER, As, Json
from services.kernel.grpc_errors import from_status
from takedown.intake.v1 import referral_service_pb2 as pb
from takedown.intake.v1.referral_service_pb2_grpc import ReferralServiceStub

BATCH: Final = 500
_LINE_KEYS = frozenset(
    {"url", "text", "language", "terms_ground", "legal_grounds", "urgency", "reference",
     "reason", "campaign_id", "test", "departure_time", "request_id", "referrer",
     "departs_in_seconds"}
)  # fmt: skip


def batch_command(
    file: Annotated[Path, typer.Argument(help="NDJSON, one referral a line.")],
    identity: As = DEFAULT_REFERRER,
    json_output: Json = False,
) -> None:
    """Submit many; one result a line, and one bad line spoils no other."""

    async def work() -> int:
        lines = _lines(file)
        refused = 0
        async with Profile.read().channel("intake", identity) as channel:
            stub = ReferralServiceStub(channel)
            for start in range(0, len(lines), BATCH):
                part = lines[start : start + BATCH]
                request = pb.BatchSubmitReferralsRequest(requests=part)
                answer = await stub.BatchSubmitReferrals(request, timeout=60)
                for number, result in enumerate(answer.results, start=start + 1):
                    refused += _show_result(number, result, json_output)
        return refused

    if run(work()):
        raise typer.Exit(EXIT_REFUSED)


def _lines(file: Path) -> list[pb.SubmitReferralRequest]:
    try:
        texts = file.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise Failure(
            f"{file} cannot be read ({type(error).__name__}); name an NDJSON file."
        ) from None
    return [_request(number, text) for number, text in enumerate(texts, start=1) if text.strip()]


def _request(number: int, text: str) -> pb.SubmitReferralRequest:
    try:
        return _read(json.loads(text))
    except (ValueError, KeyError, TypeError, AttributeError, json_format.ParseError) as error:
        raise Failure(f"line {number}: {error}; nothing was submitted.") from None


def _read(line: dict[str, Any]) -> pb.SubmitReferralRequest:
    if unknown := set(line) - _LINE_KEYS:
        raise ValueError(f"unknown keys {sorted(unknown)}")
    named: dict[str, Any] = {
        name: line[name]
        for name in ("reference", "reason", "campaign_id", "test", "departure_time")
        if name in line
    }
    named["request_id"] = line.get("request_id") or str(uuid.uuid4())
    named["terms_ground"] = f"TERMS_GROUND_{line['terms_ground'].upper()}"
    named["urgency"] = f"URGENCY_{line.get('urgency', 'routine').upper()}"
    named["legal_grounds"] = [f"LEGAL_GROUND_{g}" for g in line.get("legal_grounds", ())]
    named["content"] = {n: line.get(n, "") for n in ("url", "text", "language")}
    request = json_format.ParseDict(named, pb.SubmitReferralRequest())
    if "departs_in_seconds" in line:
        request.departure_time.GetCurrentTime()
        request.departure_time.seconds += int(line["departs_in_seconds"])
    return request


def _show_result(number: int, result: pb.BatchSubmitResult, json_output: bool) -> int:
    failed = result.HasField("error")
    if json_output:
        print_json({"line": number, **as_json(result)})
    elif failed:
        error = from_status(result.error)
        typer.echo(f"{number}: refused: {error.message} [{error.reason}]", err=True)
    else:
        disposition = pb.Disposition.Name(result.response.disposition)[len("DISPOSITION_") :]
        typer.echo(f"{number}: {disposition.lower()} {result.response.referral.referral_id}")
    return int(failed)
