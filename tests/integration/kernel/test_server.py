"""The bootstrap as a process: it starts, drains, renews and dies as it promises."""

from __future__ import annotations

import asyncio
import os
import signal
import ssl
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import grpc
import pytest
from cryptography import x509
from grpc_health.v1 import health_pb2, health_pb2_grpc

from services.kernel.config import TlsSettings
from services.kernel.identity import Identity
from takedown.delivery.v1 import delivery_service_pb2_grpc as pb_grpc
from tests.fakes.pki import Pki
from tests.integration.kernel.serving import completion, connected, reception

REPOSITORY = Path(__file__).resolve().parents[3]
STALE = 1


@dataclass
class Program:
    process: asyncio.subprocess.Process
    target: str
    ready_file: Path
    output: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        # Popen.send_signal polls first and so takes the exit status from asyncio's watcher.
        self._pidfd = os.pidfd_open(self.process.pid)

    def signal(self, number: signal.Signals) -> None:
        signal.pidfd_send_signal(self._pidfd, number)

    def pester(self) -> None:
        """SIGTERM several times a millisecond until the process is gone."""
        give_up = time.monotonic() + 15
        while time.monotonic() < give_up:
            try:
                self.signal(signal.SIGTERM)
            except ProcessLookupError:
                return
            time.sleep(0.0002)

    def close(self) -> None:
        os.close(self._pidfd)

    async def ended(self) -> int:
        async with asyncio.timeout(20):
            out, _ = await self.process.communicate()
        self.output = out.decode().splitlines()
        code = self.process.returncode
        assert code is not None
        return code


@asynccontextmanager
async def program(folder: Path, tls: TlsSettings, **environment: str) -> AsyncIterator[Program]:
    ready = folder / "ready"
    ready.write_text(f"{STALE}\n")
    settings = folder / "probe.toml"
    settings.write_text(
        f'ready_file = "{ready}"\ndrain_seconds = 5\ndevelopment = true\n[tls]\n'
        f'ca_file = "{tls.ca_file}"\ncert_file = "{tls.cert_file}"\nkey_file = "{tls.key_file}"\n'
    )
    path = f"{REPOSITORY}:{REPOSITORY / 'protos' / 'gen'}"
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "tests.integration.kernel.program", "--config", str(settings),
        cwd=REPOSITORY, env={**os.environ, "PYTHONPATH": path, **environment},
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT,
    )  # fmt: skip
    try:
        port = await _port(ready, process)
        running = Program(process, f"127.0.0.1:{port}", ready)
        try:
            yield running
        finally:
            running.close()
    finally:
        if process.returncode is None:
            process.kill()
            await process.communicate()


async def _port(ready: Path, process: asyncio.subprocess.Process) -> int:
    """The file held a stale port: only what this process wrote counts."""
    async with asyncio.timeout(20):
        while True:
            if process.returncode is not None and process.stdout is not None:
                raise AssertionError((await process.stdout.read()).decode())
            if (port := _written(ready)) is not None:
                return port
            await asyncio.sleep(0.02)


def _written(ready: Path) -> int | None:
    try:
        port = int(ready.read_text())
    except FileNotFoundError:  # a starting server takes a stale one away
        return None
    return None if port == STALE else port


async def test_twenty_stops_under_load_all_end_with_0_and_finish_what_they_began(
    pki: Pki, tmp_path: Path
) -> None:
    # Four at a time keeps two cores busy without starving the clients' deadlines.
    codes: list[int] = []
    failures: list[str] = []
    for round_ in range(5):
        folders = [tmp_path / f"{round_}-{number}" for number in range(4)]
        for folder in folders:
            folder.mkdir()
        for outcome in await asyncio.gather(*(_stop_under_load(pki, f) for f in folders)):
            codes.append(outcome[0])
            failures += outcome[1]
    assert codes == [0] * 20
    assert failures == []


