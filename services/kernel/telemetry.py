"""Spans, metrics and logs: every name in one place, and never any content.

Spans and metrics go out by OTLP when an endpoint is set. Logs are JSON lines on standard
output with trace and referral ids. What names content (URL, handle, text, phone) is dropped
before it is written: SREs need no clearance.
"""

from __future__ import annotations

import functools
import json
import logging
import re
import sys
from collections.abc import MutableMapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final, TextIO

import structlog
from opentelemetry import context as otel_context
from opentelemetry import metrics, trace
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.view import ExplicitBucketHistogramAggregation, View
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import Span, SpanProcessor, TracerProvider
from opentelemetry.sdk.trace.sampling import ALWAYS_ON, ParentBased
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from services.kernel.spans import UnexportedTracerProvider

if TYPE_CHECKING:
    from collections.abc import Iterator

    from structlog.typing import Processor

    from services.kernel.config import TelemetrySettings

RPC_SYSTEM: Final = "rpc.system.name"
RPC_METHOD: Final = "rpc.method"
RPC_STATUS: Final = "rpc.response.status_code"
REFERRAL_ID: Final = "referral.id"
CALLER_ROLE: Final = "takedown.caller.role"
SERVER_DURATION: Final = "rpc.server.call.duration"
CLIENT_DURATION: Final = "rpc.client.call.duration"
INBOX_BACKLOG: Final = "takedown.inbox.backlog"
RELAY_DELIVERIES: Final = "takedown.relay.deliveries"
PROBES: Final = "takedown.observation.probes"
NOTICES: Final = "takedown.notices"
RECONCILIATION: Final = "takedown.reconciliation.findings"
ASSESSMENTS: Final = "takedown.classification.assessments"
SHADOW_ASSESSMENTS: Final = "takedown.classification.shadow_assessments"
MODEL_SWAPS: Final = "takedown.classification.model_swaps"
SCORE_DRIFT: Final = "takedown.classification.score_drift"
SIGNAL_MATCHES: Final = "takedown.classification.signal_matches"
SIGNAL_BANK_FAILURES: Final = "takedown.classification.signal_bank_failures"
SIGNALS_LEARNT: Final = "takedown.classification.signals_learnt"

_BUCKETS: Final = (0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)
_CONTENT_KEYS: Final = frozenset(
    {"url", "canonical_url", "handle", "text", "phone", "account", "content_id", "message_text"}
)
# Addresses of content, not of ours: a SPIFFE id or a traceparent may be logged.
_ADDRESS: Final = re.compile(r"(?i)\bhttps?:")
# Made once: json.dumps with any option of its own makes an encoder for each line.
_ENCODER: Final = json.JSONEncoder(default=repr)
_W3C: Final = TraceContextTextMapPropagator()
_referral: ContextVar[str] = ContextVar("referral_id", default="")


@dataclass
class Telemetry:
    """What ``setup`` made; ``shutdown`` flushes what is exported."""

    exported: tuple[TracerProvider | MeterProvider, ...] = ()

    def shutdown(self) -> None:
        for provider in self.exported:
            provider.shutdown()


def setup(service: str, settings: TelemetrySettings) -> Telemetry:
    """Configure logs, spans and metrics of this process; called once, by a main.

    Without an endpoint spans have their ids and go on to the next service, but nothing is
    recorded that nobody would read.
    """
    configure_logs(service, settings.log_level)
    if not settings.otlp_endpoint:
        trace.set_tracer_provider(UnexportedTracerProvider())
        return Telemetry()
    from opentelemetry.exporter.otlp.proto.grpc.metric_exporter import OTLPMetricExporter
    from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import OTLPSpanExporter
    from opentelemetry.sdk.metrics.export import PeriodicExportingMetricReader
    from opentelemetry.sdk.trace.export import BatchSpanProcessor

    endpoint = settings.otlp_endpoint
    resource = Resource.create({"service.name": f"takedown-{service}"})
    tracers = TracerProvider(resource=resource, sampler=ParentBased(ALWAYS_ON))
    tracers.add_span_processor(ReferralSpans())
    tracers.add_span_processor(BatchSpanProcessor(OTLPSpanExporter(endpoint=endpoint)))
    reader = PeriodicExportingMetricReader(OTLPMetricExporter(endpoint=endpoint))
    aggregation = ExplicitBucketHistogramAggregation(_BUCKETS)
    view = View(instrument_name="rpc.*", aggregation=aggregation)
    meters = MeterProvider(resource=resource, metric_readers=[reader], views=[view])
    trace.set_tracer_provider(tracers)
    metrics.set_meter_provider(meters)
    return Telemetry((tracers, meters))


