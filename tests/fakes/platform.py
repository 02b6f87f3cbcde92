"""A platform's notice API over real TLS, which can also say any bytes, hang up or say nothing.

Behind it stands the simulator with its ledger, so that what a platform did can be counted
although it never got to say so.
"""

from __future__ import annotations

import asyncio
import ssl
from collections import deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import httpx2

from services.kernel.config import TlsSettings
from tests.simulators.ledger import Effect
from tests.simulators.server import Simulator


@dataclass(frozen=True)
class Fault:
    """What one request meets instead of an answer.

    Attributes:
        says: these bytes and no others.
        took: the platform does what it is asked before it goes wrong.
        then: "close", "reset" (the connection breaks at once), "hang" (nothing more comes) or
            "drip" (the bytes come one in a tenth of a second). "late" is no fault: it behaves,
            once ``Platform.released`` is set.
    """

    says: bytes = b""
    took: bool = False
    then: str = "close"


@dataclass(frozen=True)
class Heard:
    method: str
    path: str
    headers: dict[str, str]
    body: bytes


@dataclass
class Platform:
    """``faults`` meet the next requests, one each; after that it behaves."""

    simulator: Simulator
    port: int = 0
    faults: deque[Fault] = field(default_factory=deque)
    heard: list[Heard] = field(default_factory=list)
    arrived: asyncio.Event = field(default_factory=asyncio.Event)
    released: asyncio.Event = field(default_factory=asyncio.Event)

    def effect(self, notice_id: str) -> Effect | None:
        return self.simulator.ledger.find(notice_id)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            heard = await _read(reader)
            self.heard.append(heard)
            self.arrived.set()
            fault = self.faults.popleft() if self.faults else None
            if fault is not None and fault.then == "late":
                await self.released.wait()
                fault = None
            answer = await self._behave(heard) if fault is None or fault.took else b""
            if fault is None:
                writer.write(answer)
                await writer.drain()
            else:
                await _misbehave(fault, reader, writer)
        except (ConnectionError, asyncio.IncompleteReadError, ssl.SSLError):
            # The other side has gone, which is its right.
            return
        finally:
            writer.close()

    async def _behave(self, heard: Heard) -> bytes:
        transport = httpx2.ASGITransport(app=self.simulator.app())
        async with httpx2.AsyncClient(transport=transport, base_url="https://platform") as client:
            given = await client.request(
                heard.method, heard.path, headers=heard.headers, content=heard.body
            )
        return http(given.status_code, given.content)


async def _misbehave(
    fault: Fault, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
) -> None:
    if fault.then == "reset":
        writer.transport.abort()
        return
    drops = [bytes([byte]) for byte in fault.says] if fault.then == "drip" else [fault.says]
    for drop in drops:
        writer.write(drop)
        await writer.drain()
        if fault.then == "drip":
            await asyncio.sleep(0.1)
    if fault.then == "hang":
        await reader.read()


def http(code: int, body: bytes = b"", **headers: str) -> bytes:
    """An HTTP/1.1 response that ends its connection; underscores in names become hyphens."""
    lines = [f"HTTP/1.1 {code} Said", f"content-length: {len(body)}", "connection: close"]
    lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


async def _read(reader: asyncio.StreamReader) -> Heard:
    head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
    method, path, _ = head[0].split(" ")
    pairs = [line.partition(":") for line in head[1:] if line]
    headers = {name.lower(): value.strip() for name, _, value in pairs}
    body = await reader.readexactly(int(headers.get("content-length", "0")))
    return Heard(method, path, headers, body)


@asynccontextmanager
async def platform(simulator: Simulator, tls: TlsSettings) -> AsyncIterator[Platform]:
    running = Platform(simulator)
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(tls.cert_file, tls.key_file)
    server = await asyncio.start_server(running._serve, "127.0.0.1", 0, ssl=context)
    running.port = server.sockets[0].getsockname()[1]
    try:
        yield running
    finally:
        server.close()
        await server.wait_closed()
