"""``takedown referral``: submit, follow and take back referrals."""

from __future__ import annotations

import uuid
from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer

from services.cli.evidence import attach
from services.cli.moments import stamp
from services.cli.output import (
    Failure,
    as_json,
    print_json,
    print_table,
    run,
    value,
    word,
)
from services.cli.profile import Profile
from services.cli.shown import facts
from takedown.intake.v1 import referral_service_pb2 as pb
from takedown.intake.v1.referral_service_pb2_grpc import ReferralServiceStub
from takedown.referral.v1 import enums_pb2 as enums
from takedown.referral.v1 import event_pb2, referral_pb2

app = typer.Typer(no_args_is_help=True, help="Submit, follow and take back referrals.")
As = Annotated[str, typer.Option("--as", help="Who to be: referrer/<name> or operator/<name>.")]
Json = Annotated[bool, typer.Option("--json", help="JSON instead of tables.")]
DEFAULT_REFERRER = "referrer/nca"
DEADLINE = 20.0


@app.command()
def submit(
    url: Annotated[str, typer.Argument(help="The content's address.")],
    ground: Annotated[str, typer.Option(help="The platform rule broken.")] = "human_smuggling",
    text: Annotated[str, typer.Option(help="The words of the content.")] = "",
    language: Annotated[str, typer.Option(help="BCP 47 tag.")] = "",
    urgency: Annotated[str, typer.Option(help="routine, urgent, imminent_departure.")] = "routine",
    departs: Annotated[datetime | None, typer.Option(help="Departure time, UTC.")] = None,
    reason: Annotated[str, typer.Option(help="Why it breaks the rule.")] = "",
    reference: Annotated[str, typer.Option(help="Your own case reference.")] = "",
    campaign: Annotated[str, typer.Option(help="Campaign id.")] = "",
    evidence: Annotated[
        list[Path] | None, typer.Option(help="A file, up to 1 MiB; again for each, up to 8.")
    ] = None,
    request_id: Annotated[str, typer.Option(help="Repeat it when you retry.")] = "",
    test: Annotated[bool, typer.Option("--test", help="Only ever to a sandbox.")] = False,
    hold_until: Annotated[str, typer.Option(help="Start on hold until then, or for 3d.")] = "",
    hold_reason: Annotated[str, typer.Option(help="As for `takedown hold place`.")] = "",
    hold_note: Annotated[str, typer.Option(help="Needed for the reason other.")] = "",
    identity: As = DEFAULT_REFERRER,
    json_output: Json = False,
) -> None:
    """Submit one referral; answered once it is stored."""

    async def work() -> None:
        request = pb.SubmitReferralRequest(
            request_id=request_id or str(uuid.uuid4()),
            content=pb.SubmittedContent(url=url, text=text, language=language),
            terms_ground=value(enums.TermsGround, "TERMS_GROUND_", ground, "--ground"),
            urgency=value(enums.Urgency, "URGENCY_", urgency, "--urgency"),
            reason=reason,
            reference=reference,
            campaign_id=campaign,
            test=test,
        )
        if departs is not None:
            request.departure_time.FromDatetime(departs)
        _hold(request, hold_until, hold_reason, hold_note)
        attach(request, evidence or ())
        async with Profile.read().channel("intake", identity) as channel:
            answer = await ReferralServiceStub(channel).SubmitReferral(request, timeout=DEADLINE)
        if json_output:
            print_json(as_json(answer))
        else:
            disposition = pb.Disposition.Name(answer.disposition)[len("DISPOSITION_") :].lower()
            typer.echo(f"{disposition}: {answer.referral.referral_id}")

    run(work())


def _hold(request: pb.SubmitReferralRequest, until: str, reason: str, note: str) -> None:
    """The hold that begins with the submission, if one is asked for."""
    if not (until or reason or note):
        return
    if not until or not reason:
        raise Failure("A hold needs --hold-until and --hold-reason, both of them.")
    request.hold.expire_time.CopyFrom(stamp(until, "--hold-until"))
    request.hold.reason = value(enums.HoldReason, "HOLD_REASON_", reason, "--hold-reason")
    request.hold.note = note


@app.command()
def get(referral_id: str, identity: As = DEFAULT_REFERRER, json_output: Json = False) -> None:
    """Where one referral stands."""

    async def work() -> None:
        async with Profile.read().channel("intake", identity) as channel:
            request = pb.GetReferralRequest(referral_id=referral_id)
            answer = await ReferralServiceStub(channel).GetReferral(request, timeout=DEADLINE)
        if json_output:
            print_json(as_json(answer.referral))
        else:
            print_table("", ("", ""), facts(answer.referral))

    run(work())


