"""What tests of a whole life ask for by short names, and what they read of its record."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from temporalio.testing import WorkflowEnvironment

from tests.workflow.conftest import Play
from tests.workflow.world import World
from workflows import contracts

HOLD, RELEASE = contracts.KIND_HOLD_PLACED, contracts.KIND_HOLD_RELEASED
ANSWERED, ESCALATE = contracts.KIND_CLARIFICATION_ANSWERED, contracts.KIND_ESCALATION_REQUESTED
WITHDRAWAL, REVIEWED = contracts.KIND_WITHDRAWAL_REQUESTED, contracts.KIND_REVIEW_DECIDED
HOUR, DAY = timedelta(hours=1), timedelta(days=1)


async def later(where: Play | WorkflowEnvironment, pause: timedelta) -> str:
    """An instant so far ahead by the server's own clock."""
    environment = where.environment if isinstance(where, Play) else where
    return (await environment.get_current_time() + pause).isoformat()


def details(world: World, kind: str) -> list[dict[str, Any]]:
    return [e.detail for e in world.ordered() if e.type == kind]
