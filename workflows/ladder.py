"""The escalation ladder: who is reminded when a deadline passes, and when. Pure.

Order and working hours: docs/lifecycle.md, Deadlines and cadence. Contacts are named by
their place on the ladder only; who that is stands in the worker's settings.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

from workflows import policy
from workflows.lifecycle import Event, State
from workflows.progress import Progress, Reminder, instant, stamp

PLATFORM_CONTACT: Final = "PLATFORM_CONTACT"
REFERRER_LIAISON: Final = "REFERRER_LIAISON"
HEAD_OF_UNIT: Final = "HEAD_OF_UNIT"
LEVELS: Final = (PLATFORM_CONTACT, REFERRER_LIAISON, HEAD_OF_UNIT)

_UNTIL_DECIDED: Final = frozenset(
    {State.NOTIFYING, State.AWAITING_ACKNOWLEDGEMENT, State.AWAITING_DECISION}
)
# The states in which what a reminder says is still so. Other deadlines (reversal, request) tell of
# something that has happened, which no state undoes.
_STILL_LATE: Final = {
    "acknowledgement": frozenset({State.NOTIFYING, State.AWAITING_ACKNOWLEDGEMENT}),
    "decision": _UNTIL_DECIDED,
    "removal": _UNTIL_DECIDED | {State.VERIFYING_REMOVAL, State.CONTRADICTED},
    "contradiction": _UNTIL_DECIDED | {State.CONTRADICTED},
    "review": frozenset({State.IN_REVIEW}),
    "clarification": frozenset({State.CLARIFICATION_REQUESTED}),
}


def level_after(rungs: int) -> str:
    """Who is reminded at the ``rungs``-th missed deadline, counted from 1; "" for nobody more."""
    return LEVELS[rungs - 1] if 1 <= rungs <= len(LEVELS) else ""


def level_above(level: str) -> str:
    """The next step for an escalation by hand; the top stays the top."""
    if not level:
        return LEVELS[0]
    return LEVELS[min(LEVELS.index(level) + 1, len(LEVELS) - 1)]


def passed(progress: Progress, now: datetime, deadline: str, by: Event | None, step: str) -> None:
    """Record that a deadline passed and what follows."""
    progress.record(
        now,
        "DEADLINE_PASSED",
        by=by,
        detail_kind="deadline_passed",
        detail={
            "deadline": deadline,
            "dueTime": stamp(now),
            "nextStep": step,
            "noticeNumber": progress.notice_number,
        },
    )


def next_rung(progress: Progress, now: datetime, deadline: str) -> bool:
    """The platform's deadline passed: a further notice, with a reminder while the ladder lasts.

    Returns:
        False when silence has lasted as long as the policy's patience: the caller closes.
    """
    again = progress.clockwork.may_renotice(progress.notice_number - progress.loop_base)
    if not again and progress.whole_life and now < _patience_ends(progress, now):
        _wait_on(progress, now, deadline)
        return True
    passed(progress, now, deadline, Event.RENOTICE_DUE if again else None,
           "renotice" if again else "close")  # fmt: skip
    if again and progress.whole_life:
        progress.rungs += 1
        level = level_after(progress.rungs)
        if level:
            escalate(progress, now, level, deadline)
    return again


def _patience_ends(progress: Progress, now: datetime) -> datetime:
    return (instant(progress.loop_since) or now) + progress.clockwork.ladder_patience()


def _wait_on(progress: Progress, now: datetime, deadline: str) -> None:
    """Every notice has gone out and it is too early to give up: the clocks begin anew."""
    passed(progress, now, deadline, None, "wait")
    progress.patient = True
    progress.waiting_since = stamp(now)
    if progress.verifying_since:
        progress.verifying_since = stamp(now)
    if progress.contradicted_at:
        progress.contradicted_at = stamp(now)
    if progress.escalation_level != HEAD_OF_UNIT:
        escalate(progress, now, HEAD_OF_UNIT, deadline)


def person_is_late(progress: Progress, now: datetime, deadline: str) -> None:
    """A deadline of ours passed (review, clarification): people are reminded, nothing is sent."""
    passed(progress, now, deadline, None, "remind")
    progress.late_rounds += 1
    level = REFERRER_LIAISON if progress.late_rounds == 1 else HEAD_OF_UNIT
    escalate(progress, now, level, deadline)


def escalate(progress: Progress, now: datetime, level: str, deadline: str) -> None:
    """Record the step and plan its reminder."""
    if not progress.escalation_level or (
        LEVELS.index(level) > LEVELS.index(progress.escalation_level)
    ):
        progress.escalation_level = level
    progress.record(
        now,
        "ESCALATED",
        detail_kind="escalated",
        detail={"level": f"ESCALATION_LEVEL_{level}", "deadline": deadline},
    )
    remind(progress, now, level, deadline)


def remind(progress: Progress, now: datetime, level: str, deadline: str) -> None:
    """Plan one reminder: at once, or for routine work when people are at work next."""
    due = _when_at_work(progress, now)
    progress.reminded += 1
    progress.reminders.append(
        Reminder(key=f"{progress.referral_id}/reminder/{progress.reminded}", level=level,
                 deadline=deadline, due=stamp(due))
    )  # fmt: skip


def _when_at_work(progress: Progress, moment: datetime) -> datetime:
    """``moment``, or for routine work the next one at which people are at work."""
    departure = instant(progress.departure_time)
    if policy.effective_urgency(progress.urgency, departure, moment) != "ROUTINE":
        return moment
    working = policy.working_moment(moment, progress.bank_holidays)
    return moment + (working - moment) * progress.time_scale


def drop_settled(progress: Progress) -> None:
    """Forget planned reminders of what is no longer late: nobody is told what is not so."""
    if progress.settles:
        progress.reminders[:] = [
            planned
            for planned in progress.reminders
            if progress.state in _STILL_LATE.get(planned.deadline, (progress.state,))
        ]


def due_reminder(progress: Progress, now: datetime) -> Reminder | None:
    """The first planned reminder whose time has come."""
    for reminder in progress.reminders:
        if (instant(reminder.due) or now) <= now:
            return reminder
    return None


def next_reminder(progress: Progress, now: datetime) -> timedelta | None:
    """How long until the next planned reminder; None when none is planned."""
    times = [(instant(reminder.due) or now) - now for reminder in progress.reminders]
    return min(times, default=None)


def put_off(progress: Progress, reminder: Reminder, now: datetime) -> None:
    """Nobody took the reminder: try again, ever more seldom, and when people are at work."""
    progress.reminders.remove(reminder)
    again = _when_at_work(progress, now + progress.clockwork.reminder_pause(reminder.tries))
    progress.reminders.append(
        Reminder(reminder.key, reminder.level, reminder.deadline, stamp(again),
                 reminder.tries + 1)
    )  # fmt: skip
