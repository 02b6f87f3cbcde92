"""Settings of classification."""

from __future__ import annotations

from pydantic import Field

from services.kernel.config import ServiceSettings


class ClassificationSettings(ServiceSettings):
    # Threads that assess; the work is pure and holds the interpreter, so few are enough.
    threads: int = Field(default=2, ge=1, le=16)
