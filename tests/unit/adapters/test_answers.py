"""A platform's answer is hostile: it is read, or refused in one way."""

from __future__ import annotations

import contextlib
import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.adapters.answers import AnswerNotUnderstoodError, from_poll, read_event
from services.adapters.channels.api import LONGEST_PAUSE, retry_after
from services.adapters.webhooks import SignatureError, read_secret, sign, verify
from tests.simulators.webhooks import signature

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)
SECRET = "whsec_MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE="
KEY = read_secret(SECRET)
GOOD: dict[str, Any] = {
    "event_id": "e1",
    "type": "decision",
    "notice_id": "018f6d4e-0000-7000-8000-000000000001",
    "occurred_at": "2026-11-24T11:00:00Z",
    "decision": {"kind": "restrict", "visibility": "disabled", "countries": ["GB"]},
    "message": "words",
}
_json = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters()),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=8,
)


def test_a_good_answer_is_read_whole() -> None:
    event = read_event("x", GOOD)
    assert (event.platform, event.event_id, event.message) == ("x", "e1", "words")
    assert list(event.decision.countries) == ["GB"]
    assert event.occur_time.ToDatetime(tzinfo=UTC) == NOW - timedelta(hours=1)


@given(st.sampled_from([*GOOD, "platform_reference", "content_url"]), _json)
def test_any_value_in_any_part_is_read_or_refused_and_never_breaks(part: str, value: Any) -> None:
    with contextlib.suppress(AnswerNotUnderstoodError):
        from_poll("x", {**GOOD, part: value})


@given(st.sampled_from(["kind", "visibility", "decline_reason", "account_action", "countries"]),
       _json)  # fmt: skip
def test_any_value_in_a_decision_is_read_or_refused(part: str, value: Any) -> None:
    with contextlib.suppress(AnswerNotUnderstoodError):
        read_event("x", {**GOOD, "decision": {**GOOD["decision"], part: value}})


@pytest.mark.parametrize(
    ("part", "value"),
    [
        ("event_id", "\ud800"),
        ("event_id", ""),
        ("message", "a\x00b"),
        ("message", json.loads('"\\udfff"')),
        ("decision", {"kind": "restrict", "countries": ["\ud800"]}),
        ("occurred_at", "0001-01-01T00:00:00+14:00"),
        ("occurred_at", None),
        ("notice_id", "7"),
        ("type", "unspecified"),
        ("decision", None),
    ],
)
def test_what_cannot_be_stored_is_refused(part: str, value: Any) -> None:
    with pytest.raises(AnswerNotUnderstoodError):
        read_event("x", {**GOOD, part: value})


@pytest.mark.parametrize(
    ("header", "pause"),
    [
        (None, None),
        ("120", timedelta(seconds=120)),
        ("0", timedelta()),
        ("999999999999999999", LONGEST_PAUSE),
        ("Tue, 24 Nov 2026 12:01:00 GMT", timedelta(minutes=1)),
        ("Tue, 24 Nov 2026 11:00:00 GMT", timedelta()),
        ("soon", None),
        ("-5", None),
        ("Mon, 01 Jan 99999999999999999999 00:00:00 GMT", None),
    ],
)
def test_retry_after_is_read_and_bounded(header: str | None, pause: timedelta | None) -> None:
    assert retry_after(header, NOW) == pause


_date_like = st.from_regex(r"Mon, [0-9]{1,3} Jan [0-9]{1,25} [0-9:]{0,12} [A-Z+0-9-]{0,9}")


@given(st.text(max_size=60) | _date_like)
def test_no_retry_after_breaks_or_waits_longer_than_an_hour(header: str) -> None:
    pause = retry_after(header, NOW)
    assert pause is None or timedelta() <= pause <= LONGEST_PAUSE


def _headers(body: bytes, **changes: str) -> dict[str, str]:
    stamp = int(NOW.timestamp())
    found = {"id": "m1", "timestamp": str(stamp), "signature": sign(KEY, "m1", stamp, body)}
    return {f"webhook-{name}": value for name, value in {**found, **changes}.items()}


@given(st.binary(max_size=200))
def test_a_signature_of_another_implementation_is_accepted(body: bytes) -> None:
    theirs = signature(SECRET, "m1", int(NOW.timestamp()), body)
    rotated = f"v1,AAAA {theirs}"
    assert verify(KEY, _headers(body, signature=rotated), body, NOW.timestamp()) == "m1"


@pytest.mark.parametrize(
    ("changes", "later"),
    [
        ({"signature": ""}, 0),
        ({"signature": "v1,AAAA"}, 0),
        ({"signature": "v1,\u00e9"}, 0),
        ({"id": "m2"}, 0),
        ({"id": ""}, 0),
        ({"id": "a.b"}, 0),
        ({"timestamp": "soon"}, 0),
        ({"timestamp": "1" * 400}, 0),
        ({}, 301),
        ({}, -301),
    ],
)
def test_a_forged_or_stale_message_is_refused(changes: dict[str, str], later: int) -> None:
    with pytest.raises(SignatureError):
        verify(KEY, _headers(b"body", **changes), b"body", NOW.timestamp() + later)


def test_an_altered_body_is_refused() -> None:
    with pytest.raises(SignatureError):
        verify(KEY, _headers(b"body"), b"Body", NOW.timestamp())


_ASKS: dict[str, Any] = {**GOOD, "type": "clarification_request", "decision": None}


def test_a_question_and_a_reversal_are_read() -> None:
    asked = read_event("x", {**_ASKS, "message": "Which video?"})
    assert asked.message == "Which video?"
    reversal = from_poll("x", {**GOOD, "type": "reversal", "decision": None})
    assert reversal.notice_id == GOOD["notice_id"]


@pytest.mark.parametrize(
    "change", [{"message": ""}, {"message": " \n"}, {"message": None}, {"event_id": ".."}]
)
def test_a_question_that_cannot_be_answered_is_refused(change: dict[str, Any]) -> None:
    with pytest.raises(AnswerNotUnderstoodError):
        read_event("x", {**_ASKS, **change})
