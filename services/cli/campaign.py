"""``takedown campaign``: referrals that belong together."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Annotated, Any, Final

import typer

from services.cli import casework, moments, signal
from services.cli.casework import DEFAULT_OPERATOR, RequestId, new_id
from services.cli.output import EXIT_REFUSED, as_json, print_json, print_table, run, value
from services.cli.profile import Profile
from services.cli.referral import DEADLINE, As, Json
from services.kernel.grpc_errors import from_status
from takedown.classification.v1 import signal_bank_service_pb2 as bank_pb
from takedown.intake.v1 import casework_service_pb2 as pb
from takedown.intake.v1.casework_service_pb2_grpc import CaseworkServiceStub
from takedown.referral.v1 import enums_pb2 as enums

app = typer.Typer(no_args_is_help=True, help="Referrals that belong together.")
# Every referral is a transaction of its own.
ACTION_DEADLINE: Final = 240.0
SUGGEST_DEADLINE: Final = 30.0
Campaign = Annotated[str, typer.Argument(help="The campaign's id.")]


@app.command("list")
def list_command(identity: As = DEFAULT_OPERATOR, json_output: Json = False) -> None:
    """Every campaign, with how much of it is open."""

    async def work() -> list[pb.Campaign]:
        found: list[pb.Campaign] = []
        request = pb.ListCampaignsRequest(page_size=500)
        async with Profile.read().channel("intake", identity) as channel:
            stub = CaseworkServiceStub(channel)
            while True:
                answer = await stub.ListCampaigns(request, timeout=DEADLINE)
                found += answer.campaigns
                request.page_token = answer.next_page_token
                if not answer.next_page_token:
                    return found

    found = run(work())
    if json_output:
        for campaign in found:
            print_json(as_json(campaign))
        return
    rows = [
        (c.campaign_id, str(c.referrals), str(c.open), c.create_time.ToJsonString(),
         c.update_time.ToJsonString())
        for c in found
    ]  # fmt: skip
    print_table("", ("campaign", "referrals", "open", "first", "last change"), rows)


@app.command()
def show(
    campaign: Annotated[str, typer.Argument(help="Empty: everything.")] = "",
    identity: As = DEFAULT_OPERATOR,
    json_output: Json = False,
) -> None:
    """Counts per platform: states, outcomes, and what the holds cost."""

    async def work() -> list[pb.PlatformStatistics]:
        request = pb.GetStatisticsRequest(campaign_id=campaign)
        return list((await casework.call("GetStatistics", request, identity)).platforms)

    found = run(work())
    if json_output:
        for counts in found:
            print_json(as_json(counts))
        return
    columns = ("platform", "referrals", "states", "outcomes", "contradicted", "reappeared",
               "reversed", "holds", "held h", "vanished on hold")  # fmt: skip
    print_table("", columns, [_counts(counts) for counts in found])


def _counts(c: pb.PlatformStatistics) -> tuple[str, ...]:
    return (
        f"{c.platform} (test)" if c.test else c.platform,
        str(c.referrals),
        _listed(c.states),
        _listed(c.outcomes),
        str(c.contradictions),
        str(c.reappearances),
        str(c.reversals),
        str(c.holds),
        f"{c.held_seconds / 3600:.1f}",
        str(c.vanished_on_hold),
    )


def _listed(counts: Any) -> str:
    return ", ".join(f"{n.replace('_', ' ').lower()} {counts[n]}" for n in sorted(counts))


@app.command()
def suggest(
    limit: Annotated[int, typer.Option(min=1, max=100)] = 20,
    test: signal.Test = False,
    identity: As = DEFAULT_OPERATOR,
    json_output: Json = False,
) -> None:
    """Referrals that share a text, a contact or a picture and are not of one campaign yet."""

    async def work() -> list[bank_pb.CampaignSuggestion]:
        request = bank_pb.ListCampaignSuggestionsRequest(page_size=limit, test=test)
        answer = await signal.call("ListCampaignSuggestions", request, identity, SUGGEST_DEADLINE)
        return list(answer.suggestions)

    found = run(work())
    if json_output:
        for suggestion in found:
            print_json(as_json(suggestion))
        return
    rows = [
        (
            str(len(s.referral_ids)),
            ", ".join(s.shared).lower(),
            ", ".join(s.platforms),
            ", ".join(s.campaign_ids),
            s.first_time.ToJsonString(),
            s.last_time.ToJsonString(),
            "\n".join(s.referral_ids),
        )
        for s in found
    ]
    columns = ("referrals", "share", "platforms", "campaigns", "first", "last", "which")
    print_table("", columns, rows)


@app.command()
def hold(
    campaign: Campaign,
    reason: Annotated[str, typer.Option(help="As for `takedown hold place`.")],
    until: Annotated[str, typer.Option(help="When it ends: a time in UTC, or 3d.")] = "",
    lasting: Annotated[str, typer.Option("--for", help="How long: 3d, 12h.")] = "",
    note: Annotated[str, typer.Option(help="Needed for other, and to renew a hold.")] = "",
    request_id: RequestId = "",
    identity: As = DEFAULT_OPERATOR,
    json_output: Json = False,
) -> None:
    """Hold every open referral; above 20 another operator must approve."""

    def make() -> pb.ActOnCampaignRequest:
        return pb.ActOnCampaignRequest(
            campaign_id=campaign,
            request_id=new_id(request_id),
            action=enums.CAMPAIGN_ACTION_PLACE_HOLD,
            note=note,
            hold_reason=value(enums.HoldReason, "HOLD_REASON_", reason, "--reason"),
            expire_time=moments.one_of(until, lasting, ("--until", "--for")),
        )

    _act("ActOnCampaign", make, identity, json_output)


@app.command()
def release(
    campaign: Campaign,
    note: Annotated[str, typer.Option(help="For the record.")] = "",
    request_id: RequestId = "",
    identity: As = DEFAULT_OPERATOR,
    json_output: Json = False,
) -> None:
    """Release every hold; above 20 referrals another operator must approve."""

    def make() -> pb.ActOnCampaignRequest:
        return pb.ActOnCampaignRequest(
            campaign_id=campaign,
            request_id=new_id(request_id),
            action=enums.CAMPAIGN_ACTION_RELEASE_HOLD,
            note=note,
        )

    _act("ActOnCampaign", make, identity, json_output)


@app.command()
def withdraw(
    campaign: Campaign,
    reason: Annotated[str, typer.Option(help="Why; the platform is not told.")],
    request_id: RequestId = "",
    identity: As = DEFAULT_OPERATOR,
    json_output: Json = False,
) -> None:
    """Withdraw every open referral; above 20 another operator must approve."""

    def make() -> pb.ActOnCampaignRequest:
        return pb.ActOnCampaignRequest(
            campaign_id=campaign,
            request_id=new_id(request_id),
            action=enums.CAMPAIGN_ACTION_WITHDRAW,
            note=reason,
        )

    _act("ActOnCampaign", make, identity, json_output)


@app.command()
def approve(
    approval_id: Annotated[str, typer.Argument(help="As the first operator was told it.")],
    request_id: RequestId = "",
    identity: As = DEFAULT_OPERATOR,
    json_output: Json = False,
) -> None:
    """Approve what another operator asked of a campaign, and carry it out."""

    def make() -> pb.ApproveCampaignActionRequest:
        return pb.ApproveCampaignActionRequest(
            approval_id=approval_id, request_id=new_id(request_id)
        )

    _act("ApproveCampaignAction", make, identity, json_output)


def _act(method: str, make: Any, identity: str, json_output: bool) -> None:
    """Act and show a result for each referral; exit 1 when any was refused."""

    async def work() -> Any:
        return await casework.call(method, make(), identity, ACTION_DEADLINE)

    answer = run(work())
    if json_output:
        print_json(as_json(answer))
    elif not answer.results and answer.HasField("approval"):
        waiting = answer.approval
        typer.echo(
            f"{waiting.referrals} referrals: another operator must approve by"
            f" {waiting.expire_time.ToJsonString()} with\n"
            f"  takedown campaign approve {waiting.approval_id} --as operator/<name>"
        )
    else:
        _show(answer.results)
    if any(result.HasField("error") for result in answer.results):
        raise typer.Exit(EXIT_REFUSED)


def _show(results: Iterable[pb.CampaignResult]) -> None:
    for result in results:
        if result.HasField("error"):
            error = from_status(result.error)
            typer.echo(f"{result.referral_id}: refused: {error.message} [{error.reason}]", err=True)
        else:
            typer.echo(f"{result.referral_id}: done")
