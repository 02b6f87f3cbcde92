"""Nothing acknowledged is lost: the database stops, the process is killed, the client retries."""

from __future__ import annotations

import asyncio
import signal
from pathlib import Path

import grpc

from services.kernel.errors import ErrorKind
from takedown.intake.v1 import referral_service_pb2 as pb
from tests.fakes.pki import Pki
from tests.integration.conftest import MakeSchema, Postgres
from tests.integration.intake.serving import Intake, process, submission
from tests.integration.refusing import refused


async def test_a_stopped_database_is_said_and_nothing_acknowledged_is_lost(
    intake: Intake, postgres: Postgres
) -> None:
    stub = intake.referrals()
    kept = [await stub.SubmitReferral(submission(n), timeout=5) for n in range(5)]
    request = submission(6)
    postgres.stop()
    try:
        error = await refused(stub.SubmitReferral(request, timeout=10))
        assert (error.kind, error.reason) == (ErrorKind.UNAVAILABLE, "DATABASE_UNAVAILABLE")
        assert error.retry_after is not None
        one = pb.GetReferralRequest(referral_id=kept[0].referral.referral_id)
        assert (await refused(stub.GetReferral(one, timeout=10))).kind is ErrorKind.UNAVAILABLE
    finally:
        postgres.ensure_running()
    again = await stub.SubmitReferral(request, timeout=10)
    assert again.disposition == pb.DISPOSITION_CREATED
    for answer in kept:
        got = await stub.GetReferral(
            pb.GetReferralRequest(referral_id=answer.referral.referral_id), timeout=5
        )
        assert got.referral.referral_id == answer.referral.referral_id


async def test_intake_killed_with_calls_in_flight_makes_no_second_referral(
    pki: Pki, make_schema: MakeSchema, tmp_path: Path
) -> None:
    urls = await make_schema("intake")
    requests = [submission(n) for n in range(300)]
    acknowledged: dict[str, str] = {}
    midway = asyncio.Event()

    async def send(intake: Intake, stub: object, request: pb.SubmitReferralRequest) -> None:
        answer = await stub.SubmitReferral(request, timeout=10)  # type: ignore[attr-defined]
        known = acknowledged.setdefault(request.request_id, answer.referral.referral_id)
        assert known == answer.referral.referral_id
        if len(acknowledged) >= 20:
            midway.set()

    # Small transactions, so that many are still to come when the first are answered.
    async with process(pki, urls, tmp_path, "coalesce = 10") as (intake, running):
        stub = intake.referrals()
        sending = [asyncio.create_task(send(intake, stub, r)) for r in requests]
        async with asyncio.timeout(20):
            await midway.wait()
        running.send_signal(signal.SIGKILL)
        results = await asyncio.gather(*sending, return_exceptions=True)
        stored = (await intake.counts())["submissions"]
    failed = [e for e in results if isinstance(e, BaseException)]
    assert failed
    assert {type(e) for e in failed} == {grpc.aio.AioRpcError}
    # Whatever was answered is stored; more may be stored than was answered.
    assert stored >= max(20, len(acknowledged))
    async with process(pki, urls, tmp_path) as (intake, _):
        stub = intake.referrals()
        await asyncio.gather(*[send(intake, stub, r) for r in requests])
        counts = await intake.counts()
    assert (counts["referrals"], counts["submissions"], counts["events"]) == (300, 300, 300)
    assert counts["inbox_items"] == 300
