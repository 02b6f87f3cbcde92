"""Server interceptors, outermost first: telemetry, errors, identity, audit, allow-list,
deadline, validation. They are layers around a handler, because only a handler's context
knows the peer; ``ServerInterceptor`` wraps each handler once with all of them.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any, Final

import grpc
import protovalidate
import structlog
from google.protobuf.message import Message
from grpc_status import rpc_status
from opentelemetry import context as otel_context
from opentelemetry import trace

from services.kernel import telemetry
from services.kernel.allow_list import AllowList
from services.kernel.clock import Clock, SystemClock
from services.kernel.errors import DomainError, ErrorKind, FieldViolation, invalid
from services.kernel.grpc_errors import as_domain_error, to_status
from services.kernel.identity import Identity, bind_identity, from_auth_context

_log = structlog.get_logger("rpc")
LONGEST_CALL: Final = 300.0
LONGEST_STREAM: Final = 3600.0
_OPEN_ENDED: Final = ("/grpc.health.v1.", "/grpc.reflection.")


class ServerInterceptor(grpc.aio.ServerInterceptor):
    """All layers in their one order."""

    def __init__(self, allow_list: AllowList, clock: Clock | None = None) -> None:
        self._allow_list = allow_list
        self._clock = clock or SystemClock()
        self._duration = telemetry.meter().create_histogram(telemetry.SERVER_DURATION, unit="s")

    async def intercept_service(
        self,
        continuation: Callable[[Any], Awaitable[Any]],
        handler_call_details: Any,
    ) -> Any:
        handler = await continuation(handler_call_details)
        if handler is None:
            return None
        method = handler_call_details.method
        metadata = dict(handler_call_details.invocation_metadata or ())
        parent = telemetry.context_from_traceparent(str(metadata.get("traceparent", "")))
        if handler.unary_unary:
            return grpc.unary_unary_rpc_method_handler(
                self._unary(handler.unary_unary, method, parent),
                handler.request_deserializer,
                handler.response_serializer,
            )
        if handler.unary_stream:
            return grpc.unary_stream_rpc_method_handler(
                self._stream(handler.unary_stream, method, parent),
                handler.request_deserializer,
                handler.response_serializer,
            )
        if handler.stream_stream:
            return grpc.stream_stream_rpc_method_handler(
                self._stream(handler.stream_stream, method, parent),
                handler.request_deserializer,
                handler.response_serializer,
            )
        # No contract of ours streams requests into one answer.
        return None

    def _unary(self, behaviour: Any, method: str, parent: otel_context.Context) -> Any:
        async def call(request: Any, context: Any) -> Any:
            started, code, caller = self._clock.monotonic(), "OK", None
            with telemetry.tracer().start_as_current_span(
                method.lstrip("/"), context=parent, kind=trace.SpanKind.SERVER
            ) as span:
                try:
                    caller = self._admit(request, context, method, LONGEST_CALL)
                    return await behaviour(request, context)
                except asyncio.CancelledError:
                    code = "CANCELLED"
                    raise
                except Exception as error:
                    failure = as_domain_error(error)
                    code = failure.kind.value
                    await context.abort_with_status(rpc_status.to_status(to_status(failure)))
                finally:
                    self._finish(span, method, code, caller, started)

        return call

    def _stream(self, behaviour: Any, method: str, parent: otel_context.Context) -> Any:
        async def call(request: Any, context: Any) -> AsyncIterator[Any]:
            started, code, caller = self._clock.monotonic(), "OK", None
            # Not made current: a context held across yields would leak into the consumer.
            span = telemetry.tracer().start_span(
                method.lstrip("/"), context=parent, kind=trace.SpanKind.SERVER
            )
            try:
                caller = self._admit(request, context, method, LONGEST_STREAM)
                async for response in behaviour(request, context):
                    yield response
            except (asyncio.CancelledError, GeneratorExit):
                code = "CANCELLED"
                raise
            except Exception as error:
                failure = as_domain_error(error)
                code = failure.kind.value
                await context.abort_with_status(rpc_status.to_status(to_status(failure)))
            finally:
                self._finish(span, method, code, caller, started)
                span.end()

        return call

    def _admit(self, request: Any, context: Any, method: str, longest: float) -> Identity:
        """Everything that is checked before a handler sees the request."""
        caller = from_auth_context(context.auth_context())
        bind_identity(caller)
        self._allow_list.check(caller, method)
        if not method.startswith(_OPEN_ENDED):
            check_deadline(context.time_remaining(), longest)
            if isinstance(request, Message):
                validate(request)
        return caller

    def _finish(
        self, span: trace.Span, method: str, code: str, caller: Identity | None, started: float
    ) -> None:
        elapsed = self._clock.monotonic() - started
        name = method.lstrip("/")
        attributes = {
            telemetry.RPC_SYSTEM: "grpc",
            telemetry.RPC_METHOD: name,
            telemetry.RPC_STATUS: code,
        }
        self._duration.record(elapsed, attributes)
        span.set_attributes(attributes)
        if caller is not None:
            span.set_attribute(telemetry.CALLER_ROLE, caller.role)
        if name.startswith("grpc.health.v1."):
            return
        who = caller.short if caller is not None else "nobody"
        log = _log.debug if code == "OK" else _log.info
        log("call", method=name, caller=who, status=code, seconds=round(elapsed, 4))


def check_deadline(remaining: float | None, longest: float) -> None:
    """Refuse a call without a deadline, or with one that would outlive any patience.

    Raises:
        DomainError: INVALID with reason DEADLINE_REQUIRED.
    """
    # gRPC reports "no deadline" as None or as centuries.
    if remaining is not None and remaining <= longest:
        return
    raise DomainError(
        ErrorKind.INVALID,
        "DEADLINE_REQUIRED",
        f"Every call needs a deadline of at most {longest:.0f} seconds; set one and call again.",
    )


def validate(message: Message) -> None:
    """Hold a message against the rules in its .proto.

    Raises:
        DomainError: INVALID with one violation per broken rule.
    """
    broken = protovalidate.collect_violations(message)
    if not broken:
        return
    violations = tuple(_violation(item.proto) for item in broken[:50])
    if len(violations) == 1:
        first = violations[0]
        raise invalid(first.field, first.reason, first.message)
    raise DomainError(
        ErrorKind.INVALID,
        "INVALID_FIELD",
        "Several fields are not as they must be: " + " ".join(v.message for v in violations[:5]),
        violations=violations,
    )


def _violation(broken: Any) -> FieldViolation:
    parts: list[str] = []
    for element in broken.field.elements if broken.field else ():
        index = getattr(element.subscript, "value", None) if element.subscript else None
        parts.append(element.field_name + (f"[{index}]" if index is not None else ""))
    path = ".".join(parts) or "request"
    reason = broken.rule_id.upper().replace(".", "_")
    return FieldViolation(path, reason, f"{path} {broken.message}; correct it and try again.")
