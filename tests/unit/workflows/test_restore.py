"""Promises of restoring a lost workflow from the record alone."""

from __future__ import annotations

import asyncio
import json
import random
from dataclasses import asdict, replace
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from services.kernel.ids import notice_id_text, platform_event_item
from tests.unit.workflows.lives import Life
from tests.unit.workflows.scripted import BEGUN
from workflows import restore
from workflows.contracts import PlatformAnswer, PlatformPolicy, StartReferral
from workflows.lifecycle import State
from workflows.progress import Progress, instant, stamp
from workflows.restore import NotRestorableError, Recorded

REFERRAL = "0198f2b4-7c1e-7000-8000-000000000001"
START = StartReferral(REFERRAL, "tiktok", "VIDEO", "ROUTINE", version=2)
HOUR = timedelta(hours=1)
# What the workflow acts by. The rest is recomputed before it is read (``gone_as``), is only ever
# larger (``recorded``), or is begun anew (``series``, ``looked_first``).
SAME = (
    "state", "kind", "urgency", "departure_time", "notice_number", "notice_id", "delivered_at",
    "waiting_since", "claimed_at", "removal_decided", "decision", "verifying_since",
    "contradicted_at", "contradictions", "monitoring_since", "first_removal_at",
    "final_removal_at", "reappearances", "basis", "removed_by", "held_since", "hold_until",
    "hold_reason", "vanished_at", "hold_looks", "review_since", "late_since", "late_rounds",
    "clarification_id", "clarification_since", "escalation_level", "rungs", "loop_base",
    "reminded", "policy", "patient",
)  # fmt: skip
# Only what is in force counts: after a hold these keep what they were.
HELD = frozenset({"hold_looks", "vanished_at"})


def comparable(progress: Progress) -> dict[str, Any]:
    values = {name: getattr(progress, name) for name in SAME}
    if progress.state is not State.ON_HOLD:
        values = {name: value for name, value in values.items() if name not in HELD}
    if progress.state is State.NOTIFYING:
        # Set anew when the notice is delivered.
        values = {n: v for n, v in values.items() if n not in ("delivered_at", "waiting_since")}
    values["hold_until"] = instant(progress.hold_until)
    # Of two to the same contact about the same deadline the record does not say which one went.
    values["reminders"] = sorted((r.level, r.deadline) for r in progress.reminders)
    return values


def check(life: Life) -> None:
    """Wherever everything is on record, the record tells the whole progress."""
    live = life.progress
    if live.state is State.CLOSED or live.pending or life.progress.unrecorded:
        return
    found = restore.fold(life.start, life.record, life.policy)
    assert comparable(found) == comparable(live)
    # Put on record a little later than it was so: never given up sooner.
    since, known = instant(live.loop_since), instant(found.loop_since)
    assert (since is None) == (known is None)
    assert since is None or known is None or timedelta() <= known - since <= timedelta(minutes=1)
    on_record = [int(e.key.split("/")[1]) for e in life.record if e.key.startswith("w/")]
    assert found.recorded == max(on_record, default=0) <= live.recorded
    assert set(live.seen) <= set(found.seen)
    assert found.pending == []
    assert found.decided_on_hold == live.decided_on_hold


def drawing(seed: int) -> Any:
    """One life per seed; drawn at once, since a life asks hundreds of questions."""
    chance = random.Random(seed)
    return lambda _, among: chance.choice(among)


@settings(max_examples=300, deadline=None)
@given(seed=st.integers(0, 2**32))
def test_the_record_tells_everything_that_the_workflow_knew(seed: int) -> None:
    draw = drawing(seed)
    kind = draw("kind", ("VIDEO", "ACCOUNT", "SHORT_LINK"))
    life = Life(draw, replace(START, kind=kind))
    life.look_back = lambda: check(life)
    asyncio.run(life.live(40))


@settings(max_examples=300, deadline=None)
@given(seed=st.integers(0, 2**32))
# Half the time to a departure, which moves only half as far as the clock of the platform.
@example(seed=12958690)
def test_cut_anywhere_a_life_is_restored_and_no_notice_is_numbered_anew(seed: int) -> None:
    draw = drawing(seed)
    life = Life(draw, START)
    asyncio.run(life.live(20))
    cut = draw("cut", range(1, len(life.record) + 1))
    events = life.record[:cut]
    if events[-1].state == "CLOSED":
        return
    now = life.clock.at + draw("away", (timedelta(), HOUR, timedelta(days=9)))
    found = restore.restore(life.start, events, life.policy, now)
    went_on = Progress.restore(json.loads(json.dumps(asdict(found))))
    assert went_on == found
    assert went_on.state == events[-1].state
    prepared = [e.detail["number"] for e in events if e.type == "NOTICE_PREPARED"]
    assert went_on.notice_number == max(prepared, default=0)
    if went_on.state in ("AWAITING_ACKNOWLEDGEMENT", "AWAITING_DECISION"):
        assert went_on.answer_time_left(now) >= restore.MOMENT


# --- the cautious way ---------------------------------------------------------------------


def event(kind: str, state: str, minutes: float, key: str, **detail: Any) -> Recorded:
    at = BEGUN + timedelta(minutes=minutes)
    return Recorded(key, kind, state, at, at, detail)


