"""A submission is stored once, whoever repeats it and however often."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from pathlib import Path

import grpc
import pytest

from services.kernel.errors import ErrorKind
from takedown.intake.v1 import referral_service_pb2 as pb
from takedown.referral.v1 import enums_pb2 as enums
from tests.fakes.pki import Pki
from tests.integration.conftest import MakeSchema
from tests.integration.intake.serving import Intake, process, serving, submission
from tests.integration.refusing import refused


async def test_a_new_submission_creates_a_referral_with_event_and_inbox_item(
    intake: Intake,
) -> None:
    answer = await intake.referrals().SubmitReferral(submission(), timeout=5)
    assert answer.disposition == pb.DISPOSITION_CREATED
    assert answer.referral.state == enums.REFERRAL_STATE_RECEIVED
    assert answer.referral.content.platform == "x"
    counts = await intake.counts()
    assert {
        t: counts[t] for t in ("referrals", "submissions", "events", "inbox_items")
    } == dict.fromkeys(("referrals", "submissions", "events", "inbox_items"), 1)


async def test_the_same_request_again_gets_the_stored_answer(intake: Intake) -> None:
    stub, request = intake.referrals(), submission()
    first = await stub.SubmitReferral(request, timeout=5)
    await stub.SubmitReferral(submission(), timeout=5)  # moves the referral on: a join
    again = await stub.SubmitReferral(request, timeout=5)
    assert again.disposition == pb.DISPOSITION_REPLAYED
    again.disposition = first.disposition
    assert again == first
    assert (await intake.counts())["submissions"] == 2


@pytest.mark.parametrize(
    ("who", "url"),
    [
        ("referrer/europol", "https://x.com/somebody/status/1800000000000000001"),
        ("referrer/nca", "https://mobile.twitter.com/somebody/status/1800000000000000001"),
        ("referrer/nca", "https://x.com/somebody/status/1800000000000000001?s=20&t=abc#top"),
        ("operator/ann", "https://twitter.com/somebody/status/1800000000000000001"),
    ],
)
async def test_the_same_content_in_other_clothes_joins(intake: Intake, who: str, url: str) -> None:
    first = await intake.referrals().SubmitReferral(submission(), timeout=5)
    second = await intake.referrals(who).SubmitReferral(submission(url=url), timeout=5)
    assert second.disposition == pb.DISPOSITION_JOINED
    assert second.referral.referral_id == first.referral.referral_id
    counts = await intake.counts()
    assert (counts["referrals"], counts["submissions"], counts["inbox_items"]) == (1, 2, 1)


async def test_a_test_never_joins_a_real_referral(intake: Intake) -> None:
    await intake.referrals().SubmitReferral(submission(), timeout=5)
    tested = await intake.referrals().SubmitReferral(submission(test=True), timeout=5)
    assert tested.disposition == pb.DISPOSITION_CREATED


async def test_a_more_urgent_join_hurries_the_referral(intake: Intake) -> None:
    stub = intake.referrals()
    await stub.SubmitReferral(submission(), timeout=5)
    departure = datetime.now(UTC) + timedelta(hours=6)
    joined = await stub.SubmitReferral(
        submission(urgency=enums.URGENCY_IMMINENT_DEPARTURE, departure_time=departure), timeout=5
    )
    got = await stub.GetReferral(
        pb.GetReferralRequest(referral_id=joined.referral.referral_id), timeout=5
    )
    assert got.referral.urgency == enums.URGENCY_IMMINENT_DEPARTURE
    assert got.referral.departure_time.ToDatetime(tzinfo=UTC) == departure
    assert got.referral.last_sequence == 3
    assert (await intake.counts())["inbox_items"] == 2


async def test_one_request_id_with_another_body_is_refused_and_stores_nothing(
    intake: Intake,
) -> None:
    stub, request = intake.referrals(), submission()
    await stub.SubmitReferral(request, timeout=5)
    before = await intake.counts()
    error = await refused(
        stub.SubmitReferral(submission(2, request_id=request.request_id), timeout=5)
    )
    assert (error.kind, error.reason) == (ErrorKind.ALREADY_EXISTS, "REQUEST_ID_REUSED")
    assert error.violations[0].field == "request_id"
    assert await intake.counts() == before


async def test_two_referrers_may_use_the_same_request_id(intake: Intake) -> None:
    request = submission()
    await intake.referrals().SubmitReferral(request, timeout=5)
    other = await intake.referrals("referrer/europol").SubmitReferral(
        submission(2, request_id=request.request_id), timeout=5
    )
    assert other.disposition == pb.DISPOSITION_CREATED


async def test_the_same_content_at_once_from_two_processes_makes_one_referral(
    pki: Pki, make_schema: MakeSchema
) -> None:
    urls = await make_schema("intake")
    async with serving(pki, urls, coalesce=1) as one, serving(pki, urls, coalesce=1) as two:
        stubs = [one.referrals(), two.referrals("referrer/europol")]
        answers = await asyncio.gather(
            *[stubs[n % 2].SubmitReferral(submission(), timeout=10) for n in range(20)]
        )
        counts = await one.counts()
    dispositions = [a.disposition for a in answers]
    assert dispositions.count(pb.DISPOSITION_CREATED) == 1
    assert dispositions.count(pb.DISPOSITION_JOINED) == 19
    assert len({a.referral.referral_id for a in answers}) == 1
    assert (counts["referrals"], counts["submissions"], counts["events"]) == (1, 20, 20)


async def test_one_request_sent_many_times_at_once_is_stored_once(intake: Intake) -> None:
    stub, request = intake.referrals(), submission()
    answers = await asyncio.gather(*[stub.SubmitReferral(request, timeout=10) for _ in range(10)])
    assert sorted(a.disposition for a in answers) == [1] + [2] * 9
    assert len({a.submission.submission_id for a in answers}) == 1
    assert (await intake.counts())["submissions"] == 1


async def test_a_bad_item_of_a_batch_spoils_nothing(intake: Intake) -> None:
    items = [submission(n) for n in range(5)]
    items[1].content.url = "ftp://x.com/somebody/status/1"
    items[3].request_id = "7"
    items.append(submission(0))
    answer = await intake.referrals().BatchSubmitReferrals(
        pb.BatchSubmitReferralsRequest(requests=items), timeout=10
    )
    codes = [r.error.code if r.HasField("error") else 0 for r in answer.results]
    assert codes == [0, 3, 0, 3, 0, 0]
    assert answer.results[5].response.disposition == pb.DISPOSITION_JOINED
    counts = await intake.counts()
    assert (counts["referrals"], counts["submissions"]) == (3, 4)


async def test_a_batch_of_a_thousand_is_taken_and_one_more_is_refused(intake: Intake) -> None:
    items, stub = [submission(n) for n in range(1001)], intake.referrals()
    error = await refused(
        stub.BatchSubmitReferrals(pb.BatchSubmitReferralsRequest(requests=items), timeout=20)
    )
    assert (error.kind, error.violations[0].field) == (ErrorKind.INVALID, "requests")
    assert not any((await intake.counts()).values())
    taken = await stub.BatchSubmitReferrals(
        pb.BatchSubmitReferralsRequest(requests=items[:1000]), timeout=20
    )
    assert all(r.response.disposition == pb.DISPOSITION_CREATED for r in taken.results)
    assert (await intake.counts())["referrals"] == 1000


async def test_a_message_over_four_megabytes_is_refused(intake: Intake) -> None:
    items = [submission(n, text="x" * 20_000) for n in range(250)]
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await intake.referrals().BatchSubmitReferrals(
            pb.BatchSubmitReferralsRequest(requests=items), timeout=20
        )
    assert caught.value.code() is grpc.StatusCode.RESOURCE_EXHAUSTED
    assert not any((await intake.counts()).values())


async def test_a_sandbox_installation_takes_tests_alone(
    pki: Pki, make_schema: MakeSchema, tmp_path: Path
) -> None:
    urls = await make_schema("intake")
    extra = 'accept_real = false\nplatforms = ["x"]'
    async with process(pki, urls, tmp_path, extra) as (intake, _):
        stub = intake.referrals()
        error = await refused(stub.SubmitReferral(submission(), timeout=5))
        assert [v.reason for v in error.violations] == ["SANDBOX_ONLY"]
        elsewhere = submission(url="https://www.instagram.com/p/Cabcdefghij/", test=True)
        error = await refused(stub.SubmitReferral(elsewhere, timeout=5))
        assert [v.reason for v in error.violations] == ["PLATFORM_NOT_SERVED"]
        assert not any((await intake.counts()).values())
        await stub.SubmitReferral(submission(test=True), timeout=5)
