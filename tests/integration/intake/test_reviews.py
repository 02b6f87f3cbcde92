"""People decide: one at a time, two where two must, and nothing else is changed by a refusal."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import grpc
import pytest

from services.kernel.errors import ErrorKind
from takedown.intake.v1 import casework_service_pb2 as pb
from takedown.referral.v1 import enums_pb2 as enums
from takedown.referral.v1 import event_pb2
from tests.integration.intake.lives import (
    ANN,
    BOB,
    ahead,
    append,
    changes_nothing,
    closed,
    created,
    decision,
    event,
    events_of,
    held,
    in_review,
    names_state_and_remedy,
    newest_item,
    shown,
    spiffe,
)
from tests.integration.intake.serving import Intake

ACCOUNT = "https://x.com/fast_crossings_uk"


async def _claim(intake: Intake, referral_id: str, who: str = ANN) -> Any:
    request = pb.ClaimReviewRequest(referral_id=referral_id)
    return (await intake.casework(who).ClaimReview(request, timeout=5)).referral


async def _work(intake: Intake, who: str = ANN, **filters: Any) -> list[str]:
    listed = await intake.casework(who).ListWork(pb.ListWorkRequest(**filters), timeout=5)
    return [referral.referral_id for referral in listed.referrals]


async def _expire_claim(intake: Intake, referral_id: str) -> None:
    """A claim of ten minutes ago."""
    claimed = (await shown(intake, referral_id)).review.claimed_by
    old = event_pb2.ReviewClaimedDetail(reviewer=claimed, expire_time=ahead(seconds=-1))
    await append(intake, referral_id, event("REVIEW_CLAIMED", review_claimed=old))


async def test_a_claim_lasts_ten_minutes_and_shows_in_the_list(intake: Intake) -> None:
    referral_id = await in_review(intake)
    review = (await _claim(intake, referral_id)).review
    assert review.claimed_by == spiffe(ANN)
    left = review.claim_expire_time.ToDatetime(tzinfo=UTC) - datetime.now(UTC)
    assert timedelta(minutes=9) < left <= timedelta(minutes=10)
    listed = await intake.casework(BOB).ListWork(pb.ListWorkRequest(), timeout=5)
    assert listed.referrals[0].review.claimed_by == spiffe(ANN)
    assert (await newest_item(intake))["kind"] == "referral.accepted"


async def test_what_another_has_claimed_is_refused_with_who_and_until_when(intake: Intake) -> None:
    referral_id = await in_review(intake)
    await _claim(intake, referral_id)
    bob = intake.casework(BOB)
    for call in (
        bob.ClaimReview(pb.ClaimReviewRequest(referral_id=referral_id), timeout=5),
        bob.DecideReview(decision(referral_id), timeout=5),
    ):
        error = await changes_nothing(intake, call)
        names_state_and_remedy(error, "REVIEW_CLAIMED", "IN_REVIEW")
        assert "operator/ann" in error.message
        assert datetime.now(UTC).strftime("%Y-") in error.message


async def test_the_same_reviewer_extends_and_decides_what_is_claimed(intake: Intake) -> None:
    referral_id = await in_review(intake)
    first = (await _claim(intake, referral_id)).review.claim_expire_time
    again = (await _claim(intake, referral_id)).review.claim_expire_time
    assert again.ToDatetime() > first.ToDatetime()
    answer = await intake.casework(ANN).DecideReview(decision(referral_id), timeout=5)
    assert answer.referral.review.decided_by == spiffe(ANN)
    assert not answer.referral.review.claimed_by


async def test_a_claim_that_ran_out_keeps_nobody_out(intake: Intake) -> None:
    referral_id = await in_review(intake)
    await _claim(intake, referral_id)
    await _expire_claim(intake, referral_id)
    assert (await _claim(intake, referral_id, BOB)).review.claimed_by == spiffe(BOB)


async def test_of_two_reviewers_at_once_exactly_one_decides(intake: Intake) -> None:
    stubs = [intake.casework(f"operator/o{number}") for number in range(4)]
    for round_ in range(5):
        referral_id = await in_review(intake, round_ + 1)
        answers = await asyncio.gather(
            *[stub.DecideReview(decision(referral_id), timeout=10) for stub in stubs],
            return_exceptions=True,
        )
        refusals = [a for a in answers if isinstance(a, grpc.aio.AioRpcError)]
        assert len(refusals) == 3
        assert {r.code() for r in refusals} == {grpc.StatusCode.FAILED_PRECONDITION}
        kinds = [e.type for e in await events_of(intake, referral_id)]
        assert kinds.count(event_pb2.REFERRAL_EVENT_TYPE_REVIEW_DECIDED) == 1


async def test_of_two_reviewers_at_once_exactly_one_claims(intake: Intake) -> None:
    referral_id = await in_review(intake)
    stubs = [intake.casework(f"operator/o{number}") for number in range(5)]
    request = pb.ClaimReviewRequest(referral_id=referral_id)
    answers = await asyncio.gather(
        *[stub.ClaimReview(request, timeout=10) for stub in stubs], return_exceptions=True
    )
    assert sum(not isinstance(answer, BaseException) for answer in answers) == 1


@pytest.mark.parametrize(
    "changes", [{"url": ACCOUNT}, {"speech": "TESTIMONY"}], ids=["account", "protected speech"]
)
async def test_referring_an_account_or_protected_speech_needs_two_people(
    intake: Intake, changes: dict[str, str]
) -> None:
    referral_id = await in_review(intake, **changes)
    assert (await shown(intake, referral_id)).review.two_people
    items = (await intake.counts())["inbox_items"]
    request = decision(referral_id)
    first = await intake.casework(ANN).DecideReview(request, timeout=5)
    assert first.referral.review.first_decided_by == spiffe(ANN)
    assert first.referral.review.decision == enums.REVIEW_DECISION_UNSPECIFIED
    assert (await intake.counts())["inbox_items"] == items
    assert await intake.casework(ANN).DecideReview(request, timeout=5) == first
    again = await changes_nothing(
        intake, intake.casework(ANN).DecideReview(decision(referral_id), timeout=5)
    )
    names_state_and_remedy(again, "SECOND_REVIEWER_NEEDED", "IN_REVIEW")
    second = await intake.casework(BOB).DecideReview(decision(referral_id), timeout=5)
    review = second.referral.review
    assert (review.first_decided_by, review.decided_by) == (spiffe(ANN), spiffe(BOB))
    item = await newest_item(intake)
    assert (item["kind"], item["referral_id"]) == ("review.decided", referral_id)
    assert (await intake.counts())["inbox_items"] == items + 1


async def test_rejecting_needs_one_person_also_after_somebody_would_refer(intake: Intake) -> None:
    referral_id = await in_review(intake, url=ACCOUNT)
    await intake.casework(ANN).DecideReview(decision(referral_id), timeout=5)
    reject = decision(
        referral_id,
        decision=enums.REVIEW_DECISION_REJECT,
        reason=enums.REVIEW_REASON_NOT_AN_ADVERT,
    )
    answer = await intake.casework(ANN).DecideReview(reject, timeout=5)
    assert answer.referral.review.decision == enums.REVIEW_DECISION_REJECT


async def test_two_first_reviewers_at_once_are_first_and_second(intake: Intake) -> None:
    referral_id = await in_review(intake, url=ACCOUNT)
    await asyncio.gather(
        *[intake.casework(w).DecideReview(decision(referral_id), timeout=10) for w in (ANN, BOB)]
    )
    review = (await shown(intake, referral_id)).review
    assert {review.first_decided_by, review.decided_by} == {spiffe(ANN), spiffe(BOB)}


async def test_a_reviewer_can_leave_out_what_is_not_for_them(intake: Intake) -> None:
    free = await in_review(intake, 1)
    claimed = await in_review(intake, 2)
    waiting = await in_review(intake, 3, speech="SATIRE")
    await _claim(intake, claimed, BOB)
    await intake.casework(ANN).DecideReview(decision(waiting), timeout=5)
    assert await _work(intake) == [free, claimed, waiting]
    assert await _work(intake, leave_out_claimed=True) == [free, waiting]
    assert await _work(intake, leave_out_first_decided=True) == [free, claimed]
    filters = {"leave_out_claimed": True, "leave_out_first_decided": True}
    assert await _work(intake, BOB, **filters) == [free, claimed, waiting]
    await _expire_claim(intake, claimed)
    assert await _work(intake, leave_out_claimed=True) == [free, claimed, waiting]


@pytest.mark.parametrize("state", ["RECEIVED", "ON_HOLD", "CLOSED"])
async def test_only_an_open_review_is_claimed_or_decided(intake: Intake, state: str) -> None:
    referral_id = await created(intake)
    if state == "ON_HOLD":
        await held(intake, referral_id)
    if state == "CLOSED":
        await closed(intake, referral_id)
    ann = intake.casework(ANN)
    for call in (
        ann.ClaimReview(pb.ClaimReviewRequest(referral_id=referral_id), timeout=5),
        ann.DecideReview(decision(referral_id), timeout=5),
    ):
        names_state_and_remedy(await changes_nothing(intake, call), "REVIEW_NOT_OPEN", state)


async def test_a_request_id_of_another_decision_is_refused(intake: Intake) -> None:
    request = decision(await in_review(intake, 1))
    await intake.casework().DecideReview(request, timeout=5)
    other = decision(await in_review(intake, 2), request_id=request.request_id)
    error = await changes_nothing(intake, intake.casework().DecideReview(other, timeout=5))
    assert (error.kind, error.reason) == (ErrorKind.ALREADY_EXISTS, "REQUEST_ID_REUSED")


async def test_a_referrer_neither_claims_nor_decides_nor_lists_work(intake: Intake) -> None:
    referral_id, stub = await in_review(intake), intake.casework("referrer/nca")
    for call in (
        stub.ClaimReview(pb.ClaimReviewRequest(referral_id=referral_id), timeout=5),
        stub.DecideReview(decision(referral_id), timeout=5),
        stub.ListWork(pb.ListWorkRequest(), timeout=5),
    ):
        error = await changes_nothing(intake, call)
        assert error.kind is ErrorKind.PERMISSION_DENIED
    unknown = pb.ClaimReviewRequest(referral_id=str(uuid4()))
    error = await changes_nothing(intake, intake.casework().ClaimReview(unknown, timeout=5))
    assert error.reason == "REFERRAL_NOT_FOUND"
