"""Settings of an adapter: one process speaks for one platform."""

from __future__ import annotations

from pathlib import Path

from pydantic import Field, SecretStr

from services.kernel.config import DatabaseSettings, Part, ServiceSettings


class EndpointSettings(Part):
    """The platform's notice API. ``sandbox`` says that only tests may go there."""

    url: str = Field(pattern=r"^https://[^\s/]+(/[^\s]*)?$", max_length=500)
    token: SecretStr
    sandbox: bool
    # Trust this authority instead of the system's: for sandboxes.
    ca_file: Path | None = None
    timeout_seconds: float = Field(default=15.0, gt=0, le=60)


class WebhookSettings(Part):
    """Where the platform pushes its answers; the secret is Standard Webhooks' (base64)."""

    listen: str = Field(pattern=r"^[^\s:]+:\d{1,5}$")
    secret: SecretStr
    ready_file: Path | None = None


class AdapterSettings(ServiceSettings):
    platform: str = Field(pattern="^[a-z][a-z0-9_]{0,31}$")
    database: DatabaseSettings
    endpoint: EndpointSettings
    webhook: WebhookSettings
    acknowledgement: str
    # One factor on the profile's polling interval; the workflow scales the deadlines itself.
    time_scale: float = Field(default=1.0, gt=0, le=1.0)
