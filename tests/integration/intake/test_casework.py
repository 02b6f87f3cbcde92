"""The record is appended once per key; people decide once."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

import grpc

from services.kernel.errors import ErrorKind
from takedown.intake.v1 import casework_service_pb2 as casework_pb
from takedown.intake.v1 import record_service_pb2 as record_pb
from takedown.intake.v1 import referral_service_pb2 as pb
from takedown.referral.v1 import enums_pb2 as enums
from takedown.referral.v1 import event_pb2, referral_pb2
from tests.integration.intake.serving import Intake, submission
from tests.integration.refusing import refused


def _event(key: str, name: str, state: Any = 0, **detail: Any) -> record_pb.NewEvent:
    event = event_pb2.ReferralEvent(
        type=event_pb2.ReferralEventType.Value(f"REFERRAL_EVENT_TYPE_{name}"),
        state=state,
        actor="service/worker",
        **detail,
    )
    event.occur_time.FromDatetime(datetime.now(UTC))
    return record_pb.NewEvent(event_key=key, event=event)


async def _append(intake: Intake, referral_id: str, *events: record_pb.NewEvent) -> Any:
    return await intake.record().AppendEvents(
        record_pb.AppendEventsRequest(referral_id=referral_id, events=events), timeout=5
    )


async def _created(intake: Intake, number: int = 1) -> str:
    answer = await intake.referrals().SubmitReferral(submission(number), timeout=5)
    return str(answer.referral.referral_id)


async def _in_review(intake: Intake, number: int = 1) -> str:
    referral_id = await _created(intake, number)
    await _append(
        intake, referral_id, _event("r", "REVIEW_REQUESTED", enums.REFERRAL_STATE_IN_REVIEW)
    )
    return referral_id


async def _close(intake: Intake, referral_id: str) -> None:
    await _append(
        intake,
        referral_id,
        _event(
            "closed",
            "CLOSED",
            enums.REFERRAL_STATE_CLOSED,
            closed=referral_pb2.OutcomeDetail(outcome=enums.OUTCOME_REMOVED),
        ),
    )


def _decision(referral_id: str, **changes: Any) -> casework_pb.DecideReviewRequest:
    values: dict[str, Any] = {
        "referral_id": referral_id,
        "request_id": str(uuid4()),
        "decision": enums.REVIEW_DECISION_REFER,
        "reason": enums.REVIEW_REASON_OFFER_CONFIRMED,
    }
    return casework_pb.DecideReviewRequest(**{**values, **changes})


def _withdrawal(referral_id: str) -> pb.WithdrawReferralRequest:
    return pb.WithdrawReferralRequest(
        referral_id=referral_id, request_id=str(uuid4()), reason="posted by our own officer"
    )


async def test_an_event_key_is_appended_once(intake: Intake) -> None:
    referral_id = await _created(intake)
    event = _event("k", "OBSERVED", enums.REFERRAL_STATE_MONITORING)
    first = await _append(intake, referral_id, event)
    assert (first.last_sequence, list(first.repeated_keys)) == (2, [])
    again = await _append(intake, referral_id, event, _event("k2", "OBSERVED"))
    assert (again.last_sequence, list(again.repeated_keys)) == (3, ["k"])
    assert (await intake.counts())["events"] == 3


async def test_a_closed_referral_is_never_opened_again(intake: Intake) -> None:
    referral_id = await _created(intake)
    await _close(intake, referral_id)
    before = await intake.counts()
    reopening = record_pb.AppendEventsRequest(
        referral_id=referral_id, events=[_event("k", "OBSERVED", enums.REFERRAL_STATE_MONITORING)]
    )
    error = await refused(intake.record().AppendEvents(reopening, timeout=5))
    assert (error.kind, error.reason) == (ErrorKind.FAILED_PRECONDITION, "REFERRAL_CLOSED")
    assert await intake.counts() == before


async def test_content_of_a_closed_referral_starts_a_new_one(intake: Intake) -> None:
    closed = await _created(intake)
    await _close(intake, closed)
    again = await intake.referrals().SubmitReferral(submission(), timeout=5)
    assert again.disposition == pb.DISPOSITION_CREATED
    got = await intake.referrals().GetReferral(
        pb.GetReferralRequest(referral_id=again.referral.referral_id), timeout=5
    )
    assert got.referral.previous_referral_id == closed


async def test_a_replay_in_a_batch_creates_nothing_though_its_referral_is_closed(
    intake: Intake,
) -> None:
    stub, known = intake.referrals(), submission()
    closed = (await stub.SubmitReferral(known, timeout=5)).referral.referral_id
    await _close(intake, closed)
    other = submission(2)
    clash = submission(3, request_id=other.request_id)
    batch = [known, submission(), submission(), other, other, clash]
    answer = await stub.BatchSubmitReferrals(
        pb.BatchSubmitReferralsRequest(requests=batch), timeout=10
    )
    replayed, created = pb.DISPOSITION_REPLAYED, pb.DISPOSITION_CREATED
    assert [r.response.disposition for r in answer.results[:5]] == [
        replayed, created, pb.DISPOSITION_JOINED, created, replayed,
    ]  # fmt: skip
    ids = [r.response.referral.referral_id for r in answer.results[:5]]
    assert ids[0] == closed
    assert ids[1] == ids[2] != closed
    assert ids[3] == ids[4]
    assert answer.results[5].error.code == grpc.StatusCode.ALREADY_EXISTS.value[0]
    counts = await intake.counts()
    assert (counts["referrals"], counts["submissions"]) == (3, 4)


async def test_a_review_is_decided_once_and_a_replay_gets_the_same_answer(intake: Intake) -> None:
    referral_id, stub = await _in_review(intake), intake.casework()
    listed = await stub.ListWork(casework_pb.ListWorkRequest(), timeout=5)
    assert [r.referral_id for r in listed.referrals] == [referral_id]
    request = _decision(referral_id)
    first = await stub.DecideReview(request, timeout=5)
    assert first.referral.review.decided_by == "spiffe://takedown.internal/operator/ann"
    before = await intake.counts()
    assert await stub.DecideReview(request, timeout=5) == first
    second = await refused(stub.DecideReview(_decision(referral_id), timeout=5))
    assert (second.kind, second.reason) == (ErrorKind.FAILED_PRECONDITION, "REVIEW_NOT_OPEN")
    assert await intake.counts() == before
    assert not (await stub.ListWork(casework_pb.ListWorkRequest(), timeout=5)).referrals


async def test_a_reason_that_does_not_fit_the_decision_is_refused(intake: Intake) -> None:
    referral_id = await _in_review(intake)
    before = await intake.counts()
    request = _decision(referral_id, reason=enums.REVIEW_REASON_NOT_AN_ADVERT)
    error = await refused(intake.casework().DecideReview(request, timeout=5))
    assert (error.kind, error.violations[0].field) == (ErrorKind.INVALID, "reason")
    assert await intake.counts() == before


async def test_a_decision_without_an_open_review_is_refused(intake: Intake) -> None:
    request = _decision(await _created(intake))
    error = await refused(intake.casework().DecideReview(request, timeout=5))
    assert error.kind is ErrorKind.FAILED_PRECONDITION
    unknown = await refused(intake.casework().DecideReview(_decision(str(uuid4())), timeout=5))
    assert unknown.kind is ErrorKind.NOT_FOUND


async def test_a_note_with_a_nul_is_refused_and_not_an_internal_error(intake: Intake) -> None:
    request = _decision(await _in_review(intake), note="a\x00b")
    error = await refused(intake.casework().DecideReview(request, timeout=5))
    assert (error.kind, error.violations[0].field) == (ErrorKind.INVALID, "note")


async def test_one_of_two_submissions_taken_back_keeps_the_referral_open(intake: Intake) -> None:
    referral_id = await _created(intake)
    other = intake.referrals("referrer/europol")
    await other.SubmitReferral(submission(), timeout=5)
    inbox = (await intake.counts())["inbox_items"]
    first = await other.WithdrawReferral(_withdrawal(referral_id), timeout=5)
    assert not first.referral_withdrawn
    assert (await intake.counts())["inbox_items"] == inbox
    request = _withdrawal(referral_id)
    last = await intake.referrals().WithdrawReferral(request, timeout=5)
    assert last.referral_withdrawn
    assert await intake.referrals().WithdrawReferral(request, timeout=5) == last
    assert (await intake.counts())["inbox_items"] == inbox + 1
    again = await refused(intake.referrals().WithdrawReferral(_withdrawal(referral_id), timeout=5))
    assert again.kind is ErrorKind.FAILED_PRECONDITION


async def test_a_closed_referral_cannot_be_taken_back(intake: Intake) -> None:
    referral_id = await _created(intake)
    await _close(intake, referral_id)
    error = await refused(intake.referrals().WithdrawReferral(_withdrawal(referral_id), timeout=5))
    assert (error.kind, error.reason) == (ErrorKind.FAILED_PRECONDITION, "REFERRAL_CLOSED")


async def test_a_withdrawal_reason_with_a_nul_is_refused(intake: Intake) -> None:
    request = _withdrawal(await _created(intake))
    request.reason = "a\x00"
    error = await refused(intake.referrals().WithdrawReferral(request, timeout=5))
    assert (error.kind, error.violations[0].field) == (ErrorKind.INVALID, "reason")
