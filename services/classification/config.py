"""Settings of classification."""

from __future__ import annotations

from pathlib import Path

from pydantic import Field

from services.classification import engines
from services.kernel.config import ServiceSettings


class ClassificationSettings(ServiceSettings):
    # Threads that assess; the work is pure and holds the interpreter, so few are enough.
    threads: int = Field(default=2, ge=1, le=16)
    # rules, fast (with the fast model) or cascade (with the semantic model where that is unsure).
    engine: engines.Kind = "cascade"
    # The model package in use; another version of it is taken up while the service runs.
    model: Path = engines.MODEL
    # A model package that assesses beside it; what it says is counted and logged, not acted on.
    shadow: Path | None = None
    # Seconds in which all pictures of one request are looked at; what is not done then is told.
    picture_seconds: float = Field(default=6.0, gt=0.0, le=60.0)
