"""Promises of the whole stack, with processes that die: nothing lost, nothing twice."""

from __future__ import annotations

import asyncio
import json
import shutil
import tempfile
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest

from infra.local.access import channel
from infra.local.auditor import AcceptedSubmission, audit, read_ledger
from infra.local.layout import SCRIPT, Layout
from infra.local.stack import Stack
from takedown.intake.v1 import referral_service_pb2 as pb
from takedown.intake.v1.referral_service_pb2_grpc import ReferralServiceStub

pytestmark = pytest.mark.timeout(240)
TEXT = json.loads(
    (SCRIPT.parents[3] / "docs/examples/referrals.ndjson").read_text("utf-8").splitlines()[0]
)["text"]
MONITORING, CLOSED = 10, 11


@pytest.fixture(scope="module")
def stack() -> Iterator[Stack]:
    # Not pytest's own folder: PostgreSQL runs as another user there, and pytest's is private.
    root = Path(tempfile.mkdtemp(prefix="takedown-e2e-"))
    # Other tests run beside these: giving way to them would be measured as being slow.
    running = Stack(Layout.prepare(root, time_scale=1e-3), gives_way=False)
    try:
        running.start()
        yield running
    finally:
        unclean = running.unclean(running.stop())
        shutil.rmtree(root, ignore_errors=True)
        assert unclean == {}


async def submit(stack: Stack, numbers: range) -> list[AcceptedSubmission]:
    opened = channel(stack.layout, "intake", "referrer", "nca")
    stub = ReferralServiceStub(opened)
    accepted = []
    for number in numbers:
        request = pb.SubmitReferralRequest(
            request_id=str(uuid.uuid4()),
            content=pb.SubmittedContent(
                url=f"https://x.com/e2e/status/{17 * 10**17 + number}", text=TEXT, language="en"
            ),
            terms_ground=1,
            test=True,
        )
        answer = await stub.SubmitReferral(request, timeout=10)
        accepted.append(AcceptedSubmission("nca", request.request_id, answer.referral.referral_id))
    await opened.close()
    return accepted


async def until_confirmed(stack: Stack, accepted: list[AcceptedSubmission]) -> None:
    """Wait until every one of them is watched or closed."""
    opened = channel(stack.layout, "intake", "referrer", "nca")
    stub = ReferralServiceStub(opened)
    missing = {item.referral_id for item in accepted}
    async with asyncio.timeout(120):
        while missing:
            for referral_id in list(missing):
                answer = await stub.GetReferral(
                    pb.GetReferralRequest(referral_id=referral_id), timeout=10
                )
                if answer.referral.state in (MONITORING, CLOSED):
                    missing.discard(referral_id)
            await asyncio.sleep(0.2)
    await opened.close()


async def audited(stack: Stack, accepted: list[AcceptedSubmission]) -> None:
    findings = await audit(stack.layout, accepted)
    assert findings.clean, findings.notes


async def test_a_worker_killed_again_and_again_sends_no_notice_twice(stack: Stack) -> None:
    accepted = await submit(stack, range(12))
    for _ in range(3):
        before = len(read_ledger(stack.layout))
        async with asyncio.timeout(30):
            while len(read_ledger(stack.layout)) <= before < 12:
                await asyncio.sleep(0.05)
        stack.processes["worker"].kill()
    await until_confirmed(stack, accepted)
    assert len(read_ledger(stack.layout)) == 12
    await audited(stack, accepted)


async def test_submissions_are_accepted_while_temporal_is_down_and_delivered_after(
    stack: Stack,
) -> None:
    await asyncio.to_thread(stack.hold, "temporal")
    accepted = await submit(stack, range(100, 110))
    stack.release("temporal")
    await until_confirmed(stack, accepted)
    await audited(stack, accepted)


async def test_what_was_acknowledged_survives_the_database_being_killed(stack: Stack) -> None:
    accepted = await submit(stack, range(200, 206))
    stack.processes["postgres"].kill()
    await asyncio.sleep(0)
    async with asyncio.timeout(30):
        while not stack.processes["postgres"].alive():
            await asyncio.sleep(0.05)
    await until_confirmed_through_outage(stack, accepted)
    await audited(stack, accepted)


async def until_confirmed_through_outage(stack: Stack, accepted: list[AcceptedSubmission]) -> None:
    """While the database comes back the only error a caller may see is UNAVAILABLE."""
    import grpc

    async with asyncio.timeout(120):
        while True:
            try:
                await until_confirmed(stack, accepted)
            except grpc.aio.AioRpcError as error:
                assert error.code() is grpc.StatusCode.UNAVAILABLE
                continue
            return
