"""``takedown referral batch``: many referrals from a file."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AsyncExitStack
from itertools import groupby
from pathlib import Path
from typing import Annotated, Final

import typer

from services.cli.batch_file import Line, read
from services.cli.output import EXIT_REFUSED, Failure, as_json, print_json, run
from services.cli.profile import Profile
from services.cli.referral import DEFAULT_REFERRER, Json
from services.kernel.grpc_errors import from_status
from takedown.intake.v1 import referral_service_pb2 as pb
from takedown.intake.v1.referral_service_pb2_grpc import ReferralServiceStub

BATCH: Final = 500


def batch_command(
    file: Annotated[Path, typer.Argument(help="NDJSON, one referral a line.")],
    identity: Annotated[
        str, typer.Option("--as", help="Who to be; else each line's referrer, else nca.")
    ] = "",
    json_output: Json = False,
) -> None:
    """Submit many; one result a line, and one bad line spoils no other."""

    async def work() -> int:
        profile = Profile.read()
        parts = list(_parts(read(file), identity))
        refused = 0
        async with AsyncExitStack() as opened:
            # All of them first: an identity that is not there refuses the file, not half of it.
            stubs = {
                name: ReferralServiceStub(
                    await opened.enter_async_context(profile.channel("intake", name))
                )
                for name in dict.fromkeys(name for name, _ in parts)
            }
            for name, part in parts:
                request = pb.BatchSubmitReferralsRequest(requests=[line.request for line in part])
                answer = await stubs[name].BatchSubmitReferrals(request, timeout=60)
                for line, result in zip(part, answer.results, strict=True):
                    refused += _show_result(line.number, result, json_output)
        return refused

    if run(work()):
        raise typer.Exit(EXIT_REFUSED)


def _parts(lines: list[Line], identity: str) -> Iterator[tuple[str, list[Line]]]:
    """The lines in order, in runs of one submitter each and of one call's size at most."""
    for name, found in groupby(lines, key=lambda line: _submitter(line, identity)):
        run_of_one = list(found)
        for start in range(0, len(run_of_one), BATCH):
            yield name, run_of_one[start : start + BATCH]


def _submitter(line: Line, identity: str) -> str:
    """Who submits a line.

    Raises:
        Failure: it names another than the one that was asked for.
    """
    named = f"referrer/{line.referrer}" if line.referrer else ""
    if named and identity and named != identity:
        raise Failure(
            f"line {line.number}: it is of {named}, not of {identity}; leave --as away, or take"
            " the line's referrer out. Nothing was submitted."
        )
    return identity or named or DEFAULT_REFERRER


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
