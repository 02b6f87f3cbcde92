"""A small service on the kernel's bootstrap, run as a process of its own by the tests.

TAKEDOWN_PROBE_DIES=1 makes its background work end by itself.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator
from typing import Any

import grpc

from services.kernel import config, grpc_server, process, telemetry
from takedown.delivery.v1 import delivery_service_pb2 as pb
from takedown.delivery.v1 import delivery_service_pb2_grpc as pb_grpc


class Probe(pb_grpc.DeliveryServiceServicer):
    """Complete is answered by ``work``, as by a coalescer; Receive never ends by itself."""

    def __init__(self) -> None:
        self._asked: asyncio.Queue[asyncio.Future[None]] = asyncio.Queue()
        self._begun = 0

    async def Complete(self, request: Any, context: Any) -> pb.CompleteResponse:  # noqa: N802
        self._begun += 1
        # The call is in flight for a while before it needs the work that answers it.
        await asyncio.sleep(0.2)
        answer: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        await self._asked.put(answer)
        await answer
        return pb.CompleteResponse()

    async def Receive(  # noqa: N802
        self, request: Any, context: Any
    ) -> AsyncIterator[pb.ReceiveResponse]:
        while True:
            # How many calls have arrived: who waits for that need not guess.
            yield pb.ReceiveResponse(item=pb.InboxItem(item_id="1", attempts=self._begun))
            await asyncio.sleep(0.05)

    async def work(self, stop: asyncio.Event) -> None:
        stopping = asyncio.create_task(stop.wait())
        while not stop.is_set():
            asked = asyncio.create_task(self._asked.get())
            await asyncio.wait([asked, stopping], return_when=asyncio.FIRST_COMPLETED)
            if asked.done():
                asked.result().set_result(None)
            else:
                asked.cancel()


async def idle(stop: asyncio.Event) -> None:
    if os.environ.get("TAKEDOWN_PROBE_DIES"):
        await asyncio.sleep(0.2)
        raise ConnectionError("https://example.invalid/canary")
    await stop.wait()


async def main(settings: config.ServiceSettings) -> int:
    observed = telemetry.setup("probe", settings.telemetry)
    probe = Probe()

    def register(server: grpc.aio.Server) -> list[str]:
        pb_grpc.add_DeliveryServiceServicer_to_server(probe, server)
        return ["takedown.delivery.v1.DeliveryService"]

    return await grpc_server.serve(
        settings, observed, register, background=(idle,), until_drained=(probe.work,)
    )


if __name__ == "__main__":
    process.run(main(config.load(config.ServiceSettings, "kernelprobe")))
