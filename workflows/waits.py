"""A workflow's time: waiting for what comes, with the record up to date and reminders on their way.

What a step noted is flushed once per await point, by a local activity.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from datetime import datetime, timedelta

from temporalio import workflow
from temporalio.common import RetryPolicy
from temporalio.exceptions import ActivityError

with workflow.unsafe.imports_passed_through():
    from workflows import contracts, ladder
    from workflows.contracts import AppendRequest, AppendResult, RemindRequest, RemindResult
    from workflows.lifecycle import State
    from workflows.progress import Progress, Reminder, stamp

RECORD_RETRY = RetryPolicy(
    initial_interval=timedelta(milliseconds=200),
    backoff_coefficient=2.0,
    maximum_interval=timedelta(seconds=15),
)
_RECORD_DEADLINE = timedelta(seconds=10)
_REMIND_DEADLINE = timedelta(seconds=20)
_REMIND_PATIENCE = timedelta(minutes=2)


class Waits:
    """Waits for one referral's workflow, and says for what and until when."""

    def __init__(self, progress: Progress) -> None:
        self._p = progress
        self._now = workflow.now()
        self.waiting_for = ""
        self.deadline = ""

    def now(self) -> datetime:
        """When the server last woke this run: the one time on which anything may be decided.

        The workflow's own clock moves on while a local activity runs, and by another amount when
        the history is replayed; a decision that rests on it is another one then
        (docs/decisions/0018).
        """
        return self._now

    def _woken(self) -> None:
        """A timer, a delivery or an activity's result has come: they are in the history."""
        self._now = workflow.now()

    async def flush(self) -> None:
        """Append what was noted: an event is on record before the next irreversible act."""
        while self._p.unrecorded:
            batch = list(self._p.unrecorded[:100])
            self.waiting_for = "the record"
            result: AppendResult = await workflow.execute_local_activity(
                contracts.ACTIVITY_APPEND_EVENTS,
                AppendRequest(self._p.referral_id, batch),
                result_type=AppendResult,
                start_to_close_timeout=_RECORD_DEADLINE,
                retry_policy=RECORD_RETRY,
            )
            del self._p.unrecorded[: len(batch)]
            self._p.accept_the_end(result.outcome)

    async def wait(self, what: str, timeout: timedelta | None) -> bool:
        """Wait for something to act on; False when ``timeout`` passed first.

        Planned reminders go out meanwhile. True when a delivery came or the urgency lapsed.
        """
        until = self.now() + timeout if timeout is not None else None
        while True:
            await self.flush()
            if self._p.pending or self._p.state is State.CLOSED:
                return True
            ladder.drop_settled(self._p)
            if await self._remind_who_is_due():
                continue
            now = self.now()
            lapses = self._p.lapses_at
            if lapses is not None and lapses <= now:
                return True
            if until is not None and until <= now:
                return False
            soonest = [moment - now for moment in (until, lapses) if moment is not None]
            reminder = ladder.next_reminder(self._p, now)
            soonest += [reminder] if reminder is not None else []
            await self._wait_at_most(what, until, min(soonest, default=None))

    async def _wait_at_most(
        self, what: str, until: datetime | None, pause: timedelta | None
    ) -> None:
        self.waiting_for = what
        self.deadline = stamp(until) if until is not None else ""
        # Nothing in time is no error here: the caller sees it by the clock.
        with suppress(TimeoutError):
            await workflow.wait_condition(lambda: bool(self._p.pending), timeout=pause)
        self.waiting_for = self.deadline = ""
        self._woken()

    async def finish(self) -> None:
        """Flush, and give what is still to be told one more try: the referral is over."""
        await self.flush()
        for reminder in list(self._p.reminders):
            if reminder.deadline == "reversal":
                await self._remind(reminder)
        self._p.reminders.clear()
        await self.flush()

    async def _remind_until(self, over: Callable[[], bool]) -> None:
        """Wait for something that may take days, and send what reminders fall due meanwhile."""
        while not over():
            pause = None
            if self._p.settles:
                ladder.drop_settled(self._p)
                if await self._remind_who_is_due():
                    await self.flush()
                    continue
                pause = ladder.next_reminder(self._p, self.now())
            with suppress(TimeoutError):
                await workflow.wait_condition(over, timeout=pause)
            if not over():
                self._woken()

    async def _remind_who_is_due(self) -> bool:
        reminder = ladder.due_reminder(self._p, self.now())
        if reminder is None:
            return False
        await self._remind(reminder)
        return True

    async def _remind(self, reminder: Reminder) -> None:
        """One reminder, tried a few times; nobody reached: planned again, nothing is held up."""
        p = self._p
        self.waiting_for = "a reminder to be sent"
        request = RemindRequest(
            referral_id=p.referral_id,
            key=reminder.key,
            level=reminder.level,
            deadline=reminder.deadline,
            platform=p.platform,
            state=str(p.state),
            urgency=p.urgency,
            notice_number=p.notice_number,
            test=p.test,
        )
        try:
            sent = await workflow.execute_activity(
                contracts.ACTIVITY_REMIND,
                request,
                result_type=RemindResult,
                task_queue=contracts.NOTIFICATIONS_QUEUE,
                start_to_close_timeout=_REMIND_DEADLINE,
                schedule_to_close_timeout=_REMIND_PATIENCE,
                retry_policy=RetryPolicy(maximum_attempts=3),
            )
        except ActivityError:
            self._woken()
            ladder.put_off(p, reminder, self.now())
            return
        self._woken()
        p.reminders.remove(reminder)
        p.record(
            self.now(),
            "REMINDER_SENT",
            detail_kind="reminder_sent",
            detail={
                "level": f"ESCALATION_LEVEL_{reminder.level}",
                "deadline": reminder.deadline,
                "channel": sent.channel,
            },
        )
