"""``takedown hold``: keep a notice back while an investigation could be harmed."""

from __future__ import annotations

from typing import Annotated

import typer

from services.cli import casework, moments
from services.cli.casework import DEFAULT_OPERATOR, RequestId, new_id
from services.cli.output import value
from services.cli.referral import As, Json
from takedown.intake.v1 import casework_service_pb2 as pb
from takedown.referral.v1 import enums_pb2 as enums
from takedown.referral.v1 import referral_pb2

app = typer.Typer(no_args_is_help=True, help="Keep a notice back, for at most 14 days.")


@app.command()
def place(
    referral_id: str,
    reason: Annotated[str, typer.Option(help="live-investigation, surveillance, safeguarding, "
                                        "evidence-preservation, partner-request, other.")],
    until: Annotated[str, typer.Option(help="When it ends: a time in UTC, or 3d.")] = "",
    lasting: Annotated[str, typer.Option("--for", help="How long: 3d, 12h.")] = "",
    note: Annotated[str, typer.Option(help="Needed for other, and to renew a hold.")] = "",
    request_id: RequestId = "",
    identity: As = DEFAULT_OPERATOR,
    json_output: Json = False,
) -> None:  # fmt: skip
    """Hold a referral before its first notice, or renew its hold for a new reason."""

    def make() -> pb.PlaceHoldRequest:
        return pb.PlaceHoldRequest(
            referral_id=referral_id,
            request_id=new_id(request_id),
            reason=value(enums.HoldReason, "HOLD_REASON_", reason, "--reason"),
            note=note,
            expire_time=moments.one_of(until, lasting, ("--until", "--for")),
        )

    def say(referral: referral_pb2.Referral) -> str:
        end = referral.holds[-1].expire_time.ToJsonString()
        return f"hold asked for until {end}; the referral is {casework.state(referral)}"

    casework.obey("PlaceHold", make, identity, json_output, say)


@app.command()
def release(
    referral_id: str,
    note: Annotated[str, typer.Option(help="For the record.")] = "",
    request_id: RequestId = "",
    identity: As = DEFAULT_OPERATOR,
    json_output: Json = False,
) -> None:
    """End a hold now; the referral goes on where it was."""

    def make() -> pb.ReleaseHoldRequest:
        return pb.ReleaseHoldRequest(
            referral_id=referral_id, request_id=new_id(request_id), note=note
        )

    casework.obey("ReleaseHold", make, identity, json_output, lambda _: "release asked for")
