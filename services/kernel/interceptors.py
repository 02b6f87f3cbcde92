"""Server interceptors, outermost first: telemetry, errors, identity, audit, allow-list,
deadline, validation. They are layers around a handler, because only a handler's context
knows the peer; ``ServerInterceptor`` wraps each handler once with all of them.
"""

from __future__ import annotations

import asyncio
import contextlib
import inspect
from collections.abc import Awaitable, Callable
from typing import Any, Final

import grpc
import protovalidate
import structlog
from google.protobuf.message import Message
from grpc_status import rpc_status
from opentelemetry import trace

from services.kernel import telemetry
from services.kernel.allow_list import AllowList
from services.kernel.clock import Clock, SystemClock
from services.kernel.errors import DomainError, ErrorKind, FieldViolation, invalid
from services.kernel.grpc_errors import as_domain_error, status_name, to_status
from services.kernel.identity import Identity, bind_identity, from_auth_context

_log = structlog.get_logger("rpc")
LONGEST_CALL: Final = 300.0
LONGEST_STREAM: Final = 3600.0
_OPEN_ENDED: Final = ("/grpc.health.v1.", "/grpc.reflection.")
_CENTURIES: Final = 10 * 365 * 86400.0
# The statuses that are the server's fault (OpenTelemetry semantic conventions, gRPC spans).
_FAULTS: Final = frozenset(
    {"UNKNOWN", "DEADLINE_EXCEEDED", "UNIMPLEMENTED", "INTERNAL", "UNAVAILABLE", "DATA_LOSS"}
)


class ServerInterceptor(grpc.aio.ServerInterceptor):
    """All layers in their one order."""

    def __init__(self, allow_list: AllowList, clock: Clock | None = None) -> None:
        self._allow_list = allow_list
        self._clock = clock or SystemClock()
        self._duration = telemetry.meter().create_histogram(telemetry.SERVER_DURATION, unit="s")
        # Only methods that are served come in here, so it stays small.
        self._wrapped: dict[str, Any] = {}

    async def intercept_service(
        self,
        continuation: Callable[[Any], Awaitable[Any]],
        handler_call_details: Any,
    ) -> Any:
        method = handler_call_details.method
        wrapped = self._wrapped.get(method)
        if wrapped is None:
            handler = await continuation(handler_call_details)
            if handler is None:
                return None
            wrapped = self._wrapped[method] = self._wrap(handler, method)
        return wrapped

    def _wrap(self, handler: Any, method: str) -> Any:
        shape = _shape(handler)
        longest = LONGEST_STREAM if handler.response_streaming else LONGEST_CALL
        layered = self._layered(getattr(handler, shape), method, longest)
        make = getattr(grpc, f"{shape}_rpc_method_handler")
        return make(layered, handler.request_deserializer, handler.response_serializer)

    def _layered(self, behaviour: Any, method: str, longest: float) -> Any:
        """The handler inside all layers; streams are written, never yielded.

        A coroutine that writes is left in one piece when the client goes: its span, its audit
        line and the servicer's own clean-up happen at once and in the call's own context. A
        generator would be left suspended, to be closed later in somebody else's.
        """

        name = method.lstrip("/")

        async def call(request: Any, context: Any) -> Any:
            started, code, caller = self._clock.monotonic(), "OK", None
            with telemetry.served(name, _traceparent(context)) as span:
                try:
                    # Known first, so that the audit names whoever is refused further in.
                    caller = from_auth_context(context.auth_context())
                    bind_identity(caller)
                    self._admit(caller, request, context, method, longest)
                    return await _answer(behaviour(request, context), context)
                except asyncio.CancelledError:
                    code = "CANCELLED"
                    raise
                except grpc.aio.AbortError:
                    # A servicer of a library answered by itself; the status is on its way.
                    code = _name(context.code())
                    raise
                except Exception as error:
                    failure = as_domain_error(error)
                    code = status_name(failure.kind)
                    await context.abort_with_status(rpc_status.to_status(to_status(failure)))
                finally:
                    self._finish(span, name, code, caller, started)

        return call

    def _admit(
        self, caller: Identity, request: Any, context: Any, method: str, longest: float
    ) -> None:
        """What is checked about a known caller before a handler sees the request."""
        self._allow_list.check(caller, method)
        if method.startswith(_OPEN_ENDED):
            return
        check_deadline(context.time_remaining(), longest)
        if isinstance(request, Message):
            validate(request)

    def _finish(
        self, span: trace.Span, name: str, code: str, caller: Identity | None, started: float
    ) -> None:
        elapsed = self._clock.monotonic() - started
        attributes = {
            telemetry.RPC_SYSTEM: "grpc",
            telemetry.RPC_METHOD: name,
            telemetry.RPC_STATUS: code,
        }
        self._duration.record(elapsed, attributes)
        if span.is_recording():
            span.set_attributes(attributes)
            if caller is not None:
                span.set_attribute(telemetry.CALLER_ROLE, caller.role)
        if code in _FAULTS:
            span.set_status(trace.StatusCode.ERROR)
        if name.startswith("grpc.health.v1."):
            return
        who = caller.short if caller is not None else "nobody"
        _log.info("call", method=name, caller=who, status=code, seconds=round(elapsed, 4))


def _shape(handler: Any) -> str:
    asks = "stream" if handler.request_streaming else "unary"
    return f"{asks}_{'stream' if handler.response_streaming else 'unary'}"


def _traceparent(context: Any) -> str:
    metadata = context.invocation_metadata() or ()
    return next((str(value) for key, value in metadata if key == "traceparent"), "")


async def _answer(result: Any, context: Any) -> Any:
    """The one answer of a coroutine, or None after every response of a generator was written."""
    if inspect.isawaitable(result):
        return await result
    async with contextlib.aclosing(result) as responses:
        async for response in responses:
            await context.write(response)
    return None


def _name(code: Any) -> str:
    """gRPC gives the code of a call as a StatusCode or as its number."""
    if isinstance(code, grpc.StatusCode):
        return code.name
    return next((known.name for known in grpc.StatusCode if known.value[0] == code), "UNKNOWN")


def check_deadline(remaining: float | None, longest: float) -> None:
    """Refuse a call without a deadline, or with one that would outlive any patience.

    Raises:
        DomainError: INVALID with reason DEADLINE_REQUIRED or DEADLINE_TOO_LONG.
    """
    # gRPC reports "no deadline" as None or as centuries.
    if remaining is not None and remaining <= longest:
        return
    absent = remaining is None or remaining > _CENTURIES
    raise DomainError(
        ErrorKind.INVALID,
        "DEADLINE_REQUIRED" if absent else "DEADLINE_TOO_LONG",
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
