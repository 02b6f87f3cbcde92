"""What is demanded while a platform is silent (C3), reckoned from docs/lifecycle.md alone.

Deadlines and cadence, by other code than the product's own: only the defaults of a platform's
policy are the product's.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, time, timedelta

from tests.workflow.world import World
from workflows.contracts import EventRecord, PlatformPolicy
from workflows.policy import LONDON

MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
LADDER = ("PLATFORM_CONTACT", "REFERRER_LIAISON", "HEAD_OF_UNIT")
URGENCIES = ("ROUTINE", "URGENT", "IMMINENT_DEPARTURE")
NEVER = datetime.max.replace(tzinfo=UTC)
# Looks and deadlines are due at whole and half minutes. This test server loses a workflow's task
# when an answer meets the end of a timer, so answers come a little beside them.
ASIDE = timedelta(seconds=20)
# So patient a platform's profile that the ladder alone lasts thirty days.
SLOW = PlatformPolicy(acknowledgement=5 * 86400.0, renotice_interval=5 * 86400.0)


@dataclass(frozen=True)
class Silence:
    """How long, from when on, and of what referral. ``departure`` is counted from the start."""

    days: int
    acknowledged: bool
    urgency: str = "ROUTINE"
    departure: timedelta | None = None
    policy: PlatformPolicy = field(default_factory=PlatformPolicy)
    bank_holidays: tuple[timedelta, ...] = ()
    pause: timedelta = timedelta()
    answered_after: timedelta = 3 * MINUTE + ASIDE
    steps_per_run: int = 0

    @classmethod
    def of(cls, days: int, seed: int, *, acknowledged: bool) -> Silence:
        """Seed 0 is routine work by the default policy; others vary everything."""
        if seed == 0:
            return cls(days, acknowledged, policy=SLOW if days == 30 else PlatformPolicy())
        chance = random.Random(f"{days}/{seed}/{acknowledged}")
        urgency = URGENCIES[seed % 3]
        imminent = urgency == "IMMINENT_DEPARTURE"
        policy = PlatformPolicy(
            acknowledgement=3600.0 * chance.choice((6, 24, 24, 48)),
            acknowledgement_urgent=60.0 * chance.choice((20, 60, 60, 180)),
            decision=3600.0 * chance.choice((24, 48, 48, 96)),
            decision_urgent=3600.0 * chance.choice((1, 4, 4)),
            renotice_interval=3600.0 * chance.choice((12, 24, 24, 72, 120)),
            renotice_limit=chance.choice((0, 1, 2, 3, 5, 5)),
        )
        return cls(
            days, acknowledged, urgency, chance.randint(40, 72 * 60) * MINUTE if imminent else None,
            policy, tuple(chance.randint(0, 9) * DAY for _ in range(2)),
            chance.randint(0, 7 * 24 * 60) * MINUTE, chance.randint(1, 10) * MINUTE + ASIDE,
            chance.choice((0, 0, 4)),
        )  # fmt: skip


@dataclass(frozen=True)
class Demand:
    """A deadline that passes, what follows from it, who is escalated to ("": nobody), when told."""

    due: datetime
    deadline: str
    then: str
    number: int
    level: str
    told: datetime


def at_work(moment: datetime, holidays: tuple[str, ...]) -> datetime:
    """The first moment from ``moment`` on at which people in London are at work."""
    local = moment.astimezone(LONDON)
    for ahead in range(30):
        day = local.date() + ahead * DAY
        opens, closes = (datetime.combine(day, time(h), LONDON) for h in (9, 17))
        if day.weekday() < 5 and day.isoformat() not in holidays and moment < closes:
            return max(moment, opens.astimezone(UTC))
    raise AssertionError("nobody works for a month")


@dataclass
class Life:
    """One referral in its world, and what is demanded of it."""

    silence: Silence
    world: World
    departure: datetime | None
    holidays: tuple[str, ...]
    # When the silence began, and when it ends.
    began: datetime = NEVER
    until: datetime = NEVER

    def times(self, kind: str) -> list[datetime]:
        return [at(e) for e in self.world.ordered() if e.type == kind]

    def hurries(self, moment: datetime) -> bool:
        if self.silence.urgency == "IMMINENT_DEPARTURE":
            return self.departure is not None and moment < self.departure
        return self.silence.urgency == "URGENT"

    def due(self, number: int, since: datetime, *, acknowledged: bool) -> datetime:
        """When the platform's time is over that began at ``since`` for this notice."""
        p = self.silence.policy
        urgent = p.decision_urgent if acknowledged else p.acknowledgement_urgent
        first = p.decision if acknowledged else p.acknowledgement
        calm = since + timedelta(seconds=first if number == 1 else p.renotice_interval)
        if not self.hurries(since):
            return calm
        hurried = since + timedelta(seconds=urgent)
        if self.departure is not None and number == 1:
            hurried = min(hurried, since + (self.departure - since) / 2)
        # After the departure nothing is left to hurry for.
        return calm if self.departure is not None and self.departure <= hurried else hurried

    def demands(self) -> Iterator[Demand]:
        """Every step of the ladder, each counted from when its time began by the record."""
        p, told = self.silence.policy, set[str]()
        delivered, passed = self.times("NOTICE_DELIVERED"), self.times("DEADLINE_PASSED")
        patience = timedelta(seconds=p.acknowledgement + p.renotice_limit * p.renotice_interval)
        number, since, waits = 1, self.began, False
        for step in range(1000):
            acknowledged = self.silence.acknowledged and number == 1
            due = self.due(number, since, acknowledged=acknowledged)
            if waits:
                due = since + timedelta(seconds=p.renotice_interval)
            name = "decision" if acknowledged else "acknowledgement"
            then, level = "close", ""
            if number <= p.renotice_limit:
                then, level = "renotice", LADDER[number - 1] if number <= len(LADDER) else ""
            elif at_or(passed, step, due) < delivered[0] + patience:
                then, level = "wait", "" if LADDER[-1] in told else LADDER[-1]
            told.add(level)
            moment = at_or(passed, step, due)
            when = moment if self.hurries(moment) else at_work(moment, self.holidays)
            yield Demand(due, name, then, number, level, when)
            if then == "close":
                return
            waits = then == "wait"
            number += not waits
            since = moment if waits else at_or(delivered, number - 1, due)


def at(event: EventRecord) -> datetime:
    return datetime.fromisoformat(event.occurred_at)


def at_or(known: list[datetime], index: int, otherwise: datetime) -> datetime:
    """From the record as far as it goes: what is late once makes nothing after it look early."""
    return known[index] if index < len(known) else otherwise
