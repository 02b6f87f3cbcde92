"""Campaigns: a result for each referral, what is refused, and counts."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

import pytest

from services.intake import campaigns
from services.kernel.errors import ErrorKind
from services.kernel.grpc_errors import from_status
from takedown.intake.v1 import casework_service_pb2 as pb
from takedown.referral.v1 import enums_pb2 as enums
from takedown.referral.v1 import event_pb2, referral_pb2
from tests.integration.intake.campaigns import CAMPAIGN, action, approval, many
from tests.integration.intake.lives import (
    ahead,
    append,
    changes_nothing,
    closed,
    created,
    event,
    events_of,
    held,
    names_state_and_remedy,
    noticed,
    shown,
    spoken,
)
from tests.integration.intake.serving import Intake
from tests.integration.refusing import refused


async def test_each_referral_of_a_campaign_has_a_result_of_its_own(intake: Intake) -> None:
    free = await created(intake, 1, campaign_id=CAMPAIGN)
    sent = await noticed(intake, 2, campaign_id=CAMPAIGN)
    other = await created(intake, 3, campaign_id="another")
    request, stub = action("PLACE_HOLD"), intake.casework()
    answer = await stub.ActOnCampaign(request, timeout=10)
    assert not answer.HasField("approval")
    results = {result.referral_id: result for result in answer.results}
    assert set(results) == {free, sent}
    assert not results[free].HasField("error")
    error = from_status(results[sent].error)
    names_state_and_remedy(error, "HOLD_TOO_LATE", "AWAITING_DECISION")
    assert (await shown(intake, free)).holds[0].owner == "operator/ann"
    assert not (await shown(intake, other)).holds
    before = await intake.counts()
    assert await stub.ActOnCampaign(request, timeout=10) == answer
    assert await intake.counts() == before


async def test_a_campaign_is_released_and_withdrawn_in_one_call_each(intake: Intake) -> None:
    first = await created(intake, 1, campaign_id=CAMPAIGN)
    await held(intake, first)
    second = await created(intake, 2, campaign_id=CAMPAIGN)
    stub = intake.casework()
    released = await stub.ActOnCampaign(action("RELEASE_HOLD"), timeout=10)
    assert [r.HasField("error") for r in released.results] == [False, True]
    withdrawn = await stub.ActOnCampaign(action("WITHDRAW"), timeout=10)
    assert [r.HasField("error") for r in withdrawn.results] == [False, False]
    for referral_id in (first, second):
        last = (await events_of(intake, referral_id))[-1]
        assert last.type == event_pb2.REFERRAL_EVENT_TYPE_WITHDRAWAL_REQUESTED
        assert last.submission.reason == "sent by mistake"


async def test_an_action_that_was_cut_off_goes_on_where_it_stopped(
    intake: Intake, monkeypatch: pytest.MonkeyPatch
) -> None:
    ids = await many(intake, 6)
    real, calls = campaigns._act, 0

    async def breaks(*arguments: Any) -> None:
        nonlocal calls
        calls += 1
        if calls == 4:
            raise ConnectionResetError("the database is gone")
        await real(*arguments)

    request, stub = action(), intake.casework()
    with monkeypatch.context() as patched:
        patched.setattr(campaigns, "_act", breaks)
        error = await refused(stub.ActOnCampaign(request, timeout=10))
    assert error.kind is ErrorKind.UNAVAILABLE
    # One that was acted on has closed meanwhile: it is still part of what was asked.
    await closed(intake, sorted(ids)[0])
    answer = await stub.ActOnCampaign(request, timeout=10)
    assert [r.referral_id for r in answer.results] == sorted(ids)
    assert not any(result.HasField("error") for result in answer.results)
    for referral_id in ids:
        kinds = [e.type for e in await events_of(intake, referral_id)]
        assert kinds.count(event_pb2.REFERRAL_EVENT_TYPE_WITHDRAWAL_REQUESTED) == 1


BAD: dict[str, tuple[pb.ActOnCampaignRequest, str]] = {
    "withdrawal without a reason": (action(note=" "), "note"),
    "hold without a reason": (action("PLACE_HOLD", hold_reason=0), "hold_reason"),
    "hold without an end": (action("PLACE_HOLD", expire_time=None), "expire_time"),
    "hold in the past": (action("PLACE_HOLD", expire_time=ahead(hours=-1)), "expire_time"),
    "hold for a month": (action("PLACE_HOLD", expire_time=ahead(days=30)), "expire_time"),
    "other reason without a note": (
        action("PLACE_HOLD", hold_reason=enums.HOLD_REASON_OTHER, note=""), "note"),
    "no action": (action(action=0), "action"),
    "no campaign": (action(campaign_id=""), "campaign_id"),
    "note with a nul": (action(note="a\x00"), "note"),
}  # fmt: skip


@pytest.mark.parametrize("name", BAD)
async def test_an_action_that_no_referral_can_take_is_refused_by_field(
    intake: Intake, name: str
) -> None:
    await many(intake, 2)
    request, field = BAD[name]
    error = await changes_nothing(intake, intake.casework().ActOnCampaign(request, timeout=5))
    assert error.kind is ErrorKind.INVALID
    assert field in {violation.field for violation in error.violations}


async def test_an_unknown_campaign_and_a_closed_one_are_refused(intake: Intake) -> None:
    stub = intake.casework()
    unknown = await changes_nothing(intake, stub.ActOnCampaign(action(), timeout=5))
    assert (unknown.kind, unknown.reason) == (ErrorKind.NOT_FOUND, "CAMPAIGN_NOT_FOUND")
    await closed(intake, await created(intake, campaign_id=CAMPAIGN))
    error = await changes_nothing(intake, stub.ActOnCampaign(action(), timeout=5))
    names_state_and_remedy(error, "CAMPAIGN_CLOSED", "CLOSED")
    nothing = await changes_nothing(
        intake, stub.ApproveCampaignAction(approval(str(uuid4())), timeout=5)
    )
    assert (nothing.kind, nothing.reason) == (ErrorKind.NOT_FOUND, "APPROVAL_NOT_FOUND")


async def test_a_request_id_of_another_action_is_refused(intake: Intake) -> None:
    await many(intake, 2)
    request, stub = action("RELEASE_HOLD"), intake.casework()
    await stub.ActOnCampaign(request, timeout=5)
    other = action(request_id=request.request_id)
    error = await changes_nothing(intake, stub.ActOnCampaign(other, timeout=5))
    assert error.reason == "REQUEST_ID_REUSED"


async def test_campaigns_are_listed_by_pages(intake: Intake) -> None:
    for number, name in enumerate(["a", "b", "b", "c", ""], start=1):
        await created(intake, number, campaign_id=name)
    first = await intake.casework().ListCampaigns(pb.ListCampaignsRequest(page_size=2), timeout=5)
    assert [(c.campaign_id, c.referrals, c.open) for c in first.campaigns] == [
        ("a", 1, 1),
        ("b", 2, 2),
    ]
    rest = pb.ListCampaignsRequest(page_token=first.next_page_token)
    last = await intake.casework().ListCampaigns(rest, timeout=5)
    assert [c.campaign_id for c in last.campaigns] == ["c"]
    assert last.next_page_token == ""
    bad = pb.ListCampaignsRequest(page_token="WzFd")
    error = await changes_nothing(intake, intake.casework().ListCampaigns(bad, timeout=5))
    assert (error.kind, error.violations[0].field) == (ErrorKind.INVALID, "page_token")


async def test_statistics_count_lives_and_keep_tests_apart(intake: Intake) -> None:
    holding = await created(intake, 1, campaign_id=CAMPAIGN)
    await held(intake, holding, note="first")
    cost = referral_pb2.HoldCost(held_seconds=90, vanished=True)
    ended = event_pb2.HoldEndedDetail(end=enums.HOLD_END_RELEASED, cost=cost)
    renewed = event_pb2.HoldDetail(reason=enums.HOLD_REASON_OTHER, expire_time=ahead(days=1))
    await append(
        intake,
        holding,
        event("HOLD_RENEWED", hold=renewed),
        event("HOLD_ENDED", "RECEIVED", hold_ended=ended),
        event("CONTRADICTED", "CONTRADICTED", contradicted=event_pb2.ContradictedDetail(count=1)),
        event("REAPPEARED", "NOTIFYING"),
    )
    done = await created(intake, 2, campaign_id=CAMPAIGN)
    await closed(intake, done)
    await append(intake, done, event("REVERSED", platform_event=spoken("pe", "REVERSAL")))
    await created(intake, 3, campaign_id="another")
    await created(intake, 4, campaign_id=CAMPAIGN, test=True)
    stub = intake.casework()
    of_one = await stub.GetStatistics(pb.GetStatisticsRequest(campaign_id=CAMPAIGN), timeout=5)
    real, test = of_one.platforms
    assert (real.platform, real.test, real.referrals) == ("x", False, 2)
    assert dict(real.states) == {"NOTIFYING": 1, "CLOSED": 1}
    assert dict(real.outcomes) == {"REMOVED": 1}
    assert (real.contradictions, real.reappearances, real.reversals) == (1, 1, 1)
    assert (real.holds, real.held_seconds, real.vanished_on_hold) == (1, 90, 1)
    assert (test.test, test.referrals, test.holds) == (True, 1, 0)
    of_all = await stub.GetStatistics(pb.GetStatisticsRequest(), timeout=5)
    assert [counts.referrals for counts in of_all.platforms] == [3, 1]


async def test_a_referrer_may_do_none_of_this(intake: Intake) -> None:
    await many(intake, 2)
    stub = intake.casework("referrer/nca")
    for call in (
        stub.ActOnCampaign(action(), timeout=5),
        stub.ApproveCampaignAction(approval(str(uuid4())), timeout=5),
        stub.ListCampaigns(pb.ListCampaignsRequest(), timeout=5),
        stub.GetStatistics(pb.GetStatisticsRequest(), timeout=5),
    ):
        assert (await changes_nothing(intake, call)).kind is ErrorKind.PERMISSION_DENIED
