"""Between protobuf and the rows of acknowledgement."""

from __future__ import annotations

from datetime import datetime

from services.acknowledgement.store import NewPlatformEvent
from services.kernel.errors import invalid
from services.kernel.moments import moment
from takedown.acknowledgement.v1 import acknowledgement_service_pb2 as pb
from takedown.referral.v1 import enums_pb2, platform_event_pb2


def read(
    event: platform_event_pb2.PlatformEvent, now: datetime, traceparent: str
) -> NewPlatformEvent:
    """An event as it is stored.

    Raises:
        DomainError: INVALID when a text holds a NUL character, which no database takes, or the
            time is none.
    """
    for name in ("event_id", "platform_reference", "content_url", "message"):
        if "\x00" in getattr(event, name):
            sentence = f"{name} holds a NUL character; remove it and send the event again."
            raise invalid(f"platform_event.{name}", "CONTROL_CHARACTERS", sentence)
    return NewPlatformEvent(
        platform=event.platform,
        event_id=event.event_id,
        type=enums_pb2.PlatformEventType.Name(event.type).removeprefix("PLATFORM_EVENT_TYPE_"),
        notice_id=event.notice_id,
        platform_reference=event.platform_reference,
        event=event.SerializeToString(deterministic=True),
        occurred_at=moment(event.occur_time, "platform_event.occur_time"),
        recorded_at=now,
        traceparent=traceparent,
    )


def recorded(fresh: bool) -> pb.RecordPlatformEventResponse:
    return pb.RecordPlatformEventResponse(
        disposition=pb.RECORD_DISPOSITION_STORED if fresh else pb.RECORD_DISPOSITION_DUPLICATE
    )
