"""Campaigns: what is asked of many referrals at once waits for a second person."""

from __future__ import annotations

import asyncio
from datetime import timedelta

from services.kernel.errors import ErrorKind
from takedown.referral.v1 import event_pb2
from tests.integration.intake.campaigns import CAMPAIGN, action, approval, many
from tests.integration.intake.lives import ANN, BOB, changes_nothing, created, events_of, spiffe
from tests.integration.intake.serving import Intake


async def test_twenty_referrals_need_one_person(intake: Intake) -> None:
    await many(intake, 20)
    answer = await intake.casework().ActOnCampaign(action(), timeout=20)
    assert len(answer.results) == 20
    assert not answer.HasField("approval")


async def test_twenty_one_referrals_wait_for_a_second_person(intake: Intake) -> None:
    ids = await many(intake, 21)
    before = await intake.counts()
    request, ann, bob = action(), intake.casework(ANN), intake.casework(BOB)
    asked = await ann.ActOnCampaign(request, timeout=20)
    assert not asked.results
    assert (asked.approval.requested_by, asked.approval.referrals) == (spiffe(ANN), 21)
    lasts = asked.approval.expire_time.ToDatetime() - asked.approval.request_time.ToDatetime()
    assert lasts == timedelta(hours=24)
    after = await intake.counts()
    assert {n for n in after if after[n] != before[n]} == {"commands"}
    assert await ann.ActOnCampaign(request, timeout=20) == asked
    own = approval(asked.approval.approval_id)
    error = await changes_nothing(intake, ann.ApproveCampaignAction(own, timeout=20))
    assert (error.kind, error.reason) == (ErrorKind.FAILED_PRECONDITION, "SECOND_OPERATOR_NEEDED")
    assert "another operator" in error.message
    # What joined the campaign since then was not asked about, so it is not approved.
    joined = await created(intake, 99, campaign_id=CAMPAIGN)
    approving = approval(asked.approval.approval_id)
    done = await bob.ApproveCampaignAction(approving, timeout=20)
    assert [result.referral_id for result in done.results] == sorted(ids)
    assert not any(result.HasField("error") for result in done.results)
    assert done.approval.approved_by == spiffe(BOB)
    assert (await events_of(intake, ids[0]))[-1].actor == spiffe(ANN)
    assert len(await events_of(intake, joined)) == 1
    before = await intake.counts()
    assert await bob.ApproveCampaignAction(approving, timeout=20) == done
    assert await intake.counts() == before
    # Who approved it may send it anew after a crash; nothing is done twice.
    anew = await bob.ApproveCampaignAction(approval(asked.approval.approval_id), timeout=20)
    assert anew.results == done.results
    after = await intake.counts()
    assert {n for n in after if after[n] != before[n]} == {"commands"}
    carol = intake.casework("operator/carol")
    again = approval(asked.approval.approval_id)
    error = await changes_nothing(intake, carol.ApproveCampaignAction(again, timeout=20))
    assert (error.kind, error.reason) == (ErrorKind.FAILED_PRECONDITION, "APPROVAL_NOT_OPEN")


async def test_of_many_approvals_at_once_each_referral_is_acted_on_once(intake: Intake) -> None:
    ids = await many(intake, 21)
    asked = await intake.casework(ANN).ActOnCampaign(action(), timeout=20)
    calls = [
        intake.casework(f"operator/o{n}").ApproveCampaignAction(
            approval(asked.approval.approval_id), timeout=30
        )
        for n in range(3)
    ]
    answers = await asyncio.gather(*calls, return_exceptions=True)
    assert sum(not isinstance(answer, BaseException) for answer in answers) == 1
    for referral_id in ids:
        kinds = [e.type for e in await events_of(intake, referral_id)]
        assert kinds.count(event_pb2.REFERRAL_EVENT_TYPE_WITHDRAWAL_REQUESTED) == 1


async def test_an_approval_after_a_day_is_refused(intake: Intake) -> None:
    await many(intake, 21)
    asked = await intake.casework(ANN).ActOnCampaign(action(), timeout=20)
    connection = await intake.sql()
    await connection.execute(
        "UPDATE intake.campaign_actions SET expire_time = request_time - interval '1 second'"
    )
    await connection.close()
    late = approval(asked.approval.approval_id)
    error = await changes_nothing(
        intake, intake.casework(BOB).ApproveCampaignAction(late, timeout=20)
    )
    assert (error.kind, error.reason) == (ErrorKind.FAILED_PRECONDITION, "APPROVAL_EXPIRED")
