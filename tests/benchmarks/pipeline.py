"""The pipeline to MONITORING against a bare Temporal workflow with as many state transitions."""

from __future__ import annotations

import asyncio
import json
import sys
import time
from collections.abc import Callable
from typing import Any

import asyncpg
from temporalio.client import Client

from infra.local.layout import Layout
from infra.local.processes import Process, Spec
from infra.local.stack import Stack
from takedown.intake.v1 import referral_service_pb2 as pb
from workflows import contracts

PIPELINE = 120
# With as many on their way as a worker takes; few are the urgency lane's price.
PIPELINE_STARTS = 64
BARE_SECONDS = 120.0


async def pipeline(
    layout: Layout, stack: Stack, stub: Any, request: Callable[[], pb.SubmitReferralRequest]
) -> dict[str, Any]:
    """Referrals a second to MONITORING, beside the bare workflow on the same server."""
    requests = [request() for _ in range(PIPELINE)]
    started = time.monotonic()
    batch = pb.BatchSubmitReferralsRequest(requests=requests)
    answer = await stub.BatchSubmitReferrals(batch, timeout=60)
    await confirmed(layout, PIPELINE)
    ours = PIPELINE / (time.monotonic() - started)
    client = await Client.connect(layout.address("temporal"))
    counts = []
    for result in answer.results[:20]:
        handle = client.get_workflow_handle(
            contracts.workflow_id(result.response.referral.referral_id)
        )
        info = (await handle.describe()).raw_description.workflow_execution_info
        counts.append(info.state_transition_count)
    transitions = min(counts)
    bare = await bare_pipeline(layout, stack, transitions)
    return {
        "pipeline_per_s": round(ours, 2),
        "bare_pipeline_per_s": round(bare["per_s"], 2),
        "pipeline_ratio": round(ours / bare["per_s"], 3),
        "happy_path_transitions": transitions,
        "transitions_observed": counts,
        "bare_transitions": bare["transitions"],
    }


async def confirmed(layout: Layout, wanted: int) -> None:
    """Until so many of home-office's referrals have come to MONITORING or beyond.

    The database is asked and not intake: looking on must not slow what is looked at.
    """
    conn = await asyncpg.connect(layout.database_url("intake_owner").replace("+asyncpg", ""))
    query = (
        "SELECT count(*) FROM intake.referrals JOIN intake.submissions USING (referral_id)"
        " WHERE referrer = 'home-office' AND state IN ('MONITORING', 'CLOSED')"
    )
    while await conn.fetchval(query) < wanted:  # noqa: ASYNC110 - another process decides
        await asyncio.sleep(0.1)
    await conn.close()


async def bare_pipeline(layout: Layout, stack: Stack, transitions: int) -> dict[str, Any]:
    """What the bare workflow's own process found; it gives way as far as our worker does."""
    config = {
        "temporal": layout.address("temporal"), "transitions": transitions, "workflows": PIPELINE,
    }  # fmt: skip
    logs = layout.root / "logs"
    command = [sys.executable, "-m", "tests.benchmarks.bare", json.dumps(config)]
    niceness = stack.processes["worker"].spec.niceness
    process = Process(Spec("bare", command, niceness=niceness), layout.root / "run", logs)
    process.start()
    status = await asyncio.to_thread(process.wait, BARE_SECONDS)
    said = (logs / "bare.log").read_text("utf-8")
    if status != 0:
        raise RuntimeError(f"the bare workflows ended with {status}: {said}")
    found: dict[str, Any] = json.loads(said.splitlines()[-1])
    return found
