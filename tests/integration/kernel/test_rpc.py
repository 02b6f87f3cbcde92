"""What every call meets before and after a handler, over real mTLS."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

import asyncpg
import grpc
import pytest
import structlog
from grpc_health.v1 import health_pb2, health_pb2_grpc
from opentelemetry import trace

# As in every service with a database: it names the errors that say the database is away.
import services.kernel.db  # noqa: F401
from services.kernel.errors import ErrorKind, not_found
from takedown.delivery.v1 import delivery_service_pb2 as pb
from takedown.delivery.v1 import delivery_service_pb2_grpc as pb_grpc
from tests.fakes.pki import Pki
from tests.integration.kernel.serving import (
    SERVICE,
    Steered,
    completion,
    connected,
    reception,
    serving,
)
from tests.integration.refusing import refused

CANARY = "https://example.invalid/canary-handle"


@pytest.fixture
def servicer() -> Steered:
    return Steered()


@pytest.fixture
async def target(pki: Pki, servicer: Steered) -> AsyncIterator[str]:
    async with serving(pki, servicer) as address:
        yield address


@pytest.fixture
async def stub(pki: Pki, target: str) -> AsyncIterator[Any]:
    async with connected(target, pki.tls("service/worker")) as channel:
        yield pb_grpc.DeliveryServiceStub(channel)


async def test_an_allowed_caller_is_answered_and_known(stub: Any, servicer: Steered) -> None:
    await stub.Complete(completion(), timeout=5)
    assert servicer.callers == ["service/worker"]


async def test_a_stream_delivers_everything_in_order(stub: Any) -> None:
    seen = [r.item.item_id async for r in stub.Receive(reception(), timeout=5)]
    assert seen == ["0", "1", "2"]


@pytest.mark.parametrize(
    "uri",
    [
        None,
        "spiffe://takedown.internal/service/worker/extra",
        "spiffe://takedown.internal/god/worker",
        "https://takedown.internal/service/worker",
    ],
)
async def test_a_certificate_without_our_identity_gets_nothing(
    pki: Pki, target: str, servicer: Steered, uri: str | None
) -> None:
    label = str(abs(hash(uri)))
    async with connected(target, pki.odd(label, uri)) as channel:
        error = await refused(
            pb_grpc.DeliveryServiceStub(channel).Complete(completion(), timeout=5)
        )
    assert (error.kind, error.reason) == (ErrorKind.UNAUTHENTICATED, "NO_IDENTITY")
    assert servicer.calls == 0


async def test_our_authority_cannot_speak_for_another_trust_domain(
    pki: Pki, target: str, servicer: Steered
) -> None:
    foreign = pki.odd("foreign", "spiffe://elsewhere.internal/service/worker")
    async with connected(target, foreign) as channel:
        error = await refused(
            pb_grpc.DeliveryServiceStub(channel).Complete(completion(), timeout=2)
        )
    assert error.kind in (ErrorKind.UNAVAILABLE, ErrorKind.DEADLINE_EXCEEDED)
    assert servicer.calls == 0


async def test_a_certificate_of_another_authority_gets_nothing(
    pki: Pki, foreign_pki: Pki, target: str, servicer: Steered
) -> None:
    async with connected(target, foreign_pki.trusting(pki, "service/worker")) as channel:
        error = await refused(
            pb_grpc.DeliveryServiceStub(channel).Complete(completion(), timeout=2)
        )
    assert error.kind in (ErrorKind.UNAVAILABLE, ErrorKind.DEADLINE_EXCEEDED)
    assert servicer.calls == 0


async def test_a_caller_without_a_certificate_gets_nothing(
    pki: Pki, target: str, servicer: Steered
) -> None:
    anonymous = grpc.ssl_channel_credentials(pki.ca.certificate_file.read_bytes())
    async with grpc.aio.secure_channel(target, anonymous) as channel:
        error = await refused(
            pb_grpc.DeliveryServiceStub(channel).Complete(completion(), timeout=2)
        )
    assert error.kind in (ErrorKind.UNAVAILABLE, ErrorKind.DEADLINE_EXCEEDED)
    assert servicer.calls == 0


@pytest.mark.parametrize(
    "who", ["referrer/nca", "platform/tiktok", "operator/jo", "service/intake"]
)
async def test_an_identity_that_is_not_listed_gets_nothing(
    pki: Pki, target: str, servicer: Steered, who: str
) -> None:
    async with connected(target, pki.tls(who)) as channel:
        stub = pb_grpc.DeliveryServiceStub(channel)
        error = await refused(stub.Complete(completion(), timeout=5))
        assert (error.kind, error.reason) == (ErrorKind.PERMISSION_DENIED, "NOT_ALLOWED")
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            async for _ in stub.Receive(reception(), timeout=5):
                pass
        assert caught.value.code() == grpc.StatusCode.PERMISSION_DENIED
    assert servicer.calls == 0


async def test_a_call_without_a_deadline_is_refused(
    pki: Pki, target: str, servicer: Steered
) -> None:
    tls = pki.tls("service/worker")
    bare = grpc.ssl_channel_credentials(
        tls.ca_file.read_bytes(), tls.key_file.read_bytes(), tls.cert_file.read_bytes()
    )
    async with grpc.aio.secure_channel(target, bare) as channel:
        error = await refused(pb_grpc.DeliveryServiceStub(channel).Complete(completion()))
    assert (error.kind, error.reason) == (ErrorKind.INVALID, "DEADLINE_REQUIRED")
    assert servicer.calls == 0


async def test_a_deadline_beyond_five_minutes_is_refused_for_a_single_answer(
    stub: Any, servicer: Steered
) -> None:
    error = await refused(stub.Complete(completion(), timeout=400))
    assert (error.kind, error.reason) == (ErrorKind.INVALID, "DEADLINE_TOO_LONG")
    assert [r async for r in stub.Receive(reception(), timeout=400)]
    assert servicer.calls == 1


async def test_a_broken_field_is_named_with_its_rule(stub: Any, servicer: Steered) -> None:
    error = await refused(stub.Complete(completion("not-a-uuid"), timeout=5))
    assert (error.kind, error.reason) == (ErrorKind.INVALID, "INVALID_FIELD")
    assert [(v.field, v.reason) for v in error.violations] == [("item_id", "STRING_UUID")]
    assert servicer.calls == 0


async def test_an_unknown_enum_value_is_refused(stub: Any, servicer: Steered) -> None:
    request = pb.CompleteRequest(item_id=completion().item_id, result=99)  # type: ignore[arg-type]
    error = await refused(stub.Complete(request, timeout=5))
    assert [v.field for v in error.violations] == ["result"]
    assert servicer.calls == 0


async def test_every_broken_field_of_a_request_is_named_at_once(stub: Any) -> None:
    error = await refused(stub.Complete(pb.CompleteRequest(item_id="x"), timeout=5))
    assert {v.field for v in error.violations} == {"item_id", "result"}


async def test_a_refusal_reaches_the_caller_as_it_was_raised(stub: Any, servicer: Steered) -> None:
    servicer.failure = not_found("NOTICE_NOT_FOUND", "No such item; check the id.")
    error = await refused(stub.Complete(completion(), timeout=5))
    assert (error.kind, error.reason) == (ErrorKind.NOT_FOUND, "NOTICE_NOT_FOUND")
    assert error.message == "No such item; check the id."


async def test_a_refusal_in_the_middle_of_a_stream_follows_what_was_sent(
    stub: Any, servicer: Steered
) -> None:
    servicer.failure = not_found("NOTICE_NOT_FOUND", "No such item; check the id.")
    call = stub.Receive(reception(), timeout=5)
    assert [(await call.read()).item.item_id for _ in range(3)] == ["0", "1", "2"]
    assert (await refused(call.read())).reason == "NOTICE_NOT_FOUND"


@pytest.mark.parametrize(
    "failure",
    [
        ConnectionResetError("gone"),
        asyncpg.AdminShutdownError("terminating connection"),
        asyncpg.CannotConnectNowError("starting up"),
        asyncpg.TooManyConnectionsError("full"),
        asyncpg.SerializationError("could not serialize"),
        TimeoutError(),
    ],
    ids=lambda failure: type(failure).__name__,
)
async def test_a_database_that_is_away_is_unavailable_and_never_internal(
    stub: Any, servicer: Steered, failure: BaseException
) -> None:
    servicer.failure = failure
    error = await refused(stub.Complete(completion(), timeout=5))
    assert error.kind is ErrorKind.UNAVAILABLE
    assert error.retry_after is not None


async def test_a_service_that_we_call_and_is_away_is_unavailable(
    stub: Any, servicer: Steered
) -> None:
    servicer.failure = grpc.aio.AioRpcError(
        grpc.StatusCode.UNAVAILABLE, grpc.aio.Metadata(), grpc.aio.Metadata(), CANARY
    )
    error = await refused(stub.Complete(completion(), timeout=5))
    assert (error.kind, error.reason) == (ErrorKind.UNAVAILABLE, "DEPENDENCY_UNAVAILABLE")
    assert CANARY not in error.message


async def test_what_nobody_foresaw_tells_an_id_and_no_content(stub: Any, servicer: Steered) -> None:
    servicer.failure = RuntimeError(CANARY)
    with structlog.testing.capture_logs() as lines:
        error = await refused(stub.Complete(completion(), timeout=5))
    assert error.kind is ErrorKind.INTERNAL
    assert error.metadata["error_id"] in error.message
    assert any(line.get("error_id") == error.metadata["error_id"] for line in lines)
    assert CANARY not in json.dumps(lines, default=str) + error.message


async def test_every_call_leaves_one_audit_line_without_content(stub: Any) -> None:
    with structlog.testing.capture_logs() as lines:
        await stub.Complete(completion(), timeout=5)
        await refused(stub.Complete(completion(CANARY), timeout=5))
        # The line is written after the answer has gone out.
        async with asyncio.timeout(5):
            while sum(line["event"] == "call" for line in lines) < 2:  # noqa: ASYNC110
                await asyncio.sleep(0.01)
    audit = [line for line in lines if line["event"] == "call"]
    assert [line["status"] for line in audit] == ["OK", "INVALID_ARGUMENT"]
    assert {line["log_level"] for line in audit} == {"info"}
    assert {line["caller"] for line in audit} == {"service/worker"}
    assert {line["method"] for line in audit} == {f"{SERVICE}/Complete"}
    assert CANARY not in json.dumps(lines, default=str)


async def test_a_client_that_leaves_a_stream_leaves_nothing_running(
    stub: Any, servicer: Steered
) -> None:
    servicer.items = 1_000_000
    call = stub.Receive(reception(), timeout=30)
    await call.read()
    call.cancel()
    async with asyncio.timeout(5):
        await servicer.stream_closed.wait()


async def test_health_needs_no_deadline_and_knows_what_is_unknown(pki: Pki, target: str) -> None:
    async with connected(target, pki.tls("operator/jo")) as channel:
        health = health_pb2_grpc.HealthStub(channel)
        answer = await health.Check(health_pb2.HealthCheckRequest(service=""))
        assert answer.status == health_pb2.HealthCheckResponse.SERVING
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await health.Check(health_pb2.HealthCheckRequest(service="no.such.Service"))
        assert caught.value.code() == grpc.StatusCode.NOT_FOUND


async def test_health_can_be_watched(pki: Pki, target: str) -> None:
    async with connected(target, pki.tls("operator/jo")) as channel:
        call = health_pb2_grpc.HealthStub(channel).Watch(health_pb2.HealthCheckRequest(service=""))
        first = await call.read()
        assert first.status == health_pb2.HealthCheckResponse.SERVING
        call.cancel()


async def test_the_trace_goes_on_across_a_call(stub: Any, servicer: Steered) -> None:
    context = trace.SpanContext(0xABC, 0xDEF, is_remote=False, trace_flags=trace.TraceFlags(1))
    with trace.use_span(trace.NonRecordingSpan(context)):
        await stub.Complete(completion(), timeout=5)
        assert [r async for r in stub.Receive(reception(), timeout=5)]
    assert [trace_parent.split("-")[1] for trace_parent in servicer.traces] == [f"{0xABC:032x}"] * 2
