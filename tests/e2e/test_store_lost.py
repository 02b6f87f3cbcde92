"""The promise of reconciliation: Temporal's store may be lost, the referrals are not (A6)."""

from __future__ import annotations

import asyncio
import json
import shutil
import tempfile
import uuid
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from temporalio.client import Client
from temporalio.service import RPCError

from infra.local.access import channel
from infra.local.auditor import AcceptedSubmission, audit, read_ledger
from infra.local.layout import OPERATOR, SCRIPT, Layout
from infra.local.stack import Stack
from takedown.intake.v1 import casework_service_pb2 as casework_pb
from takedown.intake.v1 import referral_service_pb2 as pb
from takedown.intake.v1.casework_service_pb2_grpc import CaseworkServiceStub
from takedown.intake.v1.referral_service_pb2_grpc import ReferralServiceStub
from takedown.referral.v1 import enums_pb2 as enums
from workflows import contracts

pytestmark = pytest.mark.timeout(280)
EXAMPLES = [
    json.loads(line)
    for line in (SCRIPT.parents[3] / "docs/examples/referrals.ndjson").read_text().splitlines()
]
OFFER = EXAMPLES[0]["text"]
(NO_OFFER,) = [line["text"] for line in EXAMPLES if line["reference"] == "EX-032"]
COUNT = 30
FIRST = 19 * 10**17
# What the platform does with each: nothing, acknowledges, or removes and says so.
KINDS: tuple[tuple[str, list[Any] | None], ...] = (
    ("AWAITING_ACKNOWLEDGEMENT", []),
    ("AWAITING_DECISION", [[0.3, "acknowledge"]]),
    ("MONITORING", None),
    ("IN_REVIEW", []),
)


def expected(number: int) -> str:
    return KINDS[number % len(KINDS)][0]


@pytest.fixture
def stack() -> Iterator[Stack]:
    root = Path(tempfile.mkdtemp(prefix="takedown-e2e-"))
    script = json.loads(SCRIPT.read_text("utf-8"))
    for number in range(COUNT):
        steps = KINDS[number % len(KINDS)][1]
        if steps is not None:
            script[f"x/{FIRST + number}"] = {"steps": {"1": steps} if steps else {}}
    path = root / "script.json"
    path.write_text(json.dumps(script))
    # An hour is 3.6 s: nothing is closed, and no deadline passes, before the test is over.
    running = Stack(Layout.prepare(root, time_scale=4e-3, script=path), gives_way=False)
    try:
        running.start()
        yield running
    finally:
        unclean = running.unclean(running.stop())
        shutil.rmtree(root, ignore_errors=True)
        assert unclean == {}


class Desk:
    """The callers of this test: a referrer and an operator."""

    def __init__(self, layout: Layout) -> None:
        self.channels = [
            channel(layout, "intake", "referrer", "nca"),
            channel(layout, "intake", "operator", OPERATOR),
        ]
        self.referrer = ReferralServiceStub(self.channels[0])
        self.casework = CaseworkServiceStub(self.channels[1])

    async def submit(self, number: int) -> AcceptedSubmission:
        text = NO_OFFER if expected(number) == "IN_REVIEW" else OFFER
        url = f"https://x.com/e2e/status/{FIRST + number}"
        request = pb.SubmitReferralRequest(
            request_id=str(uuid.uuid4()),
            content=pb.SubmittedContent(url=url, text=text),
            terms_ground=1,
            test=True,
        )
        answer = await self.referrer.SubmitReferral(request, timeout=10)
        return AcceptedSubmission("nca", request.request_id, answer.referral.referral_id)

    async def states(self) -> Counter[str]:
        answer = await self.referrer.ListReferrals(
            pb.ListReferralsRequest(page_size=100), timeout=10
        )
        return Counter(enums.ReferralState.Name(r.state)[15:] for r in answer.referrals)

    async def until(self, wanted: Counter[str]) -> None:
        async with asyncio.timeout(90):
            while await self.states() != wanted:
                await asyncio.sleep(0.2)

    async def reconcile(self, *, dry_run: bool) -> casework_pb.Reconciliation:
        request = casework_pb.RequestReconciliationRequest(
            request_id=str(uuid.uuid4()), dry_run=dry_run
        )
        asked = await self.casework.RequestReconciliation(request, timeout=10)
        wanted = casework_pb.GetReconciliationRequest(reconciliation_id=asked.reconciliation_id)
        async with asyncio.timeout(60):
            while True:
                answer = await self.casework.GetReconciliation(wanted, timeout=10)
                if answer.reconciliation.HasField("finish_time"):
                    return answer.reconciliation
                await asyncio.sleep(0.2)

    async def close(self) -> None:
        for opened in self.channels:
            await opened.close()


async def lose_the_store(stack: Stack) -> None:
    await asyncio.to_thread(stack.hold, "temporal")
    for path in stack.layout.root.glob("temporal.sqlite*"):
        path.unlink()
    stack.release("temporal")


async def tracked(stack: Stack, referral_ids: list[str]) -> int:
    """How many have a running workflow, once Temporal answers again."""
    async with asyncio.timeout(60):
        while True:
            try:
                client = await Client.connect(stack.layout.address("temporal"))
                break
            except RuntimeError:
                await asyncio.sleep(0.2)
    found = 0
    for referral_id in referral_ids:
        try:
            described = await client.get_workflow_handle(
                contracts.workflow_id(referral_id)
            ).describe()
        except RPCError:
            continue
        found += described.status is not None and described.status.name == "RUNNING"
    return found


async def test_open_referrals_are_tracked_again_when_temporals_store_is_lost(stack: Stack) -> None:
    desk = Desk(stack.layout)
    accepted = [await desk.submit(number) for number in range(COUNT)]
    ids = [item.referral_id for item in accepted]
    wanted = Counter(expected(number) for number in range(COUNT))
    await desk.until(wanted)
    sent = len(read_ledger(stack.layout))
    await lose_the_store(stack)
    assert await tracked(stack, ids) == 0
    looked = await desk.reconcile(dry_run=True)
    assert (looked.open_referrals, looked.missing, looked.started_workflows) == (COUNT, COUNT, 0)
    await desk.reconcile(dry_run=False)
    assert await tracked(stack, ids) == COUNT
    # Restored, they look at their posts at once: what moves on in both looks is not compared.
    async with asyncio.timeout(90):
        while (again := await desk.reconcile(dry_run=False)).compared < COUNT:
            assert (again.missing, list(again.divergent)) == (0, [])
    assert (again.open_referrals, again.missing, list(again.divergent)) == (COUNT, 0, [])
    assert again.compared == COUNT
    assert await desk.states() == wanted
    # They live on: the reviewers' decisions lead to notices, and nothing is sent twice.
    held_back = [i for number, i in enumerate(ids) if expected(number) == "IN_REVIEW"]
    for referral_id in held_back[:3]:
        await desk.casework.DecideReview(
            casework_pb.DecideReviewRequest(
                referral_id=referral_id,
                request_id=str(uuid.uuid4()),
                decision=enums.REVIEW_DECISION_REJECT,
                reason=enums.REVIEW_REASON_PROTECTED_SPEECH,
            ),
            timeout=10,
        )
    await desk.until(wanted - Counter({"IN_REVIEW": 3}) + Counter({"CLOSED": 3}))
    findings = await audit(stack.layout, accepted)
    assert findings.clean, findings.notes
    assert len(read_ledger(stack.layout)) == sent
    await desk.close()
