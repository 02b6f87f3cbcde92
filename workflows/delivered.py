"""Protobuf messages as the plain facts that a workflow is given: never the words."""

from __future__ import annotations

from datetime import UTC, datetime

from google.protobuf.message import Message

from takedown.referral.v1 import enums_pb2, platform_event_pb2
from workflows.contracts import PlatformAnswer


def platform_answer(event: platform_event_pb2.PlatformEvent) -> PlatformAnswer:
    """The facts alone: the platform's words stay in the record."""
    decision = event.decision
    kind = enums_pb2.PlatformDecisionKind.Name(decision.kind) if event.HasField("decision") else ""
    decline = enums_pb2.DeclineReason.Name(decision.decline_reason)
    return PlatformAnswer(
        event_id=event.event_id,
        type=short_name(enums_pb2.PlatformEventType.Name(event.type), "PLATFORM_EVENT_TYPE_"),
        occurred_at=event.occur_time.ToJsonString(),
        notice_id=event.notice_id,
        platform_reference=event.platform_reference,
        decision=short_name(kind, "PLATFORM_DECISION_KIND_"),
        decline_reason=short_name(decline, "DECLINE_REASON_"),
        visibility=short_name(enums_pb2.Visibility.Name(decision.visibility), "VISIBILITY_"),
        account_action=short_name(
            enums_pb2.AccountAction.Name(decision.account_action), "ACCOUNT_ACTION_"
        ),
        countries=tuple(decision.countries),
    )


def short_name(name: str, prefix: str) -> str:
    short = name.removeprefix(prefix)
    return "" if short == "UNSPECIFIED" else short


def time_text(message: Message, name: str) -> str:
    if not message.HasField(name):
        return ""
    moment: datetime = getattr(message, name).ToDatetime(tzinfo=UTC)
    return moment.isoformat()
