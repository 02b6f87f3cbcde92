"""A network of two machines: a public one, and a canary behind every other address.

Whatever a client connects to, on whichever port, ends at one of two real servers on the
loopback address, so that a request that should never have been made is seen.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import httpcore2


@dataclass
class Machine:
    """A plain HTTP server that gives one answer and counts who asked."""

    answer: bytes
    port: int = 0
    asked: list[bytes] = field(default_factory=list)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.asked.append(b"")
        self.asked[-1] = await reader.readuntil(b"\r\n\r\n")
        writer.write(self.answer)
        await writer.drain()
        writer.close()


@asynccontextmanager
async def machine(answer: bytes) -> AsyncIterator[Machine]:
    running = Machine(answer)
    server = await asyncio.start_server(running.serve, "127.0.0.1", 0)
    running.port = server.sockets[0].getsockname()[1]
    try:
        yield running
    finally:
        server.close()
        await server.wait_closed()


class Wire(httpcore2.AsyncNetworkBackend):
    """Leads ``public`` addresses to one machine and everything else to the canary."""

    def __init__(self, public: dict[str, Machine], canary: Machine) -> None:
        self._public = public
        self._canary = canary
        self._inner = httpcore2.AnyIOBackend()
        self.connected: list[str] = []

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore2.AsyncNetworkStream:
        self.connected.append(host)
        there = self._public.get(host, self._canary)
        return await self._inner.connect_tcp("127.0.0.1", there.port, timeout=timeout)
