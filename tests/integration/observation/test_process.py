"""Observation as a process of its own, stopped while it looks."""

from __future__ import annotations

import asyncio
import itertools
import signal
from pathlib import Path
from typing import Any

import asyncpg
import grpc
import pytest

from infra.local.configs import CONTROLS
from services.kernel import grpc_client
from services.kernel.errors import DomainError, ErrorKind
from services.kernel.grpc_errors import from_rpc_error
from takedown.observation.v1.observation_service_pb2_grpc import ObservationServiceStub
from tests.integration.observation.conftest import World
from tests.integration.observation.serving import content, observe
from tests.integration.observation.states import key
from tests.integration.processes import service_process

pytestmark = pytest.mark.asyncio(loop_scope="session")


def _settings(world: World, folder: Path) -> dict[str, Any]:
    return {
        "evidence": str(folder / "evidence"),
        "fetch_seconds": 10.0,
        "database": {"url": world.urls.app},
        "controls": {slug: {"live": live, "dead": dead} for slug, (live, dead) in CONTROLS.items()},
        "sandbox": {
            "origin": f"127.0.0.1:{world.origin}",
            "ca_file": str(world.pki.ca.certificate_file),
        },
    }


async def _look_until_it_stops(stub: Any, answered: list[str]) -> DomainError:
    for _ in itertools.count():
        request = observe(content("x", key("x", "removed")))
        try:
            await stub.Observe(request, timeout=10)
        except grpc.aio.AioRpcError as error:
            return from_rpc_error(error)
        answered.append(request.request_id)
    raise AssertionError


async def test_observation_stopped_under_load_exits_with_0_and_keeps_what_it_answered(
    world: World, tmp_path: Path
) -> None:
    answered: list[str] = []
    tls, worker = world.pki.tls("service/observation"), world.pki.tls("service/worker")
    values, name = _settings(world, tmp_path), grpc_client.server_name("observation")
    async with service_process("services.observation", values, tls, tmp_path) as running:
        process, port, log = running
        target = f"127.0.0.1:{port}"
        async with grpc_client.channel(target, worker, name, retry=False) as channel:
            stub = ObservationServiceStub(channel)
            looking = [asyncio.create_task(_look_until_it_stops(stub, answered)) for _ in range(8)]
            while len(answered) < 40:
                await asyncio.wait(looking, timeout=0.01)
                assert not any(task.done() for task in looking)
            process.send_signal(signal.SIGTERM)
            refusals = await asyncio.gather(*looking)
            async with asyncio.timeout(15):
                assert await process.wait() == 0
        said = log.read_text()
    assert {error.kind for error in refusals} == {ErrorKind.UNAVAILABLE}
    connection = await asyncpg.connect(world.urls.app.replace("+asyncpg", ""))
    kept = await connection.fetchval(
        "SELECT count(*) FROM observation.observations WHERE request_id = ANY($1::text[])", answered
    )
    await connection.close()
    assert kept == len(answered)
    # A development stack says at once that it reaches nothing but its sandbox.
    assert "sandbox_only" in said
    assert "somebody" not in said
