"""Deadlines, cadence, ladder and what counts as confirmed: pure, and nowhere else.

Durations come from the platform's profile in unscaled seconds; ``Clockwork`` scales them
all by one factor so that a demonstration runs in seconds. Rules: ``docs/lifecycle.md``.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from workflows.contracts import AssessmentFacts, PlatformPolicy

# A deadline shorter than a network round trip would measure the network, not the platform.
SHORTEST_DEADLINE: Final = timedelta(seconds=1.5)
SHORTEST_CADENCE: Final = timedelta(milliseconds=500)
SHORTEST_SPACING: Final = timedelta(milliseconds=100)

URGENCIES: Final = ("ROUTINE", "URGENT", "IMMINENT_DEPARTURE")
# Kinds whose removal takes down far more than one advert: always a person's decision.
PERSON_DECIDES_KINDS: Final = frozenset({"ACCOUNT", "PAGE", "GROUP", "CHANNEL", "PLAYLIST"})
PROTECTED_SPEECH: Final = frozenset(
    {
        "SOLICITATION",
        "INFORMATION",
        "TESTIMONY",
        "REPORTING",
        "RESCUE",
        "ACADEMIC",
        "SATIRE",
        "GOVERNMENT_WARNING",
    }
)
# Our own deadlines, unscaled seconds: docs/lifecycle.md, Deadlines and cadence.
REVIEW_DEADLINE: Final = 24 * 3600.0
CLARIFICATION_DEADLINE: Final = 24 * 3600.0
PERSON_DEADLINE_URGENT: Final = 3600.0
REMINDER_PAUSE: Final = 900.0
LONGEST_REMINDER_PAUSE: Final = 6 * 3600.0
# Routine reminders reach people at work: Monday to Friday, London time, no bank holiday.
LONDON: Final = ZoneInfo("Europe/London")
WORK_BEGINS: Final = time(9)
WORK_ENDS: Final = time(17)
SATURDAY: Final = 5
# Before the profile is known (it comes with the first notice) these hold.
BEFORE_NOTICE: Final = PlatformPolicy()


@dataclass(frozen=True)
class Clockwork:
    """The policy of one platform, scaled. ``scale`` 1.0 is real time."""

    policy: PlatformPolicy = BEFORE_NOTICE
    scale: float = 1.0

    def scaled(self, seconds: float, shortest: timedelta) -> timedelta:
        return max(timedelta(seconds=seconds * self.scale), shortest)

    def answer_deadline(
        self, state: str, number: int, urgency: str, departure: datetime | None, now: datetime
    ) -> timedelta:
        """How long the platform has to acknowledge (or, acknowledged, to decide).

        Args:
            number: of the notice in its loop; 0 once every notice of the ladder has gone out and
                what is left is to wait (docs/decisions/0016).
        """
        if number == 0:
            return self.scaled(self.policy.renotice_interval, SHORTEST_DEADLINE)
        acknowledged = state != "AWAITING_ACKNOWLEDGEMENT"
        urgent = effective_urgency(urgency, departure, now) != "ROUTINE"
        p = self.policy
        if acknowledged:
            seconds = p.decision_urgent if urgent else p.decision
        elif number > 1 and not urgent:
            seconds = p.renotice_interval
        else:
            seconds = p.acknowledgement_urgent if urgent else p.acknowledgement
        deadline = self.scaled(seconds, SHORTEST_DEADLINE)
        imminent = urgency == "IMMINENT_DEPARTURE" and departure is not None and departure > now
        if imminent and departure is not None and number == 1:
            # Half the time left: the departure itself is never scaled. Halved for the first notice
            # alone, or the whole ladder would be climbed before any departure.
            deadline = min(deadline, max((departure - now) / 2, SHORTEST_DEADLINE))
        return deadline

    def looks(self) -> Iterator[timedelta]:
        """Time from delivery to each look while waiting; the last interval repeats for ever."""
        cadence = self.policy.observation_cadence
        last = timedelta()
        for seconds in cadence:
            last = max(self.scaled(seconds, SHORTEST_CADENCE), last + SHORTEST_CADENCE)
            yield last
        interval = self.scaled(cadence[-1], SHORTEST_CADENCE)
        while True:
            last += interval
            yield last

    def next_look(self, delivered: datetime, now: datetime) -> timedelta:
        """How long from ``now`` until the next look that is due after ``delivered``."""
        elapsed = now - delivered
        interval = self.scaled(self.policy.observation_cadence[-1], SHORTEST_CADENCE)
        for count, due in enumerate(self.looks()):
            if due > elapsed:
                return due - elapsed
            if count >= len(self.policy.observation_cadence):
                break
        return interval

    def grace(self) -> timedelta:
        return self.scaled(self.policy.claim_grace, SHORTEST_DEADLINE)

    def verification_interval(self, verifying: timedelta) -> timedelta:
        """Until the next look while a claim is being verified: often within the grace, when
        caches run out, then ever more seldom (half of the time that has passed)."""
        return max(self.grace() / 4, verifying / 2, SHORTEST_CADENCE)

    def quorum_spacing(self) -> timedelta:
        return self.scaled(self.policy.quorum_spacing, SHORTEST_SPACING)

    def delivery_patience(self) -> timedelta:
        return self.scaled(self.policy.delivery_patience, timedelta(seconds=10))

    def delivery_retry(self) -> tuple[timedelta, timedelta]:
        """First and longest pause between attempts to deliver one notice."""
        return (
            self.scaled(5.0, timedelta(milliseconds=200)),
            self.scaled(300.0, timedelta(seconds=2)),
        )

    def person_deadline(
        self, seconds: float, urgency: str, departure: datetime | None, now: datetime
    ) -> timedelta:
        """How long one of our own people has: the urgent time, or half the time left."""
        if effective_urgency(urgency, departure, now) != "ROUTINE":
            seconds = min(seconds, PERSON_DEADLINE_URGENT)
        deadline = self.scaled(seconds, SHORTEST_DEADLINE)
        if urgency == "IMMINENT_DEPARTURE" and departure is not None and departure > now:
            deadline = min(deadline, max((departure - now) / 2, SHORTEST_DEADLINE))
        return deadline

    def contradiction_patience(self) -> timedelta:
        return self.scaled(self.policy.contradiction_patience, SHORTEST_DEADLINE)

    def reminder_pause(self, tries: int) -> timedelta:
        """Between two attempts to reach somebody; doubles up to six hours."""
        seconds = min(REMINDER_PAUSE * 2 ** min(tries, 10), LONGEST_REMINDER_PAUSE)
        return self.scaled(seconds, SHORTEST_DEADLINE)

    def monitoring_window(self) -> timedelta:
        return self.scaled(self.policy.monitoring_window, SHORTEST_CADENCE)

    def monitoring_cadence(self) -> timedelta:
        return self.scaled(self.policy.monitoring_cadence, SHORTEST_CADENCE)

    def ladder_patience(self) -> timedelta:
        """From the first notice of a loop until silence is an outcome: as long as routine work
        takes, so that an urgent referral is not given up sooner than an ordinary one."""
        p = self.policy
        seconds = p.acknowledgement + p.renotice_limit * p.renotice_interval
        return self.scaled(seconds, SHORTEST_DEADLINE)

    def may_renotice(self, number: int) -> bool:
        """Whether notice ``number`` may be followed by another (at most renotice_limit)."""
        return number <= self.policy.renotice_limit


def working_moment(now: datetime, bank_holidays: Iterable[str]) -> datetime:
    """``now`` if people in England and Wales are at work, else when they are next; UTC.

    Args:
        bank_holidays: ISO dates, as far as they are known.
    """
    closed = frozenset(bank_holidays)
    local = now.astimezone(LONDON)
    if local.time() >= WORK_ENDS:
        local = datetime.combine(local.date() + timedelta(days=1), WORK_BEGINS, LONDON)
    while local.weekday() >= SATURDAY or local.date().isoformat() in closed:
        local = datetime.combine(local.date() + timedelta(days=1), WORK_BEGINS, LONDON)
    if local.time() < WORK_BEGINS:
        local = datetime.combine(local.date(), WORK_BEGINS, LONDON)
    return local.astimezone(UTC)


def effective_urgency(urgency: str, departure: datetime | None, now: datetime) -> str:
    """After the departure nothing is left to hurry for: it falls back to ROUTINE."""
    if urgency == "IMMINENT_DEPARTURE" and departure is not None and departure <= now:
        return "ROUTINE"
    return urgency


def priority_key(urgency: str) -> int:
    """Temporal's priority: 1 imminent departure, 2 urgent, 3 routine. Urgent overtakes bulk."""
    return len(URGENCIES) - URGENCIES.index(urgency)


