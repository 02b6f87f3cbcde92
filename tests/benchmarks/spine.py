"""``make bench``: ratios measured side by side in one run, written to build/bench/spine.json.

``python -m tests.benchmarks.spine --only submissions`` measures submitting alone, with nothing
but PostgreSQL and intake running, and writes build/bench/submissions.json; ``--only urgency`` the
urgency lane alone, ``--only pipeline`` the pipeline.

The machine is shared and noisy: what counts are ratios. Temporal's dev server runs with its
own limits raised, since they and not the pipeline would be measured otherwise.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import shutil
import signal
import socket
import subprocess
import sys
import time
import uuid
from collections.abc import Awaitable, Callable
from typing import Any

import asyncpg
import grpc

from infra.local.access import channel
from infra.local.auditor import read_ledger, read_told
from infra.local.layout import REPOSITORY, Layout
from infra.local.report import percentile
from infra.local.stack import Stack
from services.intake.canonical import canonicalise
from services.intake.url_refusals import UrlRefused
from services.kernel import grpc_client
from services.kernel.config import TlsSettings
from services.kernel.identity import Identity
from takedown.intake.v1 import referral_service_pb2 as pb
from takedown.intake.v1.referral_service_pb2_grpc import ReferralServiceStub
from tests.benchmarks.bare import METHOD
from tests.benchmarks.pipeline import PIPELINE_STARTS, pipeline
from tests.benchmarks.urgency import urgency_lane

BUILD = REPOSITORY / "build" / "bench"
TEXT = json.loads((REPOSITORY / "docs/examples/referrals.ndjson").open().readline())["text"]
IN_FLIGHT, SECONDS, RATE, OPEN_SECONDS = 50, 5.0, 5, 20
_IDS = iter(range(10**6))


def request() -> pb.SubmitReferralRequest:
    number = 1900000000000000000 + next(_IDS)
    url = f"https://x.com/bench/status/{number}"
    return pb.SubmitReferralRequest(
        request_id=str(uuid.uuid4()),
        content=pb.SubmittedContent(url=url, text=TEXT, language="en"),
        terms_ground=1,
        test=True,
    )


async def closed_loop(call: Callable[[], Awaitable[Any]]) -> float:
    """Calls a second with IN_FLIGHT in flight."""
    done, until = 0, time.monotonic() + SECONDS

    async def one() -> None:
        nonlocal done
        while time.monotonic() < until:
            await call()
            done += 1

    started = time.monotonic()
    await asyncio.gather(*(one() for _ in range(IN_FLIGHT)))
    return done / (time.monotonic() - started)


async def open_loop(layout: Layout, stub: Any, found: dict[str, Any]) -> None:
    accepted: dict[str, float] = {}
    accept_ms: list[float] = []
    seen: dict[str, float] = {}

    async def watch() -> None:
        # From the beginning: what is seen at once for earlier runs is not counted.
        async for response in stub.WatchReferralEvents(
            pb.WatchReferralEventsRequest(), timeout=300
        ):
            if response.event.HasField("platform_event"):
                seen[response.event.platform_event.event_id] = time.time()

    async def submit() -> None:
        one = request()
        started = time.time()
        await stub.SubmitReferral(one, timeout=10)
        accept_ms.append((time.time() - started) * 1000)
        accepted[one.content.url.rpartition("/")[2]] = time.time()

    watching = asyncio.create_task(watch())
    await asyncio.sleep(2.0)
    begun = time.time()
    tasks = []
    for number in range(RATE * OPEN_SECONDS):
        await asyncio.sleep(max(0.0, begun + number / RATE - time.time()))
        tasks.append(asyncio.create_task(submit()))
    await asyncio.gather(*tasks)
    await asyncio.sleep(5)
    watching.cancel()
    notice = [
        (e["accepted"] - accepted[e["key"]]) * 1000
        for e in read_ledger(layout)
        if e["key"] in accepted and e["number"] == 1
    ]
    told = read_told(layout)
    answers = [(at - told[k]) * 1000 for k, at in seen.items() if told.get(k, 0) > begun]
    found |= {
        "accept_ms_p99": round(percentile(accept_ms, 0.99), 1),
        "accept_to_notice_ms_p50": round(percentile(notice, 0.5), 1),
        "accept_to_notice_ms_p99": round(percentile(notice, 0.99), 1),
        "answer_to_event_ms_p50": round(percentile(answers, 0.5), 1),
        "answer_to_event_ms_p99": round(percentile(answers, 0.99), 1),
        "open_loop": {"submitted": len(accept_ms), "notices": len(notice), "answers": len(answers)},
    }


async def submissions(layout: Layout, opened: grpc.aio.Channel, found: dict[str, Any]) -> None:
    stub = ReferralServiceStub(opened)
    owner = layout.database_url("intake_owner").replace("+asyncpg", "")
    conn = await asyncpg.connect(owner)
    await conn.execute("CREATE TABLE IF NOT EXISTS intake.bench (id bigserial, body bytea)")
    await conn.close()
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        listen = f"127.0.0.1:{free.getsockname()[1]}"
    files, _ = layout.certificates(Identity("service", "intake"))
    config = {"database": owner, "listen": listen, "tls": files}
    server = subprocess.Popen(  # noqa: ASYNC220 - nothing else runs yet
        [sys.executable, "-m", "tests.benchmarks.bare", json.dumps(config)],
        stdout=subprocess.PIPE, cwd=REPOSITORY,
    )  # fmt: skip
    try:
        assert server.stdout is not None
        server.stdout.readline()
        mine, _ = layout.certificates(Identity("referrer", "nca"))
        bare = grpc_client.channel(
            listen, TlsSettings.model_validate(mine), grpc_client.server_name("intake")
        )
        body = request().SerializeToString()
        insert = bare.unary_unary(METHOD)
        # Bytes on both sides, made beforehand: the servers are compared, not the clients.
        submit = opened.unary_unary("/takedown.intake.v1.ReferralService/SubmitReferral")
        bodies = iter([request().SerializeToString() for _ in range(40_000)])
        runs = []
        for _ in range(3):
            theirs = await closed_loop(lambda: insert(body, timeout=10))
            ours = await closed_loop(lambda: submit(next(bodies), timeout=10))
            runs.append({"bare_per_s": round(theirs), "submit_per_s": round(ours)})
        await bare.close()
    finally:
        server.terminate()
        server.wait()
    ratios = sorted(run["submit_per_s"] / run["bare_per_s"] for run in runs)
    found |= {"submit_ratio": round(ratios[1], 3), "submit_runs": runs}
    batch = [pb.BatchSubmitReferralsRequest(requests=[request() for _ in range(1000)])
             for _ in range(5)]  # fmt: skip
    started = time.monotonic()
    for one in batch:
        await stub.BatchSubmitReferrals(one, timeout=60)
    found["batch_per_s"] = round(5000 / (time.monotonic() - started))


def with_starts(layout: Layout, starts: int | None) -> None:
    """Let the worker, from its next start, take ``starts`` routine referrals at once."""
    path = layout.root / "config" / "worker.toml"
    lines = [one for one in path.read_text("utf-8").splitlines() if "routine_starts" not in one]
    path.write_text("\n".join([f"routine_starts = {starts}"] * bool(starts) + lines), "utf-8")


def canonicaliser(found: dict[str, Any]) -> None:
    golden = REPOSITORY / "tests/unit/intake/golden_urls.ndjson"
    urls = [json.loads(line)["url"] for line in golden.read_text(encoding="utf-8").splitlines()]
    times = []
    for url in urls * 3:
        started = time.perf_counter()
        try:
            canonicalise(url)
        except UrlRefused:
            continue
        times.append((time.perf_counter() - started) * 1000)
    found["canonicalise_ms_p99"] = round(percentile(times, 0.99), 4)


def main() -> int:
    parser = argparse.ArgumentParser(description="Measure the spine of the system.")
    parser.add_argument(
        "--only", choices=("submissions", "urgency", "pipeline"), help="this part alone"
    )
    only = parser.parse_args().only
    shutil.rmtree(BUILD / "stack", ignore_errors=True)
    script = BUILD / "script.json"
    BUILD.mkdir(parents=True, exist_ok=True)
    demo = json.loads((REPOSITORY / "tests/simulators/scripts/demo.json").read_text("utf-8"))
    # The platform answers at once: what is measured is us and not its thinking time.
    demo["x/*"] = {"steps": {"1": [[0, "page", "removed"], [0.05, "claim"]]}}
    script.write_text(json.dumps(demo), encoding="utf-8")
    found: dict[str, Any] = {}
    layout = Layout.prepare(BUILD / "stack", time_scale=1e-3, script=script, temporal_limits=True)
    stack = Stack(
        layout,
        lambda line: print(line, flush=True),
        only=("postgres", "intake") if only == "submissions" else None,
    )
    if only in (None, "pipeline"):
        with_starts(layout, PIPELINE_STARTS)
    # Stopped from outside, it stops what it started.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    try:
        stack.start()
        found = asyncio.run(_RUNS[only](layout, stack))
    finally:
        stack.stop()
    text = json.dumps(found, indent=1)
    (BUILD / f"{only or 'spine'}.json").write_text(text + "\n", encoding="utf-8")
    print(text)
    return 0


async def run_submissions(layout: Layout, _: Stack) -> dict[str, Any]:
    found: dict[str, Any] = {}
    async with channel(layout, "intake", "referrer", "nca") as opened:
        await submissions(layout, opened, found)
    return found


async def run_urgency(layout: Layout, _: Stack) -> dict[str, Any]:
    async with channel(layout, "intake", "referrer", "nca") as opened:
        return await urgency_lane(layout, ReferralServiceStub(opened), request)


async def run_pipeline(layout: Layout, stack: Stack) -> dict[str, Any]:
    async with channel(layout, "intake", "referrer", "home-office") as opened:
        return await pipeline(layout, stack, ReferralServiceStub(opened), request)


async def run_all(layout: Layout, stack: Stack) -> dict[str, Any]:
    """Open loop, the pipeline, the urgency lane; then, the worker stopped, bare submissions."""
    found: dict[str, Any] = {"temporal_limits": "raised", "pipeline_starts": PIPELINE_STARTS}
    canonicaliser(found)
    async with (
        channel(layout, "intake", "referrer", "nca") as opened,
        channel(layout, "intake", "referrer", "home-office") as other,
    ):
        await open_loop(layout, ReferralServiceStub(opened), found)
        found |= await pipeline(layout, stack, ReferralServiceStub(other), request)
        found["rss_mb"] = {n: round(p.memory_mb()) for n, p in stack.processes.items()}
        # The lane before the submissions: what they leave in the inbox would come before its bulk.
        await asyncio.to_thread(stack.hold, "worker")
        with_starts(layout, None)
        stack.release("worker")
        found |= await urgency_lane(layout, ReferralServiceStub(opened), request)
        await asyncio.to_thread(stack.hold, "worker")
        await submissions(layout, opened, found)
    return found


_RUNS = {
    None: run_all, "submissions": run_submissions, "urgency": run_urgency,
    "pipeline": run_pipeline,
}  # fmt: skip


if __name__ == "__main__":
    sys.exit(main())