@app.command("list")
def list_command(
    state: Annotated[list[str] | None, typer.Option(help="Only these states.")] = None,
    platform: Annotated[list[str] | None, typer.Option(help="Only these platforms.")] = None,
    outcome: Annotated[list[str] | None, typer.Option(help="Only these outcomes.")] = None,
    campaign: Annotated[str, typer.Option(help="Only this campaign.")] = "",
    limit: Annotated[int, typer.Option(min=1, max=10000)] = 50,
    identity: As = DEFAULT_REFERRER,
    json_output: Json = False,
) -> None:
    """Your referrals, newest first."""

    async def work() -> list[referral_pb2.Referral]:
        request = pb.ListReferralsRequest(
            page_size=min(limit, 500),
            states=[
                value(enums.ReferralState, "REFERRAL_STATE_", s, "--state") for s in state or ()
            ],
            platforms=platform or (),
            outcomes=[value(enums.Outcome, "OUTCOME_", o, "--outcome") for o in outcome or ()],
            campaign_id=campaign,
        )
        found: list[referral_pb2.Referral] = []
        async with Profile.read().channel("intake", identity) as channel:
            stub = ReferralServiceStub(channel)
            while len(found) < limit:
                answer = await stub.ListReferrals(request, timeout=DEADLINE)
                found += answer.referrals
                request.page_token = answer.next_page_token
                if not answer.next_page_token:
                    break
        return found[:limit]

    show_referrals(run(work()), json_output)


def show_referrals(found: list[referral_pb2.Referral], json_output: bool) -> None:
    if json_output:
        for referral in found:
            print_json(as_json(referral))
        return
    rows = [
        (
            r.referral_id,
            r.content.platform,
            word(enums.ContentKind, r.content.kind, "CONTENT_KIND_"),
            word(enums.ReferralState, r.state, "REFERRAL_STATE_"),
            word(enums.Outcome, r.outcome.outcome, "OUTCOME_"),
            word(enums.Urgency, r.urgency, "URGENCY_"),
            r.update_time.ToJsonString(),
        )
        for r in found
    ]
    print_table(
        "", ("referral", "platform", "kind", "state", "outcome", "urgency", "updated"), rows
    )


@app.command()
def events(referral_id: str, identity: As = DEFAULT_REFERRER, json_output: Json = False) -> None:
    """Everything that happened to one referral, in order."""

    async def work() -> list[event_pb2.ReferralEvent]:
        request = pb.ListReferralEventsRequest(referral_id=referral_id, page_size=1000)
        found: list[event_pb2.ReferralEvent] = []
        async with Profile.read().channel("intake", identity) as channel:
            stub = ReferralServiceStub(channel)
            while True:
                answer = await stub.ListReferralEvents(request, timeout=DEADLINE)
                found += answer.events
                request.page_token = answer.next_page_token
                if not answer.next_page_token:
                    return found

    found = run(work())
    if json_output:
        for event in found:
            print_json(as_json(event))
    else:
        print_table("", ("#", "time", "event", "state after it", "who"), [_row(e) for e in found])


def _row(event: event_pb2.ReferralEvent) -> tuple[str, ...]:
    return (
        str(event.sequence),
        event.occur_time.ToJsonString(),
        word(event_pb2.ReferralEventType, event.type, "REFERRAL_EVENT_TYPE_"),
        word(enums.ReferralState, event.state, "REFERRAL_STATE_"),
        event.actor.partition("takedown.internal/")[2],
    )


@app.command()
def watch(
    referral_id: Annotated[str, typer.Argument(help="Empty: all of yours.")] = "",
    cursor: Annotated[str, typer.Option(help="Resume behind this cursor.")] = "",
    until_closed: Annotated[bool, typer.Option("--until-closed", help="Stop there.")] = False,
    identity: As = DEFAULT_REFERRER,
    json_output: Json = False,
) -> None:
    """Follow events as they come, without a gap and without a repeat."""

    async def work() -> None:
        request = pb.WatchReferralEventsRequest(referral_id=referral_id, cursor=cursor)
        async with Profile.read().channel("intake", identity) as channel:
            stub = ReferralServiceStub(channel)
            while True:
                async for response in stub.WatchReferralEvents(request, timeout=3500):
                    request.cursor = response.cursor
                    if not response.HasField("event"):
                        continue
                    _show_event(response, json_output)
                    if until_closed and response.event.HasField("closed"):
                        return

    run(work())


def _show_event(response: pb.WatchReferralEventsResponse, json_output: bool) -> None:
    if json_output:
        print_json(as_json(response))
        return
    number, moment, kind, state, who = _row(response.event)
    typer.echo(f"{moment}  {response.event.referral_id}  #{number} {kind} -> {state}  ({who})")


@app.command()
def withdraw(
    referral_id: str,
    reason: Annotated[str, typer.Option(help="Why; the platform is not told.")],
    request_id: Annotated[str, typer.Option(help="Repeat it when you retry.")] = "",
    identity: As = DEFAULT_REFERRER,
    json_output: Json = False,
) -> None:
    """Take your submission back; the last one withdraws the referral."""

    async def work() -> None:
        request = pb.WithdrawReferralRequest(
            referral_id=referral_id, request_id=request_id or str(uuid.uuid4()), reason=reason
        )
        async with Profile.read().channel("intake", identity) as channel:
            answer = await ReferralServiceStub(channel).WithdrawReferral(request, timeout=DEADLINE)
        if json_output:
            print_json(as_json(answer))
        elif answer.referral_withdrawn:
            typer.echo("The referral is being withdrawn.")
        else:
            typer.echo("Your submission is taken back; another referrer keeps the referral open.")

    run(work())
