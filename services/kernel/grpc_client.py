"""The one client builder: mTLS with the server's name checked, deadlines, one retry policy."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from typing import Any, Final

import grpc
from opentelemetry import trace

from services.kernel import telemetry
from services.kernel.config import TlsSettings
from services.kernel.grpc_server import MESSAGE_LIMIT
from services.kernel.identity import TRUST_DOMAIN

DEFAULT_DEADLINE: Final = 10.0
_MARGIN: Final = 0.05
# UNAVAILABLE alone is retried here; everything else is Temporal's or the caller's to repeat.
_SERVICE_CONFIG: Final = json.dumps(
    {
        "methodConfig": [
            {
                "name": [{}],
                "retryPolicy": {
                    "maxAttempts": 3,
                    "initialBackoff": "0.05s",
                    "maxBackoff": "0.5s",
                    "backoffMultiplier": 3,
                    "retryableStatusCodes": ["UNAVAILABLE"],
                },
            }
        ]
    }
)


def server_name(service: str) -> str:
    """The DNS name in a service's certificate, e.g. ``intake.takedown.internal``."""
    return f"{service.replace('_', '-')}.{TRUST_DOMAIN}"


def channel_credentials(tls: TlsSettings) -> grpc.ChannelCredentials:
    return grpc.ssl_channel_credentials(
        tls.ca_file.read_bytes(), tls.key_file.read_bytes(), tls.cert_file.read_bytes()
    )


def channel(target: str, tls: TlsSettings, name: str, *, retry: bool = True) -> grpc.aio.Channel:
    """A channel to ``target`` (host:port), whose certificate must carry ``name``, as ``tls``."""
    options: list[tuple[str, Any]] = [
        ("grpc.ssl_target_name_override", name),
        ("grpc.max_receive_message_length", 8 * MESSAGE_LIMIT),
        ("grpc.max_send_message_length", 8 * MESSAGE_LIMIT),
        ("grpc.keepalive_time_ms", 20_000),
        ("grpc.keepalive_timeout_ms", 5_000),
        ("grpc.initial_reconnect_backoff_ms", 100),
        ("grpc.max_reconnect_backoff_ms", 2_000),
    ]
    if retry:
        options += [("grpc.enable_retries", 1), ("grpc.service_config", _SERVICE_CONFIG)]
    else:
        options.append(("grpc.enable_retries", 0))
    interceptors = [_UnaryClient(), _StreamClient()]
    return grpc.aio.secure_channel(target, channel_credentials(tls), options, None, interceptors)


def remaining(context: Any, longest: float = DEFAULT_DEADLINE) -> float:
    """The deadline to pass on: what is left of the caller's, less a margin to say so."""
    left = context.time_remaining()
    return longest if left is None else max(0.001, min(longest, left - _MARGIN))


def _with_trace(details: Any) -> Any:
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


class _UnaryClient(grpc.aio.UnaryUnaryClientInterceptor):
    def __init__(self) -> None:
        self._duration = telemetry.meter().create_histogram(telemetry.CLIENT_DURATION, unit="s")

    async def intercept_unary_unary(
        self, continuation: Callable[..., Any], client_call_details: Any, request: Any
    ) -> Any:
        method = _text(client_call_details.method)
        started = time.monotonic()
        with telemetry.tracer().start_as_current_span(method, kind=trace.SpanKind.CLIENT) as span:
            call = await continuation(_with_trace(client_call_details), request)
            try:
                code = (await call.code()).name
            finally:
                if not call.done():
                    call.cancel()
            attributes = {
                telemetry.RPC_SYSTEM: "grpc",
                telemetry.RPC_METHOD: method,
                telemetry.RPC_STATUS: code,
            }
            span.set_attributes(attributes)
            self._duration.record(time.monotonic() - started, attributes)
            return call


class _StreamClient(grpc.aio.UnaryStreamClientInterceptor):
    async def intercept_unary_stream(
        self, continuation: Callable[..., Any], client_call_details: Any, request: Any
    ) -> Any:
        return await continuation(_with_trace(client_call_details), request)
