"""``takedown review``: what waits for a person, and deciding it."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated

import typer

from services.cli import casework
from services.cli.casework import DEFAULT_OPERATOR, RequestId, new_id, who
from services.cli.output import as_json, print_json, print_table, run, value, word
from services.cli.referral import As, Json
from takedown.intake.v1 import casework_service_pb2 as pb
from takedown.referral.v1 import enums_pb2 as enums
from takedown.referral.v1 import referral_pb2

app = typer.Typer(no_args_is_help=True, help="What waits for a person, and deciding it.")


@app.command("list")
def list_command(
    platform: Annotated[list[str] | None, typer.Option(help="Only these platforms.")] = None,
    limit: Annotated[int, typer.Option(min=1, max=500)] = 50,
    mine: Annotated[
        bool,
        typer.Option(
            "--for-me", help="Leave out what others have claimed and what you decided first."
        ),
    ] = False,
    identity: As = DEFAULT_OPERATOR,
    json_output: Json = False,
) -> None:
    """Open reviews: imminent departures first, then urgent ones, then by age."""

    async def work() -> list[referral_pb2.Referral]:
        request = pb.ListWorkRequest(
            page_size=limit,
            platforms=platform or (),
            leave_out_claimed=mine,
            leave_out_first_decided=mine,
        )
        return list((await casework.call("ListWork", request, identity)).referrals)

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
            _who_decides(r.review),
        )
        for r in found
    ]
    columns = ("referral", "platform", "kind", "probability", "suggestion",
               "why a person decides", "who decides")  # fmt: skip
    print_table("", columns, rows)


def _who_decides(review: referral_pb2.Review) -> str:
    parts = ["two people"] if review.two_people else []
    if review.first_decided_by:
        parts.append(f"{who(review.first_decided_by)} would refer it")
    if review.claimed_by and review.claim_expire_time.ToDatetime(tzinfo=UTC) > datetime.now(UTC):
        parts.append(f"{who(review.claimed_by)} until {review.claim_expire_time.ToJsonString()}")
    return "; ".join(parts)


@app.command()
def claim(referral_id: str, identity: As = DEFAULT_OPERATOR, json_output: Json = False) -> None:
    """Take one review for ten minutes; again extends it."""

    def say(referral: referral_pb2.Referral) -> str:
        return f"yours until {referral.review.claim_expire_time.ToJsonString()}"

    def make() -> pb.ClaimReviewRequest:
        return pb.ClaimReviewRequest(referral_id=referral_id)

    casework.obey("ClaimReview", make, identity, json_output, say)


@app.command()
def decide(
    referral_id: str,
    decision: Annotated[str, typer.Argument(help="refer or reject")],
    reason: Annotated[str, typer.Option(help="The reason code; must fit the decision.")],
    note: Annotated[str, typer.Option(help="For the record.")] = "",
    request_id: RequestId = "",
    identity: As = DEFAULT_OPERATOR,
    json_output: Json = False,
) -> None:
    """Decide one review; some need two people to refer and the second one's decision counts."""

    def make() -> pb.DecideReviewRequest:
        return pb.DecideReviewRequest(
            referral_id=referral_id,
            request_id=new_id(request_id),
            decision=value(enums.ReviewDecision, "REVIEW_DECISION_", decision, "decision"),
            reason=value(enums.ReviewReason, "REVIEW_REASON_", reason, "--reason"),
            note=note,
        )

    def say(referral: referral_pb2.Referral) -> str:
        if not referral.review.decision:
            return f"first of two decisions: {decision} {referral.referral_id}; another person next"
        return f"decided: {decision} {referral.referral_id}"

    casework.obey("DecideReview", make, identity, json_output, say)
