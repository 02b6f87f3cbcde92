"""``takedown clarify``, ``escalate`` and ``departure``: what people tell about one referral."""

from __future__ import annotations

from typing import Annotated

import typer

from services.cli import casework, moments
from services.cli.casework import DEFAULT_OPERATOR, RequestId, new_id
from services.cli.output import Failure, run
from services.cli.profile import Profile
from services.cli.referral import DEADLINE, As, Json
from takedown.intake.v1 import casework_service_pb2 as pb
from takedown.intake.v1 import referral_service_pb2 as referral_pb
from takedown.intake.v1.referral_service_pb2_grpc import ReferralServiceStub
from takedown.referral.v1 import referral_pb2

departure = typer.Typer(no_args_is_help=True, help="When it leaves, as people know it.")


def clarify(
    referral_id: str,
    answer: Annotated[str, typer.Option(help="What the platform is told.")],
    question: Annotated[str, typer.Option(help="Its id; the open one when not given.")] = "",
    request_id: RequestId = "",
    identity: As = DEFAULT_OPERATOR,
    json_output: Json = False,
) -> None:
    """Answer what the platform asks; its clock stands still until then."""
    asked = question or run(_open_question(referral_id, identity, repeated=bool(request_id)))

    def make() -> pb.AnswerClarificationRequest:
        return pb.AnswerClarificationRequest(
            referral_id=referral_id,
            request_id=new_id(request_id),
            clarification_id=asked,
            answer=answer,
        )

    casework.obey(
        "AnswerClarification", make, identity, json_output,
        lambda _: "answered; the platform is told next",
    )  # fmt: skip


async def _open_question(referral_id: str, identity: str, repeated: bool) -> str:
    """The newest question; unless the answer is ``repeated`` it must have none."""
    async with Profile.read().channel("intake", identity) as channel:
        request = referral_pb.GetReferralRequest(referral_id=referral_id)
        found = await ReferralServiceStub(channel).GetReferral(request, timeout=DEADLINE)
    questions = found.referral.clarifications
    if not questions or (questions[-1].answer and not repeated):
        raise Failure(
            f"The platform has no open question here; the referral is"
            f" {casework.state(found.referral)}. `takedown referral get` shows what was asked.",
        )
    open_id: str = questions[-1].clarification_id
    return open_id


def escalate(
    referral_id: str,
    note: Annotated[str, typer.Option(help="Why now; for the record.")],
    request_id: RequestId = "",
    identity: As = DEFAULT_OPERATOR,
    json_output: Json = False,
) -> None:
    """Go one step up the ladder now, without waiting for the deadline."""

    def make() -> pb.EscalateRequest:
        return pb.EscalateRequest(referral_id=referral_id, request_id=new_id(request_id), note=note)

    casework.obey("Escalate", make, identity, json_output, lambda _: "one step up asked for")


@departure.command()
def confirm(
    referral_id: str,
    at: Annotated[str, typer.Option(help="A time in UTC, or 6h from now; the proposed time when "
                                    "not given.")] = "",
    request_id: RequestId = "",
    identity: As = DEFAULT_OPERATOR,
    json_output: Json = False,
) -> None:  # fmt: skip
    """Confirm when it leaves; the referral overtakes everything that is not leaving."""
    proposed = None if at else run(_proposed(referral_id, identity))

    def make() -> pb.ConfirmDepartureRequest:
        request = pb.ConfirmDepartureRequest(referral_id=referral_id, request_id=new_id(request_id))
        if proposed is not None:
            request.departure_time.CopyFrom(proposed.proposed_departure_time)
        else:
            request.departure_time.CopyFrom(moments.stamp(at, "--at"))
        return request

    def say(referral: referral_pb2.Referral) -> str:
        return f"leaves at {referral.departure_time.ToJsonString()}; imminent departure"

    casework.obey("ConfirmDeparture", make, identity, json_output, say)


async def _proposed(referral_id: str, identity: str) -> referral_pb2.Referral:
    """The referral, if its text names a departure that nobody has confirmed."""
    async with Profile.read().channel("intake", identity) as channel:
        request = referral_pb.GetReferralRequest(referral_id=referral_id)
        found = await ReferralServiceStub(channel).GetReferral(request, timeout=DEADLINE)
    referral: referral_pb2.Referral = found.referral
    if not referral.HasField("proposed_departure_time"):
        raise Failure("No departure is proposed for this referral; say it with --at.")
    return referral
