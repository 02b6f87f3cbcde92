"""One intake per test, on a database of its own."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from tests.fakes.pki import Pki
from tests.integration.conftest import MakeSchema
from tests.integration.intake.serving import Intake, assert_folded, serving


@pytest.fixture
async def intake(pki: Pki, make_schema: MakeSchema) -> AsyncIterator[Intake]:
    """Whatever a test did: at its end every projection is the fold of its events."""
    async with serving(pki, await make_schema("intake")) as running:
        yield running
        if running.audited:
            await assert_folded(running)
