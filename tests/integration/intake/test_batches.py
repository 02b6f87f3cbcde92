"""Large batches: parts that follow one another, each whole; others have their turn meanwhile."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from functools import partial

import pytest

from services.intake import accept, batches, reading
from services.intake.batches import Parts
from services.intake.canonical import ContentIdentity, canonicalise
from services.intake.submission import NewSubmission
from services.kernel import db
from services.kernel.clock import SystemClock
from services.kernel.errors import ErrorKind
from services.kernel.grpc_errors import as_domain_error, from_status
from takedown.intake.v1 import referral_service_pb2 as pb
from tests.integration.conftest import Postgres
from tests.integration.intake.serving import Intake, submission

# Four parts in small: every referral that a test leaves behind is audited.
SIZE, PART, TURN = 100, 25, 5


@pytest.fixture(autouse=True)
def _small(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(batches, "PART", PART)
    monkeypatch.setattr(batches, "TURN", TURN)


def parts(store: batches.Store, identify: batches.Identify | None = None) -> Parts:
    arrival = reading.Arrival(
        "nca", "spiffe://takedown.internal/referrer/nca", SystemClock().now(), accept_real=True
    )
    return Parts(
        identify or partial(reading.identify, arrival=arrival),
        partial(reading.read_submission, arrival=arrival),
        store,
    )


async def test_a_request_that_stands_twice_is_stored_once_however_far_apart(intake: Intake) -> None:
    items = [submission(n) for n in range(SIZE - 1)]
    items.append(items[0])
    other = pb.SubmitReferralRequest()
    other.CopyFrom(items[1])
    other.reference = "another body under a known id"
    items[SIZE - 2] = other
    answer = await intake.referrals().BatchSubmitReferrals(
        pb.BatchSubmitReferralsRequest(requests=items), timeout=20
    )
    first, last = answer.results[0].response, answer.results[-1].response
    assert last.disposition == pb.DISPOSITION_REPLAYED
    assert last.submission.submission_id == first.submission.submission_id
    assert from_status(answer.results[-2].error).reason == "REQUEST_ID_REUSED"
    counts = await intake.counts()
    assert (counts["referrals"], counts["submissions"]) == (SIZE - 2, SIZE - 2)


async def test_content_that_stands_twice_is_joined_however_far_apart(intake: Intake) -> None:
    items = [submission(n) for n in range(SIZE - 1)] + [submission(0)]
    answer = await intake.referrals().BatchSubmitReferrals(
        pb.BatchSubmitReferralsRequest(requests=items), timeout=20
    )
    first, last = answer.results[0].response, answer.results[-1].response
    assert last.disposition == pb.DISPOSITION_JOINED
    assert last.referral.referral_id == first.referral.referral_id


async def test_a_database_lost_midway_is_told_item_by_item_and_the_batch_may_be_sent_again(
    intake: Intake, postgres: Postgres
) -> None:
    items = [submission(n) for n in range(SIZE)]
    lost_at = 2 * PART + TURN

    def losing(request: pb.SubmitReferralRequest) -> ContentIdentity:
        if request is items[lost_at]:
            postgres.stop()
        return canonicalise(request.content.url)

    engine = db.engine(intake.urls.settings(), "intake")
    try:
        told = await parts(accept.storing(engine), losing).results(items)
        assert all(result.HasField("response") for result in told[:PART])
        assert all(
            from_status(result.error).reason == "DATABASE_UNAVAILABLE"
            for result in told[lost_at - TURN :]
        )
        postgres.ensure_running()
        again = await parts(accept.storing(engine)).results(items)
    finally:
        postgres.ensure_running()
        await engine.dispose()
    for before, after in zip(told, again, strict=True):
        accepted = before.HasField("response")
        assert not accepted or after.response.disposition == pb.DISPOSITION_REPLAYED
        assert not accepted or (
            after.response.referral.referral_id == before.response.referral.referral_id
        )
    counts = await intake.counts()
    assert (counts["referrals"], counts["submissions"]) == (SIZE, SIZE)


async def test_a_batch_of_which_nothing_was_stored_fails_as_a_whole(
    intake: Intake, postgres: Postgres
) -> None:
    engine = db.engine(intake.urls.settings(), "intake")
    postgres.stop()
    try:
        with pytest.raises(Exception) as failed:  # noqa: PT011 - the database's own, of several kinds
            await parts(accept.storing(engine)).results([submission(n) for n in range(SIZE)])
        assert as_domain_error(failed.value).kind is ErrorKind.UNAVAILABLE
    finally:
        postgres.ensure_running()
        await engine.dispose()
    assert not any((await intake.counts()).values())


async def test_others_have_their_turn_while_a_batch_is_read_and_stored(intake: Intake) -> None:
    """Between two turns of the loop no more than ``TURN`` items are read."""
    counted, most = [0], [0]
    begun = asyncio.Event()

    def counting(request: pb.SubmitReferralRequest) -> ContentIdentity:
        counted[0] += 1
        begun.set()
        return canonicalise(request.content.url)

    async def others() -> None:
        await begun.wait()
        while True:
            before = counted[0]
            await asyncio.sleep(0)
            most[0] = max(most[0], counted[0] - before)

    engine = db.engine(intake.urls.settings(), "intake")
    watching = asyncio.create_task(others())
    try:
        await parts(accept.storing(engine), counting).results([submission(n) for n in range(SIZE)])
    finally:
        watching.cancel()
        await engine.dispose()
    assert (counted[0], most[0]) == (SIZE, TURN)


async def test_the_next_part_is_read_while_one_is_stored(intake: Intake) -> None:
    """What has to be read first would wait for ever if reading waited for storing."""
    engine = db.engine(intake.urls.settings(), "intake")
    store = accept.storing(engine)
    ahead = asyncio.Event()
    sizes: list[int] = []
    items = [submission(n) for n in range(SIZE - 10)]

    def reading_ahead(request: pb.SubmitReferralRequest) -> ContentIdentity:
        if request is items[PART]:
            ahead.set()
        return canonicalise(request.content.url)

    async def patient(items: Sequence[NewSubmission]) -> list[accept.Result]:
        sizes.append(len(items))
        await ahead.wait()
        return await store(items)

    try:
        async with asyncio.timeout(20):
            results = await parts(patient, reading_ahead).results(items)
    finally:
        await engine.dispose()
    assert all(result.HasField("response") for result in results)
    assert sizes == [PART] * 3 + [PART - 10]


async def test_a_batch_that_is_given_up_leaves_no_part_behind_half_stored(intake: Intake) -> None:
    engine = db.engine(intake.urls.settings(), "intake")
    store, storing = accept.storing(engine), asyncio.Event()
    finished: list[int] = []

    async def told(items: Sequence[NewSubmission]) -> list[accept.Result]:
        storing.set()
        results = await store(items)
        finished.append(len(results))
        return results

    task = asyncio.create_task(parts(told).results([submission(n) for n in range(SIZE)]))
    try:
        await storing.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
    finally:
        await engine.dispose()
    counts = await intake.counts()
    assert counts["referrals"] % PART == 0
    assert counts["referrals"] == counts["submissions"] == counts["inbox_items"]
    assert counts["referrals"] >= sum(finished)
