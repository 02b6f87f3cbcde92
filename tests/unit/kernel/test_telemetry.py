"""Logs, spans and metrics carry ids and never content."""

from __future__ import annotations

import io
import json
import logging
from collections.abc import Iterator
from typing import Any

import pytest
import structlog
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from services.kernel import telemetry

CANARY = "canary-7f3a"
REFERRAL = "018f6d4e-0000-7000-8000-000000000001"


@pytest.fixture
def lines() -> Iterator[Any]:
    """The JSON lines that were written since the start of the test."""
    written = io.StringIO()
    before = structlog.get_config()
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    telemetry.configure_logs("probe", "INFO", written)
    yield lambda: [json.loads(line) for line in written.getvalue().splitlines()]
    structlog.configure(**before)
    structlog.contextvars.clear_contextvars()
    root.handlers[:], root.level = handlers, level
    telemetry.bind_referral("")


@pytest.mark.parametrize("key", ["url", "handle", "text", "phone", "account", "content_id"])
def test_a_key_that_names_content_is_never_written(lines: Any, key: str) -> None:
    structlog.get_logger().info("stored", **{key: CANARY}, inner={key: CANARY, "kept": 1})
    [line] = lines()
    assert CANARY not in json.dumps(line)
    assert line["event"] == "stored"
    assert line["inner"] == {"kept": 1}


def test_an_address_in_any_value_is_withheld(lines: Any) -> None:
    structlog.get_logger().info("stored", note=f"see https://example.invalid/{CANARY}", n=[1])
    [line] = lines()
    assert CANARY not in json.dumps(line)


def test_an_exceptions_words_are_not_written(lines: Any) -> None:
    try:
        raise RuntimeError(CANARY)
    except RuntimeError:
        structlog.get_logger().exception("failed")
        logging.getLogger("library").exception("it said %s", CANARY)
    assert CANARY not in json.dumps(lines())
    assert {line["event"] for line in lines()} == {"failed", "library_warning"}


def test_a_line_carries_service_trace_and_referral(lines: Any) -> None:
    with TracerProvider().get_tracer("test").start_as_current_span("work") as span:
        telemetry.bind_referral(REFERRAL)
        structlog.get_logger().info("stored")
        context = span.get_span_context()
    [line] = lines()
    assert line["service"] == "probe"
    assert line["trace_id"] == f"{context.trace_id:032x}"
    assert line["span_id"] == f"{context.span_id:016x}"
    assert line["referral_id"] == REFERRAL


def test_every_span_under_a_referral_names_it(lines: Any) -> None:
    exporter = InMemorySpanExporter()
    provider = TracerProvider()
    provider.add_span_processor(telemetry.ReferralSpans())
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    tracer = provider.get_tracer("test")
    with tracer.start_as_current_span("outer"):
        telemetry.bind_referral(REFERRAL)
        with tracer.start_as_current_span("inner"):
            pass
    found = {s.name: (s.attributes or {}).get("referral.id") for s in exporter.get_finished_spans()}
    assert found == {"outer": REFERRAL, "inner": REFERRAL}


def test_a_stored_traceparent_is_restored() -> None:
    with TracerProvider().get_tracer("test").start_as_current_span("before"):
        stored = telemetry.current_traceparent()
    assert telemetry.current_traceparent() == ""
    with telemetry.restored(stored):
        assert telemetry.current_traceparent() == stored
        assert telemetry.current_trace_id() == stored.split("-")[1]
    assert telemetry.current_traceparent() == ""


@pytest.mark.parametrize("text", ["", "garbage", "00-0-0-00", "\x00", "00-" + "z" * 60])
def test_a_broken_traceparent_starts_no_trace(text: str) -> None:
    with telemetry.restored(text):
        assert telemetry.current_trace_id() == ""