async def _stop_under_load(pki: Pki, folder: Path) -> tuple[int, list[str]]:
    worker = pki.tls("service/worker")
    async with program(folder, pki.tls("service/intake")) as p, connected(p.target, worker) as c:
        stub: Any = pb_grpc.DeliveryServiceStub(c)
        stream = stub.Receive(reception(), timeout=30)
        await stream.read()
        calls = [stub.Complete(completion(), timeout=10) for _ in range(20)]
        # A call that has not arrived when the server stops was not begun and may be turned away.
        while (await stream.read()).item.attempts < len(calls):
            continue
        p.signal(signal.SIGTERM)
        results = await asyncio.gather(*calls, return_exceptions=True)
        failures = [str(r) for r in results if isinstance(r, BaseException)]
        stream.cancel()
        await asyncio.to_thread(p.pester)
        return await p.ended(), failures


async def test_a_watcher_learns_of_the_drain_within_a_second(pki: Pki, tmp_path: Path) -> None:
    operator = pki.tls("operator/jo")
    async with (
        program(tmp_path, pki.tls("service/intake")) as p,
        connected(p.target, operator) as c,
    ):
        watch = health_pb2_grpc.HealthStub(c).Watch(
            health_pb2.HealthCheckRequest(service="takedown.delivery.v1.DeliveryService")
        )
        assert (await watch.read()).status == health_pb2.HealthCheckResponse.SERVING
        p.signal(signal.SIGTERM)
        async with asyncio.timeout(1):
            assert (await watch.read()).status == health_pb2.HealthCheckResponse.NOT_SERVING
        watch.cancel()
        assert await p.ended() == 0
        assert not p.ready_file.exists()


async def test_background_work_that_dies_takes_the_process_down(pki: Pki, tmp_path: Path) -> None:
    tls = pki.tls("service/intake")
    async with program(tmp_path, tls, TAKEDOWN_PROBE_DIES="1") as p:
        assert await p.ended() == 1
    assert any("background_work_died" in line and "ConnectionError" in line for line in p.output)
    assert not any("canary" in line for line in p.output)


async def test_a_renewed_certificate_is_served_without_a_restart(pki: Pki, tmp_path: Path) -> None:
    leafs = tmp_path / "leafs"
    identity = Identity("service", "intake")
    certificate, key, _ = pki.ca.ensure_leaf(identity, folder=leafs)
    tls = TlsSettings(ca_file=pki.ca.certificate_file, cert_file=certificate, key_file=key)
    async with program(tmp_path, tls) as p:
        before = await _serial(p.target, pki)
        pki.ca.issue(
            certificate, key, uri=str(identity), dns=["intake.takedown.internal", "localhost"]
        )
        renewed = x509.load_pem_x509_certificate(certificate.read_bytes()).serial_number
        assert await _serial(p.target, pki) == renewed != before
        p.signal(signal.SIGTERM)
        assert await p.ended() == 0


async def _serial(target: str, pki: Pki) -> int:
    """The serial number of the certificate that a fresh connection is shown."""
    tls = pki.tls("service/worker")
    context = ssl.create_default_context(cafile=str(tls.ca_file))
    context.load_cert_chain(tls.cert_file, tls.key_file)
    context.check_hostname = False
    context.set_alpn_protocols(["h2"])
    host, _, port = target.partition(":")
    _, writer = await asyncio.open_connection(host, int(port), ssl=context)
    shown = writer.get_extra_info("ssl_object").getpeercert(binary_form=True)
    writer.transport.abort()
    return x509.load_der_x509_certificate(shown).serial_number


async def test_a_message_beyond_the_limit_is_refused(pki: Pki, tmp_path: Path) -> None:
    worker = pki.tls("service/worker")
    async with program(tmp_path, pki.tls("service/intake")) as p, connected(p.target, worker) as c:
        request = completion()
        request.detail = "x" * (4 * 1024 * 1024)
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await pb_grpc.DeliveryServiceStub(c).Complete(request, timeout=5)
        assert caught.value.code() == grpc.StatusCode.RESOURCE_EXHAUSTED
        p.signal(signal.SIGINT)
        assert await p.ended() == 0
