"""``takedown review``: what waits for a person, and deciding it."""

from __future__ import annotations

import uuid
from typing import Annotated

import typer

from services.cli.output import as_json, print_json, print_table, run, value, word
from services.cli.profile import Profile
from services.cli.referral import DEADLINE, As, Json
from takedown.intake.v1 import casework_service_pb2 as pb
from takedown.intake.v1.casework_service_pb2_grpc import CaseworkServiceStub
from takedown.referral.v1 import enums_pb2 as enums
from takedown.referral.v1 import referral_pb2

app = typer.Typer(no_args_is_help=True, help="What waits for a person, and deciding it.")
DEFAULT_OPERATOR = "operator/dev"


@app.command("list")
def list_command(
    platform: Annotated[list[str] | None, typer.Option(help="Only these platforms.")] = None,
    limit: Annotated[int, typer.Option(min=1, max=500)] = 50,
    identity: As = DEFAULT_OPERATOR,
    json_output: Json = False,
) -> None:
    """Open reviews: imminent departures first, then urgent ones, then by age."""

    async def work() -> list[referral_pb2.Referral]:
        request = pb.ListWorkRequest(page_size=limit, platforms=platform or ())
        async with Profile.read().channel("intake", identity) as channel:
            answer = await CaseworkServiceStub(channel).ListWork(request, timeout=DEADLINE)
        return list(answer.referrals)

    found = run(work())
    if json_output:
        for referral in found:
            print_json(as_json(referral))
        return
    rows = [
        (
            r.referral_id,
            r.content.platform,
            word(enums.ContentKind, r.content.kind, "CONTENT_KIND_"),
            f"{r.assessment.probability:.2f}",
            word(enums.AssessmentDecision, r.review.suggestion, "ASSESSMENT_DECISION_"),
            " ".join(r.review.reasons),
        )
        for r in found
    ]
    columns = ("referral", "platform", "kind", "probability", "suggestion", "why a person decides")
    print_table("", columns, rows)


@app.command()
def decide(
    referral_id: str,
    decision: Annotated[str, typer.Argument(help="refer or reject")],
    reason: Annotated[str, typer.Option(help="The reason code; must fit the decision.")],
    note: Annotated[str, typer.Option(help="For the record.")] = "",
    request_id: Annotated[str, typer.Option(help="Repeat it when you retry.")] = "",
    identity: As = DEFAULT_OPERATOR,
    json_output: Json = False,
) -> None:
    """Decide one review."""

    async def work() -> None:
        request = pb.DecideReviewRequest(
            referral_id=referral_id,
            request_id=request_id or str(uuid.uuid4()),
            decision=value(enums.ReviewDecision, "REVIEW_DECISION_", decision, "decision"),
            reason=value(enums.ReviewReason, "REVIEW_REASON_", reason, "--reason"),
            note=note,
        )
        async with Profile.read().channel("intake", identity) as channel:
            answer = await CaseworkServiceStub(channel).DecideReview(request, timeout=DEADLINE)
        if json_output:
            print_json(as_json(answer.referral))
        else:
            typer.echo(f"decided: {decision} {answer.referral.referral_id}")

    run(work())
