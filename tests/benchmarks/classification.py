"""``make bench``, second part: speed, latency and memory of the classifier.

On the texts of the test split.
One core (one process, one thread of embedding). Writes build/bench/classification.json.
"""

from __future__ import annotations

import asyncio
import gc
import json
import os
import shutil
import sys
import time
from typing import Any, Final

for _name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[_name] = "1"

from infra.local.access import channel  # noqa: E402
from infra.local.layout import REPOSITORY, Layout  # noqa: E402
from infra.local.report import percentile  # noqa: E402
from infra.local.stack import Stack  # noqa: E402
from services.classification import engines, together  # noqa: E402
from services.classification.domain import AssessmentInput, Engine  # noqa: E402
from services.classification.training import corpus  # noqa: E402
from takedown.classification.v1 import classification_service_pb2 as pb  # noqa: E402
from takedown.classification.v1.classification_service_pb2_grpc import (  # noqa: E402
    ClassificationServiceStub,
)

BUILD: Final = REPOSITORY / "build" / "bench"
CALLS: Final = 400
HOSTILE: Final = {
    "one letter": "a" * 20_000,
    "bidi": "\u202eboat \u202d\u2067UK\u2069 " * 1_500,
    "emoji": "🚤🔥" * 5_000,
    "digits": "07700 900123 " * 1_500,
    "dots": "b.o.a.t " * 2_500,
    "quotes": "“" * 20_000,
    "arabic": "قارب " * 4_000,
}


def rate(engine: Engine, items: list[AssessmentInput], at_once: int, seconds: float = 8.0) -> float:
    """Texts a second, so many handed over at once, for about so long."""
    engine.assess_all(items[:at_once])
    done, started = 0, time.perf_counter()
    while time.perf_counter() - started < seconds:
        first = done % len(items)
        done += len(engine.assess_all(items[first : first + at_once]))
    return done / (time.perf_counter() - started)


def hostile(engine: Engine) -> dict[str, float]:
    """Milliseconds of each, the best of three."""
    found = {}
    for name, text in HOSTILE.items():
        times = []
        for _ in range(3):
            started = time.perf_counter()
            engine.assess(AssessmentInput(name, text, corpus.REFERENCE))
            times.append((time.perf_counter() - started) * 1000)
        found[name] = round(min(times), 1)
    return found


async def assessed(layout: Layout, texts: list[str]) -> list[float]:
    """Milliseconds of each Assess call over mTLS, one at a time."""
    opened = channel(layout, "classification", "service", "worker")
    stub = ClassificationServiceStub(opened)
    times = []
    for number in range(-20, CALLS):
        request = pb.AssessRequest(item_id=str(number), text=texts[number % len(texts)])
        started = time.perf_counter()
        await stub.Assess(request, timeout=10)
        if number >= 0:
            times.append((time.perf_counter() - started) * 1000)
    await opened.close()
    return times


def service(texts: list[str]) -> dict[str, Any]:
    shutil.rmtree(BUILD / "classifier", ignore_errors=True)
    layout = Layout.prepare(BUILD / "classifier", time_scale=1.0)
    stack = Stack(layout, lambda line: print(line, flush=True), only=("postgres", "classification"))
    try:
        stack.start()
        times = asyncio.run(assessed(layout, texts))
        memory = stack.processes["classification"].memory_mb()
    finally:
        stack.stop()
    return {
        "assess_ms_p50": round(percentile(times, 0.5), 1),
        "assess_ms_p99": round(percentile(times, 0.99), 1),
        "rss_mb": round(memory),
    }


def main() -> int:
    BUILD.mkdir(parents=True, exist_ok=True)
    texts = [item.text for item in corpus.load() if item.split == "test"]
    items = [AssessmentInput(str(n), text, corpus.REFERENCE) for n, text in enumerate(texts)]
    found: dict[str, Any] = {"texts": len(texts)}
    for kind in ("rules", "fast", "cascade"):
        engine = engines.load(kind)
        # As the service does, and the kernel when it is ready.
        together.collect_seldom()
        gc.collect()
        gc.freeze()
        found[f"{kind}_per_s"] = round(rate(engine, items, together.MOST))
        found[f"{kind}_one_by_one_per_s"] = round(rate(engine, items, 1))
    found["hostile_ms"] = hostile(engines.load("cascade"))
    found |= service(texts)
    text = json.dumps(found, indent=1)
    (BUILD / "classification.json").write_text(text + "\n", encoding="utf-8")
    print(text)
    return 0


if __name__ == "__main__":
    sys.exit(main())
