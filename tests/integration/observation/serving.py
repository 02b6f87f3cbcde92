"""Observation as a real server, looking at the simulator over TLS."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import uuid4

import grpc
import uvicorn

from infra.local.configs import CONTROLS, SIMULATED_HOSTS
from services.kernel import db, grpc_client
from services.kernel.allow_list import AllowList
from services.kernel.clock import SystemClock
from services.kernel.config import TlsSettings
from services.kernel.grpc_server import server_credentials
from services.kernel.interceptors import ServerInterceptor
from services.observation.client import GuardedClient
from services.observation.config import ControlSettings, SandboxSettings
from services.observation.controls import control_items
from services.observation.evidence import EvidenceStore
from services.observation.observer import Controls, Observer
from services.observation.servicer import ObservationServicer
from services.observation.store import Store
from takedown.observation.v1 import observation_service_pb2 as pb
from takedown.observation.v1.observation_service_pb2_grpc import (
    ObservationServiceStub,
    add_ObservationServiceServicer_to_server,
)
from takedown.referral.v1 import enums_pb2 as enums
from takedown.referral.v1 import referral_pb2
from tests.fakes.pki import Pki
from tests.integration.conftest import DatabaseUrls
from tests.simulators.ledger import Ledger
from tests.simulators.script import Behaviour, Script
from tests.simulators.server import Simulator


class _Server(uvicorn.Server):
    """Leaves signals to the tests."""

    @contextmanager
    def capture_signals(self) -> Any:
        yield


@asynccontextmanager
async def web_server(app: Any, tls: TlsSettings) -> AsyncIterator[int]:
    """Any ASGI application over TLS on a free port of the loopback address."""
    server = _Server(
        uvicorn.Config(
            app, host="127.0.0.1", port=0, ssl_certfile=str(tls.cert_file),
            ssl_keyfile=str(tls.key_file), log_config=None, access_log=False, lifespan="off",
            timeout_graceful_shutdown=1,
        )
    )  # fmt: skip
    serving = asyncio.create_task(server.serve())
    async with asyncio.timeout(10):
        while not server.started:
            assert not serving.done()
            await asyncio.sleep(0.01)
    try:
        yield server.servers[0].sockets[0].getsockname()[1]
    finally:
        server.should_exit = True
        await serving


def simulator_tls(pki: Pki, folder: Path) -> TlsSettings:
    """A certificate that answers for every name that observation asks by."""
    certificate, key = folder / "platforms.pem", folder / "platforms.key"
    uri = "spiffe://takedown.internal/service/simulator"
    pki.ca.issue(certificate, key, uri=uri, dns=[*SIMULATED_HOSTS, "localhost"])
    return TlsSettings(ca_file=pki.ca.certificate_file, cert_file=certificate, key_file=key)


@dataclass
class Observation:
    stub: Any
    port: int
    evidence: Path
    urls: DatabaseUrls
    pki: Pki
    sandbox: SandboxSettings


@asynccontextmanager
async def serving(
    pki: Pki,
    urls: DatabaseUrls,
    folder: Path,
    origin: int,
    *,
    controls: dict[str, tuple[str, str]] | None = None,
) -> AsyncIterator[Observation]:
    """Wired as ``services.observation.__main__`` does it."""
    sandbox = SandboxSettings(origin=f"127.0.0.1:{origin}", ca_file=pki.ca.certificate_file)
    pairs = {
        slug: ControlSettings(live=live, dead=dead)
        for slug, (live, dead) in (CONTROLS if controls is None else controls).items()
    }
    async with AsyncExitStack() as stack:
        engine = db.engine(urls.settings(), "observation")
        stack.push_async_callback(engine.dispose)
        client, clock = GuardedClient(sandbox), SystemClock()
        stack.push_async_callback(client.close)
        # A control speaks for one look only: every test meets it anew.
        known = Controls(client, control_items(pairs), 1e-6, clock)
        evidence = folder / f"evidence-{uuid4()}"
        servicer = ObservationServicer(
            Observer(client, known), client, EvidenceStore(str(evidence)), Store(engine), clock,
            vantage="the tests",
        )  # fmt: skip
        server = grpc.aio.server(interceptors=(ServerInterceptor(AllowList.read()),))
        add_ObservationServiceServicer_to_server(servicer, server)
        credentials = server_credentials(pki.tls("service/observation"))
        port = server.add_secure_port("127.0.0.1:0", credentials)
        await server.start()
        stack.push_async_callback(server.stop, 0)
        name = grpc_client.server_name("observation")
        worker = pki.tls("service/worker")
        channel = grpc_client.channel(f"127.0.0.1:{port}", worker, name, retry=False)
        stack.push_async_callback(channel.close)
        yield Observation(ObservationServiceStub(channel), port, evidence, urls, pki, sandbox)


def content(platform: str, key: str, kind: str = "", url: str = "") -> referral_pb2.Content:
    """Content of a platform by the key that the simulator's script knows it by."""
    found = {
        "tiktok": ("VIDEO", f"https://www.tiktok.com/@somebody/video/{key}"),
        "x": ("POST", f"https://x.com/somebody/status/{key}"),
        "instagram": ("POST", f"https://www.instagram.com/p/{key}/"),
        "facebook": ("POST", f"https://www.facebook.com/somebody/posts/{key}"),
    }[platform]
    account = kind == "ACCOUNT"
    return referral_pb2.Content(
        url=url or found[1],
        platform=platform,
        kind=enums.ContentKind.Value(f"CONTENT_KIND_{kind or found[0]}"),
        content_id="" if account else key,
        account=key if account else "somebody",
    )


def observe(what: referral_pb2.Content, **changes: Any) -> pb.ObserveRequest:
    values: dict[str, Any] = {
        "request_id": str(uuid4()),
        "referral_id": str(uuid4()),
        "content": what,
        "purpose": enums.OBSERVATION_PURPOSE_VERIFICATION,
    }
    return pb.ObserveRequest(**{**values, **changes})


def simulator_of(pages: dict[str, str], leads: dict[str, str] | None = None) -> Simulator:
    """A simulator whose items stand in these states from the start, by ``platform/key``."""
    behaviours = {key: Behaviour(page=state, steps={}) for key, state in pages.items()}
    for key, target in (leads or {}).items():
        behaviours[key] = Behaviour(steps={}, leads_to=target)
    return Simulator(Script(behaviours), Ledger(":memory:"), {})
