"""``takedown signal``: content that was decided on before. Kept as digests: no text is shown."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from services.cli.casework import DEFAULT_OPERATOR, RequestId, new_id, who
from services.cli.output import as_json, print_json, print_table, run, value, word
from services.cli.profile import Profile
from services.cli.referral import DEADLINE, As, Json
from takedown.classification.v1 import signal_bank_service_pb2 as pb
from takedown.classification.v1.signal_bank_service_pb2_grpc import SignalBankServiceStub
from takedown.referral.v1 import enums_pb2 as enums

app = typer.Typer(no_args_is_help=True, help="Content that was decided on before.")
Test = Annotated[bool, typer.Option("--test", help="Of test content.")]


async def call(method: str, request: Any, identity: str, timeout: float = DEADLINE) -> Any:
    """One call of SignalBankService as ``identity``."""
    async with Profile.read().channel("classification", identity) as channel:
        return await getattr(SignalBankServiceStub(channel), method)(request, timeout=timeout)


@app.command("list")
def list_command(
    verdict: Annotated[str, typer.Option(help="advert, not-advert or undecided")] = "",
    referral: Annotated[str, typer.Option(help="Of this referral alone.")] = "",
    inactive: Annotated[
        bool, typer.Option("--inactive", help="Also expired and withdrawn ones.")
    ] = False,
    limit: Annotated[int, typer.Option(min=1, max=500)] = 50,
    identity: As = DEFAULT_OPERATOR,
    json_output: Json = False,
) -> None:
    """Signals, newest first."""

    async def work() -> list[pb.BankedSignal]:
        wanted: Any = enums.SIGNAL_VERDICT_UNSPECIFIED
        if verdict:
            wanted = value(enums.SignalVerdict, "SIGNAL_VERDICT_", verdict, "--verdict")
        request = pb.ListSignalsRequest(
            page_size=limit, verdict=wanted, referral_id=referral, include_inactive=inactive
        )
        return list((await call("ListSignals", request, identity)).signals)

    found = run(work())
    if json_output:
        for signal in found:
            print_json(as_json(signal))
        return
    columns = ("signal", "verdict", "on whose word", "referral", "platform", "words", "expires",
               "withdrawn", "note")  # fmt: skip
    print_table("", columns, [_row(signal) for signal in found])


def _row(s: pb.BankedSignal) -> tuple[str, ...]:
    verdict = word(enums.SignalVerdict, s.verdict, "SIGNAL_VERDICT_")
    return (
        s.signal_id,
        f"{verdict} (test)" if s.test else verdict,
        who(s.added_by) or word(enums.SignalProvenance, s.provenance, "SIGNAL_PROVENANCE_"),
        s.referral_id,
        s.platform,
        str(s.words),
        s.expire_time.ToJsonString(),
        who(s.withdrawn_by),
        s.note,
    )


@app.command()
def withdraw(
    signal_id: str,
    note: Annotated[str, typer.Option(help="Why; kept, so name no person.")],
    identity: As = DEFAULT_OPERATOR,
    json_output: Json = False,
) -> None:
    """End a signal for good: it matches nothing any more, whatever is decided later."""

    async def work() -> pb.BankedSignal:
        request = pb.WithdrawSignalRequest(signal_id=signal_id, note=note)
        signal: pb.BankedSignal = (await call("WithdrawSignal", request, identity)).signal
        return signal

    _show(run(work()), "withdrawn", json_output)


@app.command("add-negative")
def add_negative(
    text: Annotated[str, typer.Argument(help="The text that is no advert.")],
    note: Annotated[str, typer.Option(help="Why; kept, so name no person.")],
    test: Test = False,
    request_id: RequestId = "",
    identity: As = DEFAULT_OPERATOR,
    json_output: Json = False,
) -> None:
    """State that a text is no advert: it is never referred without a person."""

    async def work() -> pb.BankedSignal:
        request = pb.AddNegativeSignalRequest(
            request_id=new_id(request_id), text=text, note=note, test=test
        )
        signal: pb.BankedSignal = (await call("AddNegativeSignal", request, identity)).signal
        return signal

    _show(run(work()), "added", json_output)


def _show(signal: pb.BankedSignal, done: str, json_output: bool) -> None:
    if json_output:
        print_json(as_json(signal))
    else:
        typer.echo(f"{done}: {signal.signal_id}")
