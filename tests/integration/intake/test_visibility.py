"""A caller sees what is its own, and of the rest not even that it exists."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

import grpc
import pytest

from services.kernel.errors import DomainError, ErrorKind
from takedown.intake.v1 import casework_service_pb2 as casework_pb
from takedown.intake.v1 import record_service_pb2 as record_pb
from takedown.intake.v1 import referral_service_pb2 as pb
from takedown.intake.v1.referral_service_pb2_grpc import ReferralServiceStub
from tests.fakes.pki import Pki
from tests.integration.intake.serving import Intake, submission
from tests.integration.refusing import refused


def _calls(stub: Any, referral_id: str) -> list[Any]:
    return [
        stub.GetReferral(pb.GetReferralRequest(referral_id=referral_id), timeout=5),
        stub.ListReferralEvents(pb.ListReferralEventsRequest(referral_id=referral_id), timeout=5),
        stub.WatchReferralEvents(
            pb.WatchReferralEventsRequest(referral_id=referral_id), timeout=5
        ).read(),
        stub.WithdrawReferral(
            pb.WithdrawReferralRequest(
                referral_id=referral_id, request_id=str(uuid4()), reason="mine"
            ),
            timeout=5,
        ),
    ]


def _shape(error: DomainError) -> tuple[object, ...]:
    return error.kind, error.reason, error.message, error.violations, error.metadata


async def test_a_foreign_referral_answers_exactly_like_an_unknown_id(intake: Intake) -> None:
    mine = await intake.referrals().SubmitReferral(submission(), timeout=5)
    stranger = intake.referrals("referrer/europol")
    foreign = [await refused(c) for c in _calls(stranger, mine.referral.referral_id)]
    unknown = [await refused(c) for c in _calls(stranger, str(uuid4()))]
    assert [_shape(e) for e in foreign] == [_shape(e) for e in unknown]
    assert {e.kind for e in foreign} == {ErrorKind.NOT_FOUND}
    listed = await stranger.ListReferrals(pb.ListReferralsRequest(), timeout=5)
    assert not listed.referrals


async def test_a_joined_referrer_sees_no_submission_of_the_other(intake: Intake) -> None:
    first = await intake.referrals().SubmitReferral(submission(reason="secret plan"), timeout=5)
    other = intake.referrals("referrer/europol")
    await other.SubmitReferral(submission(), timeout=5)
    got = await other.GetReferral(
        pb.GetReferralRequest(referral_id=first.referral.referral_id), timeout=5
    )
    assert [s.referrer for s in got.referral.submissions] == ["europol"]
    events = await other.ListReferralEvents(
        pb.ListReferralEventsRequest(referral_id=first.referral.referral_id), timeout=5
    )
    text = str(events) + str(got)
    assert "nca" not in text
    assert "secret" not in text
    assert first.submission.submission_id not in text


@pytest.mark.parametrize("who", ["platform/x", "service/worker", "service/classification"])
async def test_a_role_that_may_not_submit_gets_nothing(intake: Intake, who: str) -> None:
    error = await refused(intake.referrals(who).SubmitReferral(submission(), timeout=5))
    assert (error.kind, error.reason) == (ErrorKind.PERMISSION_DENIED, "NOT_ALLOWED")
    assert not any((await intake.counts()).values())


async def test_a_referrer_neither_reviews_nor_writes_the_record(intake: Intake) -> None:
    who = "referrer/nca"
    event = record_pb.NewEvent(event_key="k")
    event.event.SetInParent()
    for call in (
        intake.casework(who).ListWork(casework_pb.ListWorkRequest(), timeout=5),
        intake.record(who).AppendEvents(
            record_pb.AppendEventsRequest(referral_id=str(uuid4()), events=[event]), timeout=5
        ),
    ):
        assert (await refused(call)).kind is ErrorKind.PERMISSION_DENIED


async def test_no_certificate_or_a_wrong_one_gets_nothing(
    intake: Intake, pki: Pki, foreign_pki: Pki
) -> None:
    authority = pki.ca.certificate_file.read_bytes()
    stranger = foreign_pki.tls("referrer/nca")
    for credentials in (
        grpc.ssl_channel_credentials(authority),
        grpc.ssl_channel_credentials(
            authority, stranger.key_file.read_bytes(), stranger.cert_file.read_bytes()
        ),
    ):
        options = [("grpc.ssl_target_name_override", "intake.takedown.internal")]
        async with grpc.aio.secure_channel(intake.target, credentials, options) as channel:
            error = await refused(
                ReferralServiceStub(channel).SubmitReferral(submission(), timeout=2)
            )
        assert error.kind in (ErrorKind.UNAVAILABLE, ErrorKind.DEADLINE_EXCEEDED)
    assert not any((await intake.counts()).values())
