"""Signed webhooks, and reading what a platform answers: hostile until shown otherwise."""

from __future__ import annotations

import base64
import json
from contextlib import suppress
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.adapters.answers import AnswerNotUnderstoodError, read_event
from services.adapters.channels.api import LONGEST_PAUSE, retry_after
from services.adapters.webhooks import SignatureError, read_secret, verify
from tests.simulators.webhooks import signature

NOW = datetime(2026, 11, 24, 10, tzinfo=UTC)
SECRET = "whsec_" + base64.b64encode(b"k" * 32).decode()
KEY = read_secret(SECRET)
BODY = b'{"data": {}}'


def headers(stamp: int, body: bytes = BODY, message_id: str = "m-1") -> dict[str, str]:
    return {
        "webhook-id": message_id,
        "webhook-timestamp": str(stamp),
        "webhook-signature": signature(SECRET, message_id, stamp, body),
    }


def test_a_signed_message_is_trusted() -> None:
    at = int(NOW.timestamp())
    assert verify(KEY, headers(at), BODY, NOW.timestamp()) == "m-1"


@given(st.binary(max_size=200))
def test_another_body_is_a_forgery(body: bytes) -> None:
    if body == BODY:
        return
    with pytest.raises(SignatureError):
        verify(KEY, headers(int(NOW.timestamp())), body, NOW.timestamp())


@pytest.mark.parametrize("minutes", [-6, 6, -60 * 24])
def test_a_stale_message_is_refused(minutes: int) -> None:
    at = int((NOW + timedelta(minutes=minutes)).timestamp())
    with pytest.raises(SignatureError):
        verify(KEY, headers(at), BODY, NOW.timestamp())


@pytest.mark.parametrize("name", ["webhook-id", "webhook-timestamp", "webhook-signature"])
def test_a_missing_header_is_refused(name: str) -> None:
    given_headers = headers(int(NOW.timestamp()))
    del given_headers[name]
    with pytest.raises(SignatureError):
        verify(KEY, given_headers, BODY, NOW.timestamp())


def test_a_short_secret_is_refused() -> None:
    with pytest.raises(ValueError, match="24 bytes"):
        read_secret("whsec_" + base64.b64encode(b"short").decode())


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=9), inner),
    max_leaves=8,
)
NAMES = (
    "event_id",
    "type",
    "notice_id",
    "platform_reference",
    "occurred_at",
    "decision",
    "message",
)


@given(st.dictionaries(st.sampled_from(NAMES), JSON))
def test_an_answer_is_read_or_not_understood_and_never_worse(answer: dict[str, object]) -> None:
    with suppress(AnswerNotUnderstoodError):
        assert read_event("x", answer).platform == "x"


def test_an_answer_as_agreed_is_read_whole() -> None:
    answer = {
        "event_id": "e1", "type": "decision", "occurred_at": "2026-11-24T10:00:00Z",
        "decision": {"kind": "decline", "decline_reason": "cannot_locate"},
    }  # fmt: skip
    event = read_event("x", json.loads(json.dumps(answer)))
    assert (event.platform, event.event_id, event.decision.decline_reason) == ("x", "e1", 3)


@given(st.text(max_size=40) | st.none())
def test_a_retry_after_is_a_bounded_pause_or_none(header: str | None) -> None:
    pause = retry_after(header, NOW)
    assert pause is None or timedelta() <= pause <= LONGEST_PAUSE


def test_a_retry_after_may_be_seconds_or_a_date() -> None:
    assert retry_after("7", NOW) == timedelta(seconds=7)
    assert retry_after("Tue, 24 Nov 2026 10:01:00 GMT", NOW) == timedelta(minutes=1)
    assert retry_after("99999999999999", NOW) == LONGEST_PAUSE
