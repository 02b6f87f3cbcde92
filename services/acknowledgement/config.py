"""Settings of acknowledgement."""

from __future__ import annotations

from services.kernel.config import DatabaseSettings, ServiceSettings


class AcknowledgementSettings(ServiceSettings):
    database: DatabaseSettings