RECEIVED = event("RECEIVED", "RECEIVED", 0, "s/1")
NOTICE = {"noticeId": notice_id_text(REFERRAL, 1), "number": 1}
PREPARED = [
    RECEIVED,
    event("DISPATCH_APPROVED", "NOTIFYING", 1, "w/2"),
    event("NOTICE_PREPARED", "NOTIFYING", 2, "w/3", **NOTICE, prepareTime="2026-03-27T09:32:00Z"),
]
DELIVERED = [
    *PREPARED, event("NOTICE_DELIVERED", "AWAITING_ACKNOWLEDGEMENT", 3, "w/4", **NOTICE)
]  # fmt: skip


def at(minutes: float) -> Any:
    return BEGUN + timedelta(minutes=minutes)


def left_before_a_departure(minutes: float) -> timedelta:
    """A notice is out since minute 3, a boat leaves at minute 120, the workflow is restored."""
    start = replace(START, urgency="IMMINENT_DEPARTURE", departure_time=stamp(at(120)))
    found = restore.restore(start, DELIVERED, PlatformPolicy(), at(minutes))
    return found.answer_time_left(at(minutes))


@pytest.mark.parametrize("minutes", [62, 90, 100, 118])
def test_silence_before_a_departure_says_nothing_for_a_moment_and_no_longer(minutes: float) -> None:
    """The deadline is half the time to the departure, and was over at minute 61.5."""
    left = left_before_a_departure(minutes)
    assert restore.MOMENT <= left <= restore.MOMENT + timedelta(seconds=1)


@pytest.mark.parametrize("minutes", [119, 119.9, 120, 121, 5000])
def test_when_the_boat_is_gone_silence_says_nothing_for_a_moment_at_least(minutes: float) -> None:
    assert left_before_a_departure(minutes) >= restore.MOMENT


def test_a_prepared_notice_that_was_not_delivered_goes_again_as_the_same_notice() -> None:
    found = restore.restore(START, PREPARED, PlatformPolicy(), at(10))
    assert (found.state, found.notice_number) == (State.NOTIFYING, 1)
    assert found.notice_id == notice_id_text(REFERRAL, 1)
    assert found.prepared_at == "2026-03-27T09:32:00.000000Z"
    life = Life(lambda _, among: among[0], replace(START, carried=found.carry()))
    asyncio.run(life.live(1))
    assert life.sent == [notice_id_text(REFERRAL, 1)]
    assert [e.type for e in life.record[1:]] == ["NOTICE_DELIVERED"]


def test_the_next_event_has_a_key_that_is_not_on_record() -> None:
    found = restore.restore(START, DELIVERED, PlatformPolicy(), at(10))
    assert found.event_key("OBSERVED") == "w/5/OBSERVED"


def test_a_deadline_that_passed_meanwhile_leaves_a_moment_for_answers_on_their_way() -> None:
    found = restore.restore(START, DELIVERED, PlatformPolicy(), at(60 * 24 * 3))
    assert found.answer_time_left(at(60 * 24 * 3)) == restore.MOMENT


def test_a_deadline_that_is_far_off_is_not_moved() -> None:
    found = restore.restore(START, DELIVERED, PlatformPolicy(), at(60))
    assert found.waiting_since == stamp(at(3))


def test_without_the_platforms_policy_nothing_is_sent_by_a_guess() -> None:
    with pytest.raises(NotRestorableError, match="policy"):
        restore.restore(START, DELIVERED, None, at(10))
    assert restore.restore(START, [RECEIVED], None, at(10)).state is State.RECEIVED


def test_a_hold_that_nobody_answered_is_asked_for_again() -> None:
    item = "0198f2b4-7c1e-7000-8000-0000000000aa"
    asked = event(
        "HOLD_REQUESTED", "RECEIVED", 1, f"command/{item}", reason="HOLD_REASON_SURVEILLANCE",
        expireTime="2026-03-29T00:00:00Z",
    )  # fmt: skip
    found = restore.restore(START, [RECEIVED, asked], None, at(10))
    (pending,) = found.pending
    assert (pending.item_id, pending.kind) == (item, "hold.placed")
    assert pending.command is not None
    assert (pending.command.reason, pending.command.until) == (
        "SURVEILLANCE", "2026-03-29T00:00:00Z",
    )  # fmt: skip
    assert item in found.seen


def test_an_answer_that_the_lost_workflow_took_and_did_not_record_comes_again_once() -> None:
    known = PlatformAnswer("e1", "ACKNOWLEDGEMENT", "2026-03-27T09:34:00Z", NOTICE["noticeId"])
    lost = PlatformAnswer("e2", "REMOVAL_CLAIM", "2026-03-27T09:35:00Z", NOTICE["noticeId"])
    events = [
        *DELIVERED, event("ACKNOWLEDGED", "AWAITING_DECISION", 4, "w/5", eventId="e1")
    ]  # fmt: skip
    found = restore.restore(START, events, PlatformPolicy(), at(10), [known, lost])
    assert [d.answer for d in found.pending] == [lost]
    assert {platform_event_item("tiktok", e) for e in ("e1", "e2")} <= set(found.seen)


def test_a_series_of_looks_is_never_used_again() -> None:
    first = restore.restore(START, DELIVERED, PlatformPolicy(), at(10))
    later = restore.restore(START, DELIVERED, PlatformPolicy(), at(11))
    assert later.series - first.series >= 60_000


def test_what_is_closed_or_has_no_keys_is_not_restored() -> None:
    with pytest.raises(NotRestorableError, match="closed"):
        restore.restore(START, [RECEIVED, event("CLOSED", "CLOSED", 1, "w/1")], None, at(2))
    with pytest.raises(NotRestorableError, match="keys"):
        restore.restore(START, [replace(RECEIVED, key="")], None, at(2))
