"""DeliveryService over the inbox: windows, wake-ups, draining."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

import grpc
import pytest

from services.kernel import db, inbox
from services.kernel.allow_list import AllowList
from services.kernel.clock import SystemClock
from services.kernel.delivery_servicer import DeliveryServicer
from services.kernel.grpc_server import server_credentials
from services.kernel.interceptors import ServerInterceptor
from takedown.delivery.v1 import delivery_service_pb2 as pb
from takedown.delivery.v1 import delivery_service_pb2_grpc as pb_grpc
from tests.fakes.pki import Pki
from tests.integration.conftest import DatabaseUrls, MakeSchema
from tests.integration.kernel.serving import connected

SCHEMA = "acknowledgement"


class Stack:
    """A delivery server, a stub of the worker, and the database behind them."""

    def __init__(self, urls: DatabaseUrls) -> None:
        self.engine = db.engine(urls.settings(), "test")
        self.servicer = DeliveryServicer(self.engine, urls.settings(), SCHEMA, SystemClock())
        self.stop = asyncio.Event()
        self.stub: Any = None

    async def store(self, count: int) -> None:
        items = [
            inbox.NewItem(uuid4(), "platform.event", None, b"x", "", 2, datetime.now(UTC))
            for _ in range(count)
        ]
        async with db.raw(self.engine) as conn, conn.transaction():
            await inbox.store_raw(conn, SCHEMA, items)

    def receive(self, window: int, claimant: str = "") -> Any:
        request = pb.ReceiveRequest(claimant_id=claimant or str(uuid4()), window=window)
        request.lease.FromSeconds(60)
        return self.stub.Receive(request, timeout=30)

    async def complete(self, item_id: str) -> None:
        result = pb.DELIVERY_RESULT_DELIVERED
        await self.stub.Complete(pb.CompleteRequest(item_id=item_id, result=result), timeout=5)


@pytest.fixture
async def stack(make_schema: MakeSchema, pki: Pki) -> AsyncIterator[Stack]:
    made = Stack(await make_schema(SCHEMA))
    async with _served(made, pki) as target, connected(target, pki.tls("service/worker")) as c:
        made.stub = pb_grpc.DeliveryServiceStub(c)
        yield made


@asynccontextmanager
async def _served(stack: Stack, pki: Pki) -> AsyncIterator[str]:
    server = grpc.aio.server(interceptors=(ServerInterceptor(AllowList.read()),))
    stack.servicer.register(server)
    port = server.add_secure_port("127.0.0.1:0", server_credentials(pki.tls("service/intake")))
    await server.start()
    background = asyncio.create_task(stack.servicer.background(stack.stop))
    try:
        yield f"127.0.0.1:{port}"
    finally:
        stack.stop.set()
        await background
        await server.stop(1)
        await stack.engine.dispose()


async def test_what_is_stored_while_a_relay_waits_arrives_without_a_poll(stack: Stack) -> None:
    call = stack.receive(10)
    reading = asyncio.create_task(call.read())
    loop = asyncio.get_running_loop()
    quickest = 10.0
    for _ in range(5):
        started = loop.time()
        await stack.store(1)
        await stack.complete((await reading).item.item_id)
        quickest = min(quickest, loop.time() - started)
        reading = asyncio.create_task(call.read())
    call.cancel()
    reading.cancel()
    await asyncio.gather(reading, return_exceptions=True)
    assert quickest < 0.5


async def test_a_full_window_waits_and_a_settled_item_makes_room_at_once(stack: Stack) -> None:
    await stack.store(40)
    call = stack.receive(2)
    loop = asyncio.get_running_loop()
    started = loop.time()
    seen = set()
    for _ in range(40):
        item = (await call.read()).item
        seen.add(item.item_id)
        await stack.complete(item.item_id)
    call.cancel()
    assert len(seen) == 40
    # By polling alone this would take some twenty seconds.
    assert loop.time() - started < 5


async def test_a_stream_ends_when_the_server_drains(stack: Stack) -> None:
    call = stack.receive(10)
    reading = asyncio.create_task(call.read())
    await stack.store(1)
    assert (await reading).item.kind == "platform.event"
    stack.stop.set()
    async with asyncio.timeout(3):
        assert await call.read() is grpc.aio.EOF


async def test_a_later_stream_takes_over_from_one_that_nobody_reads(stack: Stack) -> None:
    await stack.store(2)
    claimant = str(uuid4())
    # Not cancelled: the connection was lost and the server has not heard of it.
    lost = stack.receive(10, claimant)
    held = {(await lost.read()).item.item_id for _ in range(2)}
    call = stack.receive(10, claimant)
    async with asyncio.timeout(5):
        assert {(await call.read()).item.item_id for _ in range(2)} == held
        assert await lost.read() is grpc.aio.EOF
        await stack.store(1)
        assert (await call.read()).item.item_id not in held
    call.cancel()


async def test_an_item_that_was_deferred_comes_back(stack: Stack) -> None:
    await stack.store(1)
    call = stack.receive(10)
    first = (await call.read()).item
    request = pb.CompleteRequest(item_id=first.item_id, result=pb.DELIVERY_RESULT_DEFERRED)
    request.retry_after.FromMilliseconds(200)
    await stack.stub.Complete(request, timeout=5)
    again = (await call.read()).item
    call.cancel()
    assert (again.item_id, again.attempts) == (first.item_id, 2)


async def _requeued(stack: Stack, **request: Any) -> tuple[int, int]:
    answer = await stack.stub.RequeueUnmatched(pb.RequeueUnmatchedRequest(**request), timeout=5)
    return answer.unmatched, answer.requeued


async def test_what_matched_nothing_is_handed_out_again_when_asked(stack: Stack) -> None:
    await stack.store(3)
    call = stack.receive(10)
    first = [(await call.read()).item for _ in range(3)]
    for item in first[:2]:
        request = pb.CompleteRequest(item_id=item.item_id, result=pb.DELIVERY_RESULT_UNMATCHED)
        await stack.stub.Complete(request, timeout=5)
    await stack.complete(first[2].item_id)
    assert await _requeued(stack, dry_run=True) == (2, 0)
    # What was settled first comes first; what was delivered never comes again.
    assert await _requeued(stack, limit=1) == (2, 1)
    again = (await call.read()).item
    assert (again.item_id, again.attempts) == (first[0].item_id, 2)
    assert await _requeued(stack) == (1, 1)
    assert (await call.read()).item.item_id == first[1].item_id
    assert await _requeued(stack) == (0, 0)
    call.cancel()


async def test_what_a_cut_stream_did_not_hand_over_goes_to_the_next_at_once(stack: Stack) -> None:
    await stack.store(40)
    cut = stack.receive(40)
    await cut.read()
    cut.cancel()
    # A lease lasts a minute; nobody waits for it.
    found: set[str] = set()
    async with asyncio.timeout(10):
        async for response in stack.receive(64):
            found.add(response.item.item_id)
            if len(found) >= 40:
                break
    assert len(found) >= 40
