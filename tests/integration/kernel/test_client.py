"""The one client builder: whom it trusts, what it repeats, how long its certificate may live."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import grpc
import pytest
from cryptography import x509
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from services.kernel import grpc_client, telemetry
from services.kernel.config import TlsSettings
from services.kernel.errors import DomainError, ErrorKind
from services.kernel.identity import Identity
from takedown.delivery.v1 import delivery_service_pb2_grpc as pb_grpc
from tests.fakes.pki import Pki
from tests.integration.kernel.serving import Steered, completion, connected, reception, serving

NAME = "intake.takedown.internal"


@pytest.fixture
def servicer() -> Steered:
    return Steered()


@pytest.fixture
async def target(pki: Pki, servicer: Steered) -> AsyncIterator[str]:
    async with serving(pki, servicer) as address:
        yield address


@pytest.fixture
def spans(monkeypatch: pytest.MonkeyPatch) -> InMemorySpanExporter:
    exporter = InMemorySpanExporter()
    provider = TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    monkeypatch.setattr(telemetry, "tracer", lambda: provider.get_tracer("test"))
    return exporter


async def test_a_server_under_another_name_is_not_spoken_to(
    pki: Pki, target: str, servicer: Steered
) -> None:
    tls = pki.tls("service/worker")
    async with grpc_client.channel(target, tls, "observation.takedown.internal") as channel:
        with pytest.raises(grpc.aio.AioRpcError):
            await pb_grpc.DeliveryServiceStub(channel).Complete(completion(), timeout=2)
    assert servicer.calls == 0


async def test_only_an_unavailable_answer_is_repeated_and_three_times_at_most(
    pki: Pki, target: str, servicer: Steered
) -> None:
    async with grpc_client.channel(target, pki.tls("service/worker"), NAME) as channel:
        stub: Any = pb_grpc.DeliveryServiceStub(channel)
        for kind, calls in ((ErrorKind.UNAVAILABLE, 3), (ErrorKind.ABORTED, 1)):
            servicer.calls = 0
            servicer.failure = DomainError(kind, "CONTENTION", "Busy; try again.")
            with pytest.raises(grpc.aio.AioRpcError):
                await stub.Complete(completion(), timeout=5)
            assert servicer.calls == calls


async def test_a_call_without_a_deadline_is_given_one(pki: Pki, target: str) -> None:
    async with connected(target, pki.tls("service/worker")) as channel:
        stub: Any = pb_grpc.DeliveryServiceStub(channel)
        await stub.Complete(completion())
        assert [r async for r in stub.Receive(reception())]


async def test_one_call_is_one_trace_with_a_span_at_each_end(
    pki: Pki, target: str, spans: InMemorySpanExporter
) -> None:
    async with connected(target, pki.tls("service/worker")) as channel:
        stub: Any = pb_grpc.DeliveryServiceStub(channel)
        await stub.Complete(completion(), timeout=5)
        assert [r async for r in stub.Receive(reception(), timeout=5)]
        await asyncio.sleep(0)
    ended = spans.get_finished_spans()
    assert len(ended) == 4
    for method in ("Complete", "Receive"):
        pair = {s.kind.name: s for s in ended if s.name.endswith(f"/{method}")}
        client, server = pair["CLIENT"], pair["SERVER"]
        assert client.context is not None
        assert server.parent is not None
        assert server.parent.span_id == client.context.span_id
        for span in (client, server):
            assert (span.attributes or {})[telemetry.RPC_STATUS] == "OK"


async def test_a_stream_that_its_client_leaves_leaves_no_span_open(
    pki: Pki, target: str, servicer: Steered, spans: InMemorySpanExporter
) -> None:
    servicer.items = 1_000_000
    async with connected(target, pki.tls("service/worker")) as channel:
        call = pb_grpc.DeliveryServiceStub(channel).Receive(reception(), timeout=30)
        await call.read()
        call.cancel()
        async with asyncio.timeout(5):
            await servicer.stream_closed.wait()
    statuses = {
        s.kind.name: (s.attributes or {})[telemetry.RPC_STATUS] for s in spans.get_finished_spans()
    }
    assert statuses == {"CLIENT": "CANCELLED", "SERVER": "CANCELLED"}


async def test_a_cancelled_call_is_cancelled_at_the_server_and_its_span_ended(
    pki: Pki, target: str, spans: InMemorySpanExporter, servicer: Steered
) -> None:
    entered, left = asyncio.Event(), asyncio.Event()

    async def dawdle(request: Any, context: Any) -> None:
        entered.set()
        try:
            await asyncio.sleep(30)
        finally:
            left.set()

    servicer.dawdle = dawdle
    async with connected(target, pki.tls("service/worker")) as channel:
        task = asyncio.ensure_future(
            pb_grpc.DeliveryServiceStub(channel).Complete(completion(), timeout=20)
        )
        async with asyncio.timeout(5):
            await entered.wait()
            task.cancel()
            await left.wait()
    assert {s.kind.name for s in spans.get_finished_spans()} == {"CLIENT", "SERVER"}


async def test_a_renewed_certificate_is_used_without_a_restart_and_cuts_no_call(
    pki: Pki, target: str, servicer: Steered, tmp_path: Path
) -> None:
    identity = Identity("service", "worker")
    certificate, key, _ = pki.ca.ensure_leaf(identity, folder=tmp_path)
    tls = TlsSettings(ca_file=pki.ca.certificate_file, cert_file=certificate, key_file=key)
    async with grpc_client.channel(target, tls, NAME, recheck_seconds=0) as channel:
        stub: Any = pb_grpc.DeliveryServiceStub(channel)
        servicer.pause = asyncio.Event()
        stream = stub.Receive(reception(), timeout=20)
        await stream.read()
        await stub.Complete(completion(), timeout=5)
        pki.ca.issue(certificate, key, uri=str(identity), dns=["localhost"])
        await stub.Complete(completion(), timeout=5)
        servicer.pause.set()
        assert [r.item.item_id async for r in stream] == ["1", "2"]
    renewed = x509.load_pem_x509_certificate(certificate.read_bytes()).serial_number
    serials = [x509.load_pem_x509_certificate(pem).serial_number for pem in servicer.certificates]
    assert serials[0] == serials[1] != renewed
    assert serials[2] == renewed
