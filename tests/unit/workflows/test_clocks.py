"""Promises about time (D1): skew, jumps, changes of the hour, leap days. Pure."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, time, timedelta
from itertools import pairwise
from typing import Any

import pytest

from tests.conftest import Figures
from tests.unit.workflows.lives import Life
from tests.unit.workflows.scripted import Clock
from workflows import ladder, policy
from workflows.contracts import PlatformPolicy, StartReferral
from workflows.policy import LONDON, Clockwork, working_moment
from workflows.progress import Progress, stamp
from workflows.restore import Recorded

pytestmark = pytest.mark.faults
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
SKEWS = tuple(timedelta(minutes=m) for m in (-11, -5, 5, 11))
HOLIDAYS = ("2026-04-03", "2026-04-06", "2026-12-25", "2026-12-28", "2028-04-14", "2028-04-17")
# Around both changes of the hour in London, the end of a year, and a leap day.
TURNS = (
    datetime(2026, 3, 27, tzinfo=UTC), datetime(2026, 10, 23, tzinfo=UTC),
    datetime(2026, 12, 23, tzinfo=UTC), datetime(2028, 2, 27, tzinfo=UTC),
)  # fmt: skip


def moments(step: timedelta) -> Iterator[datetime]:
    for turn in TURNS:
        for count in range(int(5 * DAY / step)):
            yield turn + count * step


def at_work(moment: datetime) -> bool:
    local = moment.astimezone(LONDON)
    working = local.weekday() < 5 and local.date().isoformat() not in HOLIDAYS
    return working and time(9) <= local.time() < time(17)


def test_a_routine_reminder_is_due_when_people_are_at_work(long: bool, figures: Figures) -> None:
    outside = early = backwards = 0
    before = datetime.min.replace(tzinfo=UTC)
    checked = 0
    for moment in moments(timedelta(minutes=1 if long else 17)):
        due = working_moment(moment, HOLIDAYS)
        checked += 1
        outside += not at_work(due)
        early += due < moment
        backwards += due < before if moment > before else 0
        assert working_moment(due, HOLIDAYS) == due
        before = due
    figures("D1", moments=checked, outside=outside, early=early, backwards=backwards)
    assert (outside, early, backwards) == (0, 0, 0)


def test_working_hours_follow_londons_clock_on_both_sides_of_a_change() -> None:
    for day, opens in (("2026-03-27", 9), ("2026-03-30", 8), ("2026-10-23", 8), ("2026-10-26", 9)):
        night = datetime.fromisoformat(f"{day}T01:00:00+00:00")
        assert working_moment(night, ()).hour == opens


def test_a_deadline_is_the_same_number_of_hours_on_every_day_of_the_year() -> None:
    clockwork = Clockwork(PlatformPolicy())
    for moment in moments(HOUR):
        for state, hours in (("AWAITING_ACKNOWLEDGEMENT", 24), ("AWAITING_DECISION", 48)):
            left = clockwork.answer_deadline(state, 1, "ROUTINE", None, moment)
            assert moment + left - moment == timedelta(hours=hours)


@dataclass
class Jumpy(Clock):
    """A clock that is set forward or back by minutes, now and then."""

    chance: random.Random = field(default_factory=random.Random)
    jumps: int = 0

    def jump(self) -> None:
        if self.chance.random() < 0.3:
            self.at += self.chance.choice(SKEWS)
            self.jumps += 1


class JumpyLife(Life):
    """The clock jumps whenever time goes by."""

    def append(self, event: Any) -> None:
        super().append(event)
        if isinstance(self.clock, Jumpy):
            self.clock.jump()


@dataclass
class Count:
    escalations: int = 0
    early: int = 0
    duplicate: int = 0

    def hold_against(self, record: list[Recorded], basis: PlatformPolicy) -> None:
        """Every passed deadline against the events that began it, by the record's own times."""
        steps = [e.type for e in record if e.type in ("DEADLINE_PASSED", "ESCALATED")]
        self.duplicate += sum(pair == ("ESCALATED",) * 2 for pair in pairwise(steps))
        began: dict[str, datetime] = {}
        passed: set[tuple[Any, ...]] = set()
        for event in record:
            if event.type in _BEGINS:
                began[_BEGINS[event.type]] = event.occurred_at
            if event.type != "DEADLINE_PASSED":
                continue
            kind, number = event.detail["deadline"], event.detail.get("noticeNumber", 0)
            self.escalations += 1
            due = began[kind] + _LENGTHS[kind](basis, number)
            self.early += event.occurred_at < due
            key = (kind, number, began[kind])
            self.duplicate += key in passed
            passed.add(key)
            began[kind] = event.occurred_at


