"""Settings of intake."""

from __future__ import annotations

from pydantic import Field

from services.kernel.config import DatabaseSettings, ServiceSettings


class IntakeSettings(ServiceSettings):
    database: DatabaseSettings
    # False where every platform is a sandbox: a referral that is not a test is refused.
    accept_real: bool = True
    # The platforms that have an adapter here; empty means every platform that is known.
    platforms: list[str] = Field(default_factory=list)
    # The most submissions that one transaction stores together.
    coalesce: int = Field(default=200, ge=1, le=1000)
    # How long those that wait already wait for others to share a transaction with. One that
    # arrives alone never does.
    coalesce_seconds: float = Field(default=0.01, ge=0, le=0.1)
    watch_heartbeat_seconds: float = Field(default=15.0, gt=0, le=60)
