"""The promise of ``timers``: a delivery in the moment in which a timer ends loses no workflow."""

from __future__ import annotations

from datetime import timedelta

import pytest

from tests.workflow.conftest import Begin
from tests.workflow.timers import NEAR, due
from tests.workflow.world import World


@pytest.mark.timeout(30)
@pytest.mark.parametrize("milliseconds", [5, 10, 30])
async def test_a_delivery_just_before_a_timer_ends_is_answered(
    begin: Begin, milliseconds: int
) -> None:
    play = await begin(World())
    await play.until("AWAITING_ACKNOWLEDGEMENT")
    first = (await due(play.handle))[0]
    now = await play.environment.get_current_time()
    assert first > now + NEAR
    await play.environment.sleep(first - now - timedelta(milliseconds=milliseconds))
    await play.answer("ACKNOWLEDGEMENT")
    assert (await play.until("AWAITING_DECISION")).state == "AWAITING_DECISION"
