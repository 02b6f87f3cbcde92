"""Reading a platform's answers: hostile JSON in, a checked PlatformEvent out."""

from __future__ import annotations

import hashlib
import json
from datetime import UTC, datetime
from typing import Any, Final

import protovalidate

from services.adapters.store import NewAnswer
from takedown.referral.v1 import enums_pb2 as enums
from takedown.referral.v1 import platform_event_pb2

_TEXT_LIMITS: Final = {"platform_reference": 200, "content_url": 2048, "message": 4000}


class AnswerNotUnderstoodError(ValueError):
    """The message says which part could not be understood, without repeating it."""


def read_event(platform: str, answer: dict[str, Any]) -> platform_event_pb2.PlatformEvent:
    """One answer as the wire format gives it (docs/adapter-guide.md).

    Raises:
        AnswerNotUnderstoodError: a part is missing, unknown or too long.
    """
    event = platform_event_pb2.PlatformEvent(platform=platform)
    event.event_id = _text(answer, "event_id", 200)
    event.type = _enum(enums.PlatformEventType, "PLATFORM_EVENT_TYPE", answer.get("type"), "type")
    event.notice_id = _text(answer, "notice_id", 64) if answer.get("notice_id") else ""
    for name, limit in _TEXT_LIMITS.items():
        if answer.get(name) is not None:
            setattr(event, name, _text(answer, name, limit))
    event.occur_time.FromDatetime(_moment(answer.get("occurred_at")))
    if answer.get("decision") is not None:
        _decision(event.decision, answer["decision"])
    if event.type == enums.PLATFORM_EVENT_TYPE_CLARIFICATION_REQUEST:
        _question(event)
    broken = protovalidate.collect_violations(event)
    if broken:
        raise AnswerNotUnderstoodError(f"a part is not as agreed: {broken[0].proto.rule_id}")
    return event


def _question(event: platform_event_pb2.PlatformEvent) -> None:
    """A question is in words, and its id becomes the last part of the answer's address."""
    if not event.message.strip():
        raise AnswerNotUnderstoodError("message is missing: it says what is asked")
    if event.event_id in (".", ".."):
        raise AnswerNotUnderstoodError("event_id cannot stand in an address")


def _decision(target: platform_event_pb2.PlatformDecision, decision: Any) -> None:
    if not isinstance(decision, dict):
        raise AnswerNotUnderstoodError("decision is no object")
    target.kind = _enum(
        enums.PlatformDecisionKind, "PLATFORM_DECISION_KIND", decision.get("kind"), "decision.kind"
    )
    parts = (
        ("decline_reason", enums.DeclineReason, "DECLINE_REASON"),
        ("visibility", enums.Visibility, "VISIBILITY"),
        ("account_action", enums.AccountAction, "ACCOUNT_ACTION"),
    )
    for name, kind, prefix in parts:
        if decision.get(name):
            setattr(target, name, _enum(kind, prefix, decision[name], f"decision.{name}"))
    countries = decision.get("countries", [])
    if not isinstance(countries, list) or not all(
        isinstance(c, str) and _storable(c) for c in countries
    ):
        raise AnswerNotUnderstoodError("decision.countries is no list of texts")
    target.countries.extend(countries[:250])


def _text(answer: dict[str, Any], name: str, limit: int) -> str:
    value = answer.get(name)
    if not isinstance(value, str) or len(value) > limit or not _storable(value):
        raise AnswerNotUnderstoodError(f"{name} is no text of at most {limit} characters")
    return value


def _storable(text: str) -> bool:
    """JSON can spell NUL and half a character; neither can be stored or sent on."""
    return not any(c == "\x00" or "\ud800" <= c <= "\udfff" for c in text)


def _enum(kind: Any, prefix: str, value: Any, name: str) -> Any:
    try:
        return kind.Value(f"{prefix}_{str(value).upper()}")
    except ValueError:
        raise AnswerNotUnderstoodError(f"{name} is not one of the agreed words") from None


def _moment(value: Any) -> datetime:
    try:
        moment = datetime.fromisoformat(value)
        if moment.tzinfo is None:
            moment = moment.replace(tzinfo=UTC)
        return moment.astimezone(UTC)
    except (ValueError, TypeError, OverflowError):
        raise AnswerNotUnderstoodError("occurred_at is no ISO 8601 time") from None


def new_answer(
    source: str, source_id: str, body: bytes, event: platform_event_pb2.PlatformEvent
) -> NewAnswer:
    return NewAnswer(
        source=source,
        source_id=source_id,
        body_sha256=hashlib.sha256(body).hexdigest(),
        notice_id=event.notice_id,
        event=event.SerializeToString(deterministic=True),
    )


def from_poll(platform: str, answer: dict[str, Any]) -> NewAnswer:
    """An answer that was fetched: its event's own id tells a repetition."""
    event = read_event(platform, answer)
    body = json.dumps(answer, sort_keys=True).encode()
    return new_answer("poll", event.event_id, body, event)
