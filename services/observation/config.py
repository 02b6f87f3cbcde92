"""Settings of observation."""

from __future__ import annotations

from pathlib import Path

from pydantic import Field

from services.kernel.config import DatabaseSettings, Part, ServiceSettings


class ControlSettings(Part):
    """One item that is known to be there and one known to be gone: ``KIND account id url``."""

    live: str = Field(max_length=2048)
    dead: str = Field(max_length=2048)


class SandboxSettings(Part):
    """Every connection goes to this one origin instead of the internet: development only."""

    origin: str = Field(pattern=r"^127\.0\.0\.1:\d{1,5}$")
    ca_file: Path


class ObservationSettings(ServiceSettings):
    """``controls`` by platform slug; a platform without them is never observed as gone."""

    database: DatabaseSettings
    # A folder, or an object store's URL that obstore understands (s3://bucket/prefix).
    evidence: str
    vantage: str = Field(default="unnamed", max_length=64)
    controls: dict[str, ControlSettings] = Field(default_factory=dict)
    # How long a passed control speaks for its platform.
    control_seconds: float = Field(default=60.0, gt=0, le=3600)
    # One fetch, redirects included.
    fetch_seconds: float = Field(default=15.0, gt=0, le=15)
    sandbox: SandboxSettings | None = None
