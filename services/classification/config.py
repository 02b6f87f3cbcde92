"""Settings of classification."""

from __future__ import annotations

from pathlib import Path
from typing import Self

from pydantic import Field, SecretStr, model_validator

from services.classification import engines
from services.classification.bank.digests import SHORTEST_KEY
from services.kernel.config import DatabaseSettings, ServiceSettings


class ClassificationSettings(ServiceSettings):
    # Threads that assess; the work is pure and holds the interpreter, so few are enough.
    threads: int = Field(default=2, ge=1, le=16)
    # Cores that one text's embedding may take. More than one pays where they are free; on two cores
    # that hold the whole stack it takes them from everything else.
    embedding_threads: int = Field(default=1, ge=1, le=16)
    # rules, fast (with the fast model) or cascade (with the semantic model where that is unsure).
    engine: engines.Kind = "cascade"
    # The model package in use; another version of it is taken up while the service runs.
    model: Path = engines.MODEL
    # A model package that assesses beside it; what it says is counted and logged, not acted on.
    shadow: Path | None = None
    # Seconds in which all pictures of one request are looked at; what is not done then is told.
    picture_seconds: float = Field(default=6.0, gt=0.0, le=60.0)
    # The signal bank: both or neither. Without it nothing is known of earlier decisions.
    database: DatabaseSettings | None = None
    # Digests are made under it: another key makes everything that is banked unknown.
    signal_key: SecretStr | None = None

    @model_validator(mode="after")
    def _whole_bank(self) -> Self:
        if (self.database is None) != (self.signal_key is None):
            raise ValueError("give database and signal_key together, or neither")
        key = self.signal_key
        if key is not None and len(key.get_secret_value().encode()) < SHORTEST_KEY:
            raise ValueError(f"signal_key needs at least {SHORTEST_KEY} bytes")
        return self
