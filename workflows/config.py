"""Settings of the worker process."""

from __future__ import annotations

from pydantic import Field

from services.kernel.config import Part, ServiceSettings


class TemporalSettings(Part):
    address: str = Field(pattern=r"^[^\s:]+:\d{1,5}$")
    namespace: str = "default"


class WorkerSettings(ServiceSettings):
    """``adapters`` maps a platform's slug to the address of its adapter."""

    temporal: TemporalSettings
    intake: str
    classification: str
    acknowledgement: str
    observation: str
    adapters: dict[str, str]
    # One factor on every duration of the policy: 1.0 is real time.
    time_scale: float = Field(default=1.0, gt=0, le=1.0)
    workflow_tasks: int = Field(default=8, ge=2, le=64)
    local_activities: int = Field(default=64, ge=1, le=500)
    platform_activities: int = Field(default=16, ge=1, le=200)
    observation_activities: int = Field(default=16, ge=1, le=200)
    # Every workflow in a fresh copy of its modules: what tests do, at twice the cost of a step.
    sandbox: bool = False