def more_urgent(current: str, proposed: str) -> str:
    """The higher of two urgencies: a later submission may raise it, never lower it."""
    return max(current, proposed, key=URGENCIES.index)


def review_reasons(kind: str, facts: AssessmentFacts) -> list[str]:
    """Why a person must decide; empty when a confident offer may be referred at once.

    Source: domain.md, what is and is not an advert. A classifier never rejects: an unlikely
    advert goes to a person with the suggestion to reject.
    """
    reasons = []
    if kind in PERSON_DECIDES_KINDS:
        reasons.append(f"The target is a whole {kind.lower()}, not one item.")
    if facts.speech_act in PROTECTED_SPEECH:
        speech = facts.speech_act.lower().replace("_", " ")
        reasons.append(f"It reads as {speech}, which is protected.")
    if facts.decision == "SUGGEST_REJECT":
        reasons.append("It does not read as an advert; rejecting it is suggested.")
    elif facts.decision != "REFER" and not reasons:
        reasons.append("The classifier is not sure that it is an offer.")
    return reasons


def confirmation_basis(rule: str, claimed: bool, seen_gone: bool, waited_out: bool) -> str | None:
    """On what a confirmation may rest now, or None while it may not.

    Args:
        rule: the profile's rule.
        claimed: the platform says it removed, or decided to.
        seen_gone: a quorum of observations agrees that it is gone.
        waited_out: the time the platform has to answer is over.
    """
    if rule == "CLAIM_ONLY":
        return "CLAIM_ONLY" if claimed else None
    if not seen_gone:
        return None
    if claimed:
        return "CLAIM_AND_OBSERVATION"
    if rule == "OBSERVATION_ONLY" or waited_out:
        return "OBSERVATION_ONLY"
    return None


def removed_by(availability: str, claimed: bool) -> str:
    """Who removed it, as far as claim and observation tell. Never credit without evidence."""
    if availability == "AUTHOR_DELETED":
        return "AUTHOR"
    if availability == "ACCOUNT_SUSPENDED":
        return "ACCOUNT_ACTION"
    if availability == "REMOVED" or claimed:
        return "PLATFORM"
    return "UNKNOWN"