def configure_logs(service: str, level: str, file: TextIO | None = None) -> None:
    """JSON lines to ``file`` (standard output if None), for structlog and for libraries."""
    structlog.configure(
        processors=[
            _drop_content,
            structlog.processors.add_log_level,
            _stamper(service),
            _add_ids,
            _render,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.getLevelName(level)),
        logger_factory=structlog.WriteLoggerFactory(file=file or sys.stdout),
        # A cached logger would go on writing where it wrote first; making one costs a microsecond.
        cache_logger_on_first_use=False,
    )
    logging.basicConfig(level=logging.WARNING, handlers=[_Bridge()], force=True)


class _Bridge(logging.Handler):
    """Libraries' warnings, by logger and level alone: their messages may hold content."""

    def emit(self, record: logging.LogRecord) -> None:
        failure = record.exc_info[0].__name__ if record.exc_info and record.exc_info[0] else ""
        structlog.get_logger(record.name).warning(
            "library_warning",
            logger=record.name,
            where=f"{record.module}:{record.lineno}",
            failure=failure,
        )


def _stamper(service: str) -> Processor:
    def stamp(_: Any, __: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
        event["service"] = service
        event["timestamp"] = datetime.now(UTC).isoformat().replace("+00:00", "Z")
        return event

    return stamp


def _render(_: Any, __: str, event: MutableMapping[str, Any]) -> str:
    return _ENCODER.encode(event)


def _add_ids(_: Any, __: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    span = trace.get_current_span().get_span_context()
    if span.is_valid:
        event["trace_id"] = f"{span.trace_id:032x}"
        event["span_id"] = f"{span.span_id:016x}"
    if _referral.get():
        event.setdefault("referral_id", _referral.get())
    return event


def _drop_content(_: Any, __: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    cleaned: dict[str, Any] = _without_content(event)
    return cleaned


def _without_content(value: Any) -> Any:
    """``value`` less every key that names content; any text with an address is withheld."""
    # Every log line passes through here; the commonest types come first.
    if isinstance(value, str):
        return "[withheld]" if ":" in value and _ADDRESS.search(value) else value
    if isinstance(value, dict):
        return {k: _without_content(v) for k, v in value.items() if k not in _CONTENT_KEYS}
    if isinstance(value, list | tuple):
        return [_without_content(part) for part in value]
    return value


class ReferralSpans(SpanProcessor):
    """Puts the referral being worked on onto every span that begins."""

    def on_start(self, span: Span, parent_context: otel_context.Context | None = None) -> None:
        if _referral.get():
            span.set_attribute(REFERRAL_ID, _referral.get())


def bind_referral(referral_id: str) -> None:
    """Put the referral on every log line and on the current span of this task."""
    _referral.set(referral_id)
    trace.get_current_span().set_attribute(REFERRAL_ID, referral_id)


def current_traceparent() -> str:
    """W3C traceparent of the current span; empty when there is none."""
    span = trace.get_current_span().get_span_context()
    if not span.is_valid:
        return ""
    return f"00-{span.trace_id:032x}-{span.span_id:016x}-{span.trace_flags:02x}"


def current_trace_id() -> str:
    span = trace.get_current_span().get_span_context()
    return f"{span.trace_id:032x}" if span.is_valid else ""


def context_from_traceparent(traceparent: str) -> otel_context.Context:
    # An empty context, not the current one: what has no trace is in none.
    return _W3C.extract({"traceparent": traceparent}) if traceparent else otel_context.Context()


@contextmanager
def restored(traceparent: str) -> Iterator[None]:
    """Work inside the trace that a stored traceparent names."""
    token = otel_context.attach(context_from_traceparent(traceparent))
    try:
        yield
    finally:
        otel_context.detach(token)


@contextmanager
def served(name: str, traceparent: str) -> Iterator[trace.Span]:
    """The span of a call that is answered here, in the caller's trace if it named one."""
    parent = context_from_traceparent(traceparent)
    span = tracer().start_span(name, context=parent, kind=trace.SpanKind.SERVER)
    token = otel_context.attach(trace.set_span_in_context(span))
    try:
        yield span
    finally:
        otel_context.detach(token)
        span.end()


def tracer() -> trace.Tracer:
    return _tracer_of(trace.get_tracer_provider())


@functools.lru_cache(maxsize=4)
def _tracer_of(provider: trace.TracerProvider) -> trace.Tracer:
    # Making a tracer costs more than a span.
    return provider.get_tracer("takedown")


def meter() -> metrics.Meter:
    return metrics.get_meter("takedown")
