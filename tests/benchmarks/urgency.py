"""The urgency lane: what an urgent referral waits for while bulk fills the queue."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import Any

from infra.local.auditor import read_ledger
from infra.local.layout import Layout
from infra.local.report import percentile
from takedown.intake.v1 import referral_service_pb2 as pb
from takedown.referral.v1 import enums_pb2 as enums

BULK, BATCH, URGENT, RATE = 5000, 1000, 45, 1.0
# The last urgent ones may take so long, and no longer, before they count as that late.
PATIENCE = 20.0


async def urgency_lane(
    layout: Layout, stub: Any, request: Callable[[], pb.SubmitReferralRequest]
) -> dict[str, Any]:
    """BULK routine referrals, then URGENT urgent ones, RATE a second, all on one platform."""
    bulk: set[str] = set()
    for _ in range(BULK // BATCH):
        batch = pb.BatchSubmitReferralsRequest(requests=[request() for _ in range(BATCH)])
        await stub.BatchSubmitReferrals(batch, timeout=120)
        bulk |= {_key(one) for one in batch.requests}
    while not bulk & _noticed(layout).keys():  # noqa: ASYNC110 - the ledger is a file
        await asyncio.sleep(0.1)
    accepted: dict[str, float] = {}

    async def submit() -> None:
        one = request()
        one.urgency = enums.URGENCY_URGENT
        await stub.SubmitReferral(one, timeout=30)
        accepted[_key(one)] = time.time()

    begun = time.time()
    tasks = []
    for number in range(URGENT):
        await asyncio.sleep(max(0.0, begun + number / RATE - time.time()))
        tasks.append(asyncio.create_task(submit()))
    await asyncio.gather(*tasks)
    until = time.time() + PATIENCE
    missing = accepted.keys() - _noticed(layout).keys()
    while missing and time.time() < until:
        missing -= _noticed(layout).keys()
        await asyncio.sleep(0.1)
    noticed, seconds = _noticed(layout), time.time() - begun
    waits = [(noticed.get(key, time.time()) - at) * 1000 for key, at in accepted.items()]
    done = sum(1 for key in bulk if noticed.get(key, 0.0) > begun)
    return {
        "urgent_accept_to_notice_ms_p50": round(percentile(waits, 0.5), 1),
        "urgent_accept_to_notice_ms_p99": round(percentile(waits, 0.99), 1),
        "urgency_lane": {
            "routine": len(bulk),
            "routine_still_waiting": len(bulk - noticed.keys()),
            "routine_notices_per_s": round(done / seconds, 1),
            "urgent": len(waits),
            "urgent_without_notice": len(accepted.keys() - noticed.keys()),
        },
    }


def _key(request: pb.SubmitReferralRequest) -> str:
    return request.content.url.rpartition("/")[2]


def _noticed(layout: Layout) -> dict[str, float]:
    """When the platform accepted each item's first notice."""
    return {e["key"]: e["accepted"] for e in read_ledger(layout) if e["number"] == 1}
