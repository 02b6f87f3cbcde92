"""One event of the record. Plain Python: details are protobuf JSON as dictionaries."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any


@dataclass(frozen=True, slots=True)
class Event:
    """One event as it is on record; ``state`` is the state after it, "" for unchanged.

    ``before`` is the state before it as a workflow knows it, "" where nobody says.
    """

    key: str
    type: str
    state: str
    actor: str
    occurred_at: datetime
    detail_kind: str = ""
    detail: dict[str, Any] = field(default_factory=dict)
    trace_id: str = ""
    before: str = ""
