"""Holds: what the fold makes of their events, and when one may be placed or released."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from services.intake import hold_rules
from services.intake.domain import fold
from services.intake.hold_rules import HoldWish
from services.intake.life import hold_asked_for, hold_in_force
from services.kernel.errors import DomainError
from tests.unit.intake.events import ANN, BOB, LATER, START, UNTIL, event, placed, wished


def test_a_hold_that_is_asked_for_is_in_force_only_once_it_is_placed() -> None:
    asked = event("HOLD_REQUESTED", by=ANN, **wished("on watch"))
    before = fold([asked])
    assert hold_in_force(before.detail) is None
    assert hold_asked_for(before.detail) is not None
    after = fold([asked, event("HOLD_PLACED", 1, state="ON_HOLD", **placed())])
    (hold,) = after.detail["holds"]
    assert after.state == "ON_HOLD"
    assert (hold["owner"], hold["note"]) == ("operator/ann", "on watch")
    assert hold["placeTime"] == (START + timedelta(minutes=1)).isoformat()
    assert "requested" not in hold


def test_a_hold_that_ended_says_how_and_what_it_cost() -> None:
    cost = {"heldSeconds": "60", "vanished": True}
    after = fold(
        [
            event("HOLD_REQUESTED", by=ANN, **wished()),
            event("HOLD_PLACED", 1, state="ON_HOLD", **placed()),
            event("HOLD_ENDED", 2, state="IN_REVIEW", end="HOLD_END_EXPIRED", cost=cost),
        ]
    )
    (hold,) = after.detail["holds"]
    assert (hold["end"], hold["cost"], after.state) == ("HOLD_END_EXPIRED", cost, "IN_REVIEW")
    assert hold_in_force(after.detail) is None


def test_a_renewal_is_a_hold_of_its_own_and_the_last_one_is_in_force() -> None:
    after = fold(
        [
            event("HOLD_REQUESTED", by=ANN, **wished("first")),
            event("HOLD_PLACED", 1, state="ON_HOLD", **placed()),
            event("HOLD_REQUESTED", 2, by=BOB, **wished("second", LATER)),
            event("HOLD_RENEWED", 3, **placed(LATER)),
        ]
    )
    first, second = after.detail["holds"]
    assert first["endTime"] == second["placeTime"]
    assert "end" not in first
    assert hold_in_force(after.detail) is second
    assert (second["note"], second["expireTime"]) == ("second", LATER)


def test_two_wishes_at_once_are_answered_each_by_its_own_hold() -> None:
    after = fold(
        [
            event("HOLD_REQUESTED", by=ANN, **wished("short")),
            event("HOLD_REQUESTED", 1, by=BOB, **wished("long", LATER)),
            event("HOLD_PLACED", 2, state="ON_HOLD", **placed(LATER)),
        ]
    )
    in_force, waiting = after.detail["holds"]
    assert in_force["note"] == "long"
    assert waiting["requested"]
    assert waiting["note"] == "short"


def test_a_wish_that_came_too_late_stays_a_wish_with_its_end() -> None:
    events = [
        event("HOLD_REQUESTED", by=ANN, **wished()),
        event("COMMAND_REFUSED", 1, command="hold", reason="The platform has it."),
    ]
    (hold,) = fold(events).detail["holds"]
    assert hold["requested"]
    assert "endTime" in hold
    assert hold_asked_for(fold(events).detail) is None


def test_a_refusal_by_intake_itself_answers_no_earlier_wish() -> None:
    after = fold(
        [
            event("HOLD_REQUESTED", by=ANN, **wished()),
            event("COMMAND_REFUSED", 1, by=BOB, command="hold", reason="Too late."),
        ]
    )
    assert hold_asked_for(after.detail) is not None


@pytest.mark.parametrize(
    ("state", "detail", "possible"),
    [
        ("RECEIVED", {}, True),
        ("IN_REVIEW", {}, True),
        ("NOTIFYING", {}, True),
        ("NOTIFYING", {"notices": [{}]}, False),
        ("AWAITING_ACKNOWLEDGEMENT", {"notices": [{}]}, False),
        ("MONITORING", {"notices": [{}]}, False),
        ("CLOSED", {}, False),
        ("ON_HOLD", {"holds": [wished("old") | {"placeTime": UNTIL}]}, True),
        ("ON_HOLD", {"holds": [wished("new") | {"placeTime": UNTIL}]}, False),
        ("RECEIVED", {"holds": [wished("new") | {"requested": True}]}, False),
        ("RECEIVED", {"holds": [wished("old") | {"requested": True}]}, True),
        ("NOTIFYING", {"holds": [wished("old") | {"requested": True}], "notices": [{}]}, False),
    ],
)
def test_a_hold_is_possible_only_before_a_notice_and_again_only_with_something_new(
    state: str, detail: dict[str, Any], possible: bool
) -> None:
    wish = HoldWish("operator/ann", "SURVEILLANCE", "new", START + timedelta(days=1))
    if possible:
        hold_rules.check_possible(wish, state, "REMOVED", detail)
        return
    with pytest.raises(DomainError) as caught:
        hold_rules.check_possible(wish, state, "REMOVED", detail)
    assert state in caught.value.message


@pytest.mark.parametrize(
    ("state", "detail", "possible"),
    [
        ("ON_HOLD", {}, True),
        ("RECEIVED", {"holds": [wished() | {"requested": True}]}, True),
        ("RECEIVED", {"holds": [wished() | {"requested": True, "endTime": UNTIL}]}, False),
        ("NOTIFYING", {"holds": [wished() | {"requested": True}], "notices": [{}]}, False),
        ("IN_REVIEW", {}, False),
        ("CLOSED", {}, False),
    ],
)
def test_only_a_hold_in_force_or_on_its_way_is_released(
    state: str, detail: dict[str, Any], possible: bool
) -> None:
    if possible:
        hold_rules.check_release(state, "", detail)
        return
    with pytest.raises(DomainError) as caught:
        hold_rules.check_release(state, "REMOVED", detail)
    assert state in caught.value.message
