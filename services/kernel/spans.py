"""Spans where nobody exports any: the same ids and the same propagation, no record."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

from opentelemetry import trace
from opentelemetry.context import Context
from opentelemetry.sdk.trace.id_generator import RandomIdGenerator

_SAMPLED: Final = trace.TraceFlags(trace.TraceFlags.SAMPLED)


class UnexportedTracer(trace.Tracer):
    """Gives every span an id in its parent's trace, or in a new one, and keeps nothing else.

    A trace that its parent does not sample stays so; a new one is sampled, as ours always are:
    a service further on may export it.
    """

    def __init__(self) -> None:
        self._ids = RandomIdGenerator()

    def start_span(self, name: str, context: Context | None = None, *_: Any, **__: Any) -> Any:
        parent = trace.get_current_span(context).get_span_context()
        trace_id = parent.trace_id if parent.is_valid else self._ids.generate_trace_id()
        flags = parent.trace_flags if parent.is_valid else _SAMPLED
        state = parent.trace_state if parent.is_valid else None
        made = trace.SpanContext(trace_id, self._ids.generate_span_id(), False, flags, state)
        return trace.NonRecordingSpan(made)

    @contextmanager
    def start_as_current_span(  # type: ignore[override]
        self, name: str, context: Context | None = None, *_: Any, **__: Any
    ) -> Iterator[trace.Span]:
        with trace.use_span(self.start_span(name, context)) as span:
            yield span


class UnexportedTracerProvider(trace.TracerProvider):
    """For a process without an OTLP endpoint."""

    def __init__(self) -> None:
        self._tracer = UnexportedTracer()

    def get_tracer(self, *_: Any, **__: Any) -> trace.Tracer:
        return self._tracer
