"""What makes an event of a workflow the same event when its step runs again. Pure."""

from __future__ import annotations

import hashlib
from typing import Any

# Ids and names by which two events of one type differ; never a time, which is another each time.
_SUBJECTS = (
    "eventId",
    "observationId",
    "noticeId",
    "clarificationId",
    "command",
    "level",
    "deadline",
)


def key_of(number: int, kind: str, detail: dict[str, Any]) -> str:
    """An idempotency key: the event's number, its type and what it is about."""
    subject = _subject(detail)
    mark = hashlib.sha256(subject.encode()).hexdigest()[:12] if subject else ""
    return f"w/{number}/{kind}" + (f"/{mark}" if mark else "")


def _subject(detail: dict[str, Any]) -> str:
    inner = detail.get("platformEvent", detail)
    return "/".join(str(inner[name]) for name in _SUBJECTS if inner.get(name))
