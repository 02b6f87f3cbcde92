"""Events of one referral, as they stand on record."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from services.intake.domain import Event

START = datetime(2026, 3, 1, 12, tzinfo=UTC)
WORKER = "spiffe://takedown.internal/service/worker"
ANN = "spiffe://takedown.internal/operator/ann"
BOB = "spiffe://takedown.internal/operator/bob"
UNTIL = (START + timedelta(days=3)).isoformat()
LATER = (START + timedelta(days=9)).isoformat()


def event(name: str, minute: int = 0, by: str = WORKER, state: str = "", **detail: Any) -> Event:
    at = START + timedelta(minutes=minute)
    return Event(f"{name}/{minute}/{detail}", name, state, by, at, "x", detail)


def wished(note: str = "", until: str = UNTIL, reason: str = "SURVEILLANCE") -> dict[str, Any]:
    return {
        "owner": "operator/ann",
        "reason": f"HOLD_REASON_{reason}",
        "note": note,
        "expireTime": until,
    }


def placed(until: str = UNTIL, reason: str = "SURVEILLANCE") -> dict[str, Any]:
    """As the workflow says it: it carries neither owner nor note."""
    return {"reason": f"HOLD_REASON_{reason}", "expireTime": until}
