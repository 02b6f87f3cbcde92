"""Where nobody exports spans, traces go on all the same."""

from __future__ import annotations

from opentelemetry import trace

from services.kernel import telemetry
from services.kernel.spans import UnexportedTracer

CALLER = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-{}"


def test_a_span_stays_in_the_trace_of_its_caller_under_an_id_of_its_own() -> None:
    parent = telemetry.context_from_traceparent(CALLER.format("01"))
    span = UnexportedTracer().start_span("call", context=parent).get_span_context()
    assert f"{span.trace_id:032x}" == "0af7651916cd43dd8448eb211c80319c"
    assert span.is_valid
    assert f"{span.span_id:016x}" != "b7ad6b7169203331"
    assert span.trace_flags.sampled


def test_a_trace_that_its_caller_does_not_sample_stays_unsampled() -> None:
    parent = telemetry.context_from_traceparent(CALLER.format("00"))
    span = UnexportedTracer().start_span("call", context=parent).get_span_context()
    assert not span.trace_flags.sampled


def test_a_new_trace_is_sampled_so_that_a_later_service_may_export_it() -> None:
    with UnexportedTracer().start_as_current_span("work") as outer:
        assert trace.get_current_span() is outer
        assert telemetry.current_traceparent().endswith("-01")
        with UnexportedTracer().start_as_current_span("part") as inner:
            mine, its = outer.get_span_context(), inner.get_span_context()
    assert its.trace_id == mine.trace_id
    assert its.span_id != mine.span_id
    assert telemetry.current_traceparent() == ""
