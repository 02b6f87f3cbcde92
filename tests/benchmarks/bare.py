"""The yardsticks: a bare grpc.aio server doing one INSERT, and a bare Temporal workflow.

Each is a process of its own, as what it is held against is: ``python -m tests.benchmarks.bare
CONFIG``, where CONFIG is JSON and what it names decides which.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from datetime import timedelta
from pathlib import Path
from typing import Any

import asyncpg
import grpc
from temporalio import activity, workflow
from temporalio.client import Client
from temporalio.worker import Worker

from services.kernel import process

METHOD = "/bench.Bare/Insert"


@activity.defn
async def nothing() -> None:
    """As much as an activity can do without doing anything."""


@workflow.defn(sandboxed=False)
class BareWorkflow:
    """As many activities as it takes to reach a number of state transitions."""

    @workflow.run
    async def run(self, activities: int) -> None:
        for _ in range(activities):
            await workflow.execute_activity(
                nothing, task_queue="bare", start_to_close_timeout=timedelta(seconds=30)
            )


def read_files(paths: dict[str, str]) -> dict[str, bytes]:
    return {name: Path(path).read_bytes() for name, path in paths.items()}


async def serve(config: dict[str, Any]) -> int:
    pool = await asyncpg.create_pool(config["database"], min_size=6, max_size=6)

    async def insert(request: bytes, _: Any) -> bytes:
        async with pool.acquire() as conn:
            await conn.execute("INSERT INTO intake.bench (body) VALUES ($1)", request)
        return b"ok"

    server = grpc.aio.server()
    handler = grpc.unary_unary_rpc_method_handler(insert)
    service = grpc.method_handlers_generic_handler("bench.Bare", {"Insert": handler})
    server.add_generic_rpc_handlers((service,))
    tls = read_files(config["tls"])
    credentials = grpc.ssl_server_credentials(
        [(tls["key_file"], tls["cert_file"])], tls["ca_file"], require_client_auth=True
    )
    server.add_secure_port(config["listen"], credentials)
    await server.start()
    print("ready", flush=True)
    await process.stop_event().wait()
    await server.stop(1)
    await pool.close()
    return 0


async def pipeline(config: dict[str, Any]) -> int:
    """Starts so many workflows at once; prints how many were done a second, and what one took."""
    client = await Client.connect(config["temporal"])
    activities = max(1, -(-(config["transitions"] - 2) // 3))
    worker = Worker(client, task_queue="bare", workflows=[BareWorkflow], activities=[nothing])
    async with worker:
        started = time.monotonic()
        handles = await asyncio.gather(
            *(
                client.start_workflow(
                    BareWorkflow.run, activities, id=f"bare/{n}", task_queue="bare",
                    request_eager_start=True,
                )
                for n in range(config["workflows"])
            )
        )  # fmt: skip
        await asyncio.gather(*(handle.result() for handle in handles))
        rate = config["workflows"] / (time.monotonic() - started)
    info = (await handles[0].describe()).raw_description.workflow_execution_info
    print(json.dumps({"per_s": rate, "transitions": info.state_transition_count}), flush=True)
    return 0


if __name__ == "__main__":
    given = json.loads(sys.argv[1])
    # As our own processes leave: finalising with the Temporal core's threads alive can crash.
    process.run(pipeline(given) if "temporal" in given else serve(given))
