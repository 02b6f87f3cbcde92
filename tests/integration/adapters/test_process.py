"""The adapter as a process of its own: stopped under load, and killed."""

from __future__ import annotations

import asyncio
import itertools
import json
import signal
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from uuid import uuid4

import grpc
import pytest

from services.kernel import grpc_client
from services.kernel.errors import DomainError, ErrorKind
from services.kernel.grpc_errors import from_rpc_error
from takedown.adapter.v1 import platform_adapter_service_pb2 as pb
from takedown.adapter.v1.platform_adapter_service_pb2_grpc import PlatformAdapterServiceStub
from tests.fakes.platform import Fault
from tests.integration.adapters.conftest import World
from tests.integration.adapters.serving import SECRET, TOKEN, notice
from tests.integration.processes import service_process, until_ready
from tests.simulators.webhooks import signature

pytestmark = [
    pytest.mark.asyncio(loop_scope="session"),
    pytest.mark.usefixtures("platform_behaves"),
]


class Running:
    def __init__(self, process: asyncio.subprocess.Process, stub: Any, webhook: str) -> None:
        self.process = process
        self.stub = stub
        self.webhook = webhook


@asynccontextmanager
async def process(world: World, folder: Path) -> AsyncIterator[Running]:
    """X's adapter as ``python -m services.adapters``."""
    tls, web_ready = world.pki.tls("platform/x"), folder / f"webhook-{uuid4()}"
    values = {
        "platform": "x",
        "acknowledgement": f"127.0.0.1:{world.acknowledgement.port}",
        "time_scale": 1e-6,
        "database": {"url": world.x.urls.app},
        "endpoint": {
            "url": f"https://127.0.0.1:{world.platform.port}/api/x",
            "token": TOKEN, "sandbox": True, "ca_file": str(tls.ca_file),
        },
        "webhook": {"listen": "127.0.0.1:0", "secret": SECRET, "ready_file": str(web_ready)},
    }  # fmt: skip
    async with service_process("services.adapters", values, tls, folder) as (started, port, _):
        webhook = f"https://127.0.0.1:{await until_ready(web_ready)}/webhooks"
        worker = world.pki.tls("service/worker")
        target, name = f"127.0.0.1:{port}", grpc_client.server_name("x")
        async with grpc_client.channel(target, worker, name, retry=False) as channel:
            yield Running(started, PlatformAdapterServiceStub(channel), webhook)


async def _send_until_it_stops(running: Running, answered: list[str]) -> DomainError:
    """Notices one after the other; the refusal of the first that is not taken."""
    for _ in itertools.count():
        request = notice("x")
        try:
            await running.stub.SubmitNotice(request, timeout=10)
        except grpc.aio.AioRpcError as error:
            return from_rpc_error(error)
        answered.append(request.notice_id)
    raise AssertionError


async def _post(world: World, url: str, notice_id: str) -> str:
    """A signed acknowledgement; its event id once it was taken."""
    event_id = f"evt-{uuid4()}"
    data = {
        "event_id": event_id, "type": "acknowledgement", "notice_id": notice_id,
        "occurred_at": "2026-11-24T13:07:40+00:00",
    }  # fmt: skip
    body, stamp = json.dumps({"data": data}).encode(), int(time.time())
    headers = {
        "webhook-id": event_id,
        "webhook-timestamp": str(stamp),
        "webhook-signature": signature(SECRET, event_id, stamp, body),
    }
    answered = await world.web.post(url, content=body, headers=headers)
    assert answered.status_code == 202
    return event_id


async def test_an_adapter_stopped_under_load_exits_with_0_and_loses_nothing(
    world: World, tmp_path: Path
) -> None:
    answered: list[str] = []
    async with process(world, tmp_path) as running:
        sending = [asyncio.create_task(_send_until_it_stops(running, answered)) for _ in range(8)]
        while len(answered) < 40:
            await asyncio.wait(sending, timeout=0.01)
            assert not any(task.done() for task in sending)
        event_id = await _post(world, running.webhook, answered[0])
        running.process.send_signal(signal.SIGTERM)
        refusals = await asyncio.gather(*sending)
        async with asyncio.timeout(15):
            assert await running.process.wait() == 0
    # Turned away, never broken off in the middle.
    assert {error.kind for error in refusals} == {ErrorKind.UNAVAILABLE}
    effects = [world.platform.effect(notice_id) for notice_id in answered]
    assert all(effect is not None and effect.requests == 1 for effect in effects)
    await world.acknowledgement.until_heard(event_id)


async def test_an_adapter_that_was_killed_goes_on_where_it_was(
    world: World, tmp_path: Path
) -> None:
    request = notice("x")
    await world.acknowledgement.stop()
    try:
        async with process(world, tmp_path) as running:
            event_id = await _post(world, running.webhook, request.notice_id)
            # Killed between the platform's taking the notice and our knowing of it.
            world.platform.faults.append(Fault(took=True, then="hang"))
            world.platform.arrived.clear()
            sending = asyncio.ensure_future(running.stub.SubmitNotice(request, timeout=10))
            await world.platform.arrived.wait()
            async with asyncio.timeout(5):
                while world.platform.effect(request.notice_id) is None:
                    assert not sending.done()
                    await asyncio.sleep(0.01)
            running.process.send_signal(signal.SIGKILL)
            with pytest.raises(grpc.aio.AioRpcError):
                await sending
    finally:
        await world.acknowledgement.start()
    async with process(world, tmp_path) as running:
        await world.acknowledgement.until_heard(event_id)
        await running.stub.SubmitNotice(request, timeout=10)
        kept = await running.stub.GetNotice(
            pb.GetNoticeRequest(notice_id=request.notice_id), timeout=5
        )
    assert [event.event_id for event in kept.platform_events] == [event_id]
    effect = world.platform.effect(request.notice_id)
    assert effect is not None
    assert effect.requests == 2
    stored = await world.acknowledgement.stored(request.notice_id)
    assert [found for found, _ in stored] == [event_id]
