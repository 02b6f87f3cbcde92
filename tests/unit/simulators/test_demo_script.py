"""The demonstration's script shows one of everything, in words that mean something."""

from __future__ import annotations

import json
from typing import Any

import pytest

from infra.local.demo_run import LIFE, happened
from infra.local.layout import SCRIPT
from takedown.referral.v1 import enums_pb2 as enums
from takedown.referral.v1 import event_pb2
from tests.simulators.script import SAID, SHOWN, Script

RAW: dict[str, dict[str, Any]] = json.loads(SCRIPT.read_text(encoding="utf-8"))
PLAYED = Script.read(SCRIPT)


def test_every_word_of_a_script_is_shown_in_the_demonstration() -> None:
    shown = {
        step[1] for raw in RAW.values() for steps in raw.get("steps", {}).values() for step in steps
    }
    assert shown == SHOWN | SAID


@pytest.mark.parametrize("name", LIFE)
def test_each_turn_of_a_life_is_expected_at_least_once(name: str) -> None:
    assert any(raw.get("shows", {}).get(name) for raw in RAW.values())


@pytest.mark.parametrize("key", [key for key, raw in RAW.items() if "sees" in raw])
def test_what_must_be_seen_is_an_event_of_the_contract(key: str) -> None:
    for name in RAW[key]["sees"]:
        assert event_pb2.ReferralEventType.Value(f"REFERRAL_EVENT_TYPE_{name}")


@pytest.mark.parametrize("key", [key for key in RAW if not key.endswith("/*")])
def test_every_scripted_outcome_is_one_of_the_contract(key: str) -> None:
    platform, _, item = key.partition("/")
    assert enums.Outcome.Value(f"OUTCOME_{PLAYED.find(platform, item).expects}")


def test_how_often_something_happened_is_counted_from_the_record() -> None:
    released = event_pb2.ReferralEvent(type=event_pb2.REFERRAL_EVENT_TYPE_HOLD_ENDED)
    released.hold_ended.end = enums.HOLD_END_RELEASED
    asked = event_pb2.ReferralEvent(type=event_pb2.REFERRAL_EVENT_TYPE_HOLD_RELEASE_REQUESTED)
    asked.hold_ended.end = enums.HOLD_END_RELEASED
    closed = event_pb2.ReferralEvent(type=event_pb2.REFERRAL_EVENT_TYPE_CLOSED)
    closed.closed.account_action = enums.ACCOUNT_ACTION_SUSPENDED
    held = event_pb2.ReferralEvent(type=event_pb2.REFERRAL_EVENT_TYPE_HOLD_PLACED)
    assert happened([held, asked, released, held, asked, released, closed]) == {
        "held": 2, "hold_released": 2, "suspended": 1,
    }  # fmt: skip
