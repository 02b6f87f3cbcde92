"""Client interceptors: a deadline for every call, its trace passed on, a span and a duration."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import Any, Final

import grpc
from opentelemetry import metrics, trace

from services.kernel import telemetry

DEFAULT_DEADLINE: Final = 10.0


class _Client:
    def __init__(self) -> None:
        self._duration: metrics.Histogram = telemetry.meter().create_histogram(
            telemetry.CLIENT_DURATION, unit="s"
        )

    def _finish(self, span: trace.Span, method: str, code: str, started: float) -> None:
        attributes = {
            telemetry.RPC_SYSTEM: "grpc",
            telemetry.RPC_METHOD: method,
            telemetry.RPC_STATUS: code,
        }
        span.set_attributes(attributes)
        if code != "OK":
            span.set_status(trace.StatusCode.ERROR)
        span.end()
        self._duration.record(time.monotonic() - started, attributes)


class UnaryClient(_Client, grpc.aio.UnaryUnaryClientInterceptor):
    """One answer: the span covers the call, also when the caller is cancelled."""

    async def intercept_unary_unary(
        self, continuation: Callable[..., Any], client_call_details: Any, request: Any
    ) -> Any:
        method, started, code = _text(client_call_details.method), time.monotonic(), "CANCELLED"
        span = telemetry.tracer().start_span(method, kind=trace.SpanKind.CLIENT)
        try:
            with trace.use_span(span, record_exception=False, set_status_on_exception=False):
                call = await continuation(_prepared(client_call_details), request)
            try:
                code = (await call.code()).name
            finally:
                if not call.done():
                    call.cancel()
            return call
        finally:
            self._finish(span, method, code, started)


class StreamClient(_Client, grpc.aio.UnaryStreamClientInterceptor):
    """Many answers: the span ends with the stream, however it ends."""

    def __init__(self) -> None:
        super().__init__()
        self._ending: set[asyncio.Task[None]] = set()

    async def intercept_unary_stream(
        self, continuation: Callable[..., Any], client_call_details: Any, request: Any
    ) -> Any:
        method, started = _text(client_call_details.method), time.monotonic()
        span = telemetry.tracer().start_span(method, kind=trace.SpanKind.CLIENT)
        with trace.use_span(span, record_exception=False, set_status_on_exception=False):
            call = await continuation(_prepared(client_call_details), request)

        async def end() -> None:
            self._finish(span, method, (await call.code()).name, started)

        def done(_: Any) -> None:
            task = asyncio.ensure_future(end())
            self._ending.add(task)
            task.add_done_callback(self._ending.discard)

        call.add_done_callback(done)
        return call


def _prepared(details: Any) -> Any:
    metadata = grpc.aio.Metadata(*(details.metadata or ()))
    traceparent = telemetry.current_traceparent()
    if traceparent:
        metadata["traceparent"] = traceparent
    deadline = DEFAULT_DEADLINE if details.timeout is None else details.timeout
    return grpc.aio.ClientCallDetails(
        details.method, deadline, metadata, details.credentials, details.wait_for_ready
    )


def _text(method: Any) -> str:
    name = method.decode() if isinstance(method, bytes) else str(method)
    return name.lstrip("/")