_BEGINS = {
    "NOTICE_DELIVERED": "acknowledgement",
    "ACKNOWLEDGED": "decision",
    "REVIEW_REQUESTED": "review",
}
_LENGTHS: dict[str, Any] = {
    "acknowledgement": lambda p, _: timedelta(seconds=p.acknowledgement),
    "decision": lambda p, _: timedelta(seconds=p.decision),
    "review": lambda p, _: timedelta(seconds=policy.REVIEW_DEADLINE),
}
QUIET = {
    "who": ("nobody",), "look": ("AVAILABLE",), "an answer overtakes the sending": (False,),
    "something comes while it looks": (False,), "the platform takes it": (True,),
}  # fmt: skip


def silent(seed: int, begun: datetime, *, jumpy: bool) -> Life:
    """A referral to whose platform nothing is worth an answer, and whose reviewer is away."""
    chance = random.Random(seed)

    def draw(what: str, among: tuple[Any, ...]) -> Any:
        return chance.choice(QUIET.get(what, among))

    clock = Jumpy(at=begun, chance=chance) if jumpy else Clock(at=begun)
    start = StartReferral(
        "0198f2b4-7c1e-7000-8000-000000000001", "tiktok", "VIDEO", "ROUTINE", version=2,
        bank_holidays=HOLIDAYS,
    )  # fmt: skip
    return JumpyLife(draw, start, clock=clock)


@pytest.mark.parametrize("jumpy", [False, True], ids=["steady", "jumping"])
def test_silence_is_escalated_once_for_each_deadline_and_never_early(
    jumpy: bool, long: bool, figures: Figures
) -> None:
    """By the one clock that everything is timed by, from event to event, whatever it is set to."""
    count, jumps = Count(), 0
    for seed in range(1000 if long else 60):
        life = silent(seed, TURNS[seed % len(TURNS)] + seed * HOUR, jumpy=jumpy)
        asyncio.run(life.live(60))
        count.hold_against(life.record, life.policy)
        jumps += life.clock.jumps if isinstance(life.clock, Jumpy) else 0
        assert [r for r in reminders(life.record) if not at_work(r)] == [] or jumpy
    figures("D1", lives=seed + 1, escalations=count.escalations, jumps=jumps,
            early=count.early, duplicate=count.duplicate)  # fmt: skip
    assert count.escalations > 3 * seed
    assert (count.early, count.duplicate) == (0, 0)


def reminders(record: list[Recorded]) -> list[datetime]:
    return [event.occurred_at for event in record if event.type == "REMINDER_SENT"]


@pytest.mark.parametrize("skew", SKEWS)
def test_a_platforms_clock_moves_no_deadline(skew: timedelta) -> None:
    """What a platform says of the time is on record, and nothing is counted from it."""
    from workflows import answers
    from workflows.contracts import PlatformAnswer
    from workflows.lifecycle import State

    begun = datetime(2026, 3, 27, 12, tzinfo=UTC)
    start = StartReferral("0198f2b4-7c1e-7000-8000-000000000001", "x", "POST", "ROUTINE", version=2)
    true, skewed = Progress.begin(start), Progress.begin(replace(start))
    for progress, occurred in ((true, begun), (skewed, begun + skew)):
        progress.state, progress.notice_number = State.AWAITING_ACKNOWLEDGEMENT, 1
        progress.waiting_since = stamp(begun - HOUR)
        given = PlatformAnswer("e1", "ACKNOWLEDGEMENT", stamp(occurred))
        answers.apply_answer(progress, given, begun)
    assert skewed.answer_time_left(begun) == true.answer_time_left(begun) == 2 * DAY
    assert skewed.unrecorded[0].occurred_at == stamp(begun + skew)


@pytest.mark.parametrize("skew", [*SKEWS, timedelta()])
def test_a_reminder_is_planned_once_whatever_the_clock_says(skew: timedelta) -> None:
    now = datetime(2026, 3, 28, 23, 30, tzinfo=UTC)
    start = StartReferral("0198f2b4-7c1e-7000-8000-000000000001", "x", "POST", "ROUTINE", version=2)
    progress = Progress.begin(start)
    ladder.escalate(progress, now + skew, ladder.PLATFORM_CONTACT, "acknowledgement")
    assert ladder.due_reminder(progress, now + skew) is None
    monday = datetime(2026, 3, 30, 8, tzinfo=UTC)
    assert ladder.next_reminder(progress, now) == monday - now
    assert ladder.due_reminder(progress, monday) is not None
    assert len(progress.reminders) == 1


@pytest.mark.parametrize("skew", SKEWS)
def test_a_departure_near_a_skewed_clock_never_makes_a_deadline_negative(skew: timedelta) -> None:
    departure = datetime(2026, 3, 29, 1, 0, tzinfo=UTC)
    clockwork = Clockwork(PlatformPolicy())
    for minutes in range(-30, 31):
        now = departure + skew + timedelta(minutes=minutes)
        deadline = clockwork.answer_deadline(
            "AWAITING_ACKNOWLEDGEMENT", 1, "IMMINENT_DEPARTURE", departure, now
        )
        assert deadline >= policy.SHORTEST_DEADLINE
