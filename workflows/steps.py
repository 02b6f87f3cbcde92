"""The workflow's calls into the world, each with its queue, deadline and retries.

Quick idempotent calls to our own record are local activities, flushed once per await point;
calls to platforms and the internet are regular activities on queues of their own, so that
server-side limits and pauses apply (docs/decisions, activities).
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from contextlib import suppress
from datetime import datetime, timedelta
from typing import Any, TypeVar

from temporalio import workflow
from temporalio.common import Priority, RetryPolicy
from temporalio.exceptions import ActivityError, ApplicationError, CancelledError

with workflow.unsafe.imports_passed_through():
    from workflows import contracts, ladder, policy
    from workflows.contracts import (
        AppendRequest,
        AppendResult,
        AssessmentFacts,
        AssessRequest,
        ClarificationRequest,
        NoticeRequest,
        NoticeResult,
        ObserveRequest,
        ObserveResult,
        RemindRequest,
        RemindResult,
        ResolvedLink,
        ResolveRequest,
        WithdrawRequest,
    )
    from workflows.lifecycle import State
    from workflows.progress import Progress, Reminder, stamp

_RECORD_RETRY = RetryPolicy(
    initial_interval=timedelta(milliseconds=200),
    backoff_coefficient=2.0,
    maximum_interval=timedelta(seconds=15),
)
_LOOK_RETRY = RetryPolicy(
    initial_interval=timedelta(seconds=1), maximum_interval=timedelta(seconds=30)
)
_RECORD_DEADLINE = timedelta(seconds=10)
# Longer than a workflow task may take: the SDK then keeps that task alive.
_ASSESS_DEADLINE = timedelta(seconds=20)
_LOOK_DEADLINE = timedelta(seconds=90)
_SEND_DEADLINE = timedelta(seconds=45)
_REMIND_DEADLINE = timedelta(seconds=20)
_REMIND_PATIENCE = timedelta(minutes=2)
# A worker that died is noticed after this; activities beat every two seconds.
_HEARTBEAT = timedelta(seconds=8)

T = TypeVar("T")


class Steps:
    """Speaks to Temporal for one referral's workflow and says what it is waiting for."""

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
                retry_policy=_RECORD_RETRY,
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

    async def assess(self) -> AssessmentFacts:
        """Classify and put the assessment on record.

        The activity never fails for good: what cannot be assessed comes back as facts that
        send it to a person.
        """
        await self.flush()
        self.waiting_for = "the assessment"
        facts: AssessmentFacts = await workflow.execute_local_activity(
            contracts.ACTIVITY_ASSESS,
            AssessRequest(self._p.referral_id, self._p.event_key("ASSESSED")),
            result_type=AssessmentFacts,
            start_to_close_timeout=_ASSESS_DEADLINE,
            retry_policy=_RECORD_RETRY,
        )
        return facts

    async def resolve_link(self) -> ResolvedLink:
        """Follow a short link; an unreachable one stays a short link."""
        await self.flush()
        self.waiting_for = "where the short link leads"
        request = ResolveRequest(self._p.referral_id, self._p.event_key("SHORT_LINK_RESOLVED"))
        return await self._look(contracts.ACTIVITY_RESOLVE_LINK, request, ResolvedLink())

    async def look_first(self) -> ObserveResult:
        """Preserve the content and observe it before any notice."""
        await self.flush()
        result = await self._look(
            contracts.ACTIVITY_LOOK_FIRST,
            self._observation("BEFORE_NOTICE", self._p.policy.quorum),
            ObserveResult(gone=False, observations=[]),
        )
        capture = result.capture or {"failure": "the observation service did not answer"}
        self._p.record(
            self.now(),
            "CAPTURED",
            detail_kind="capture",
            detail=capture,
            occurred_at=capture.get("captureTime", ""),
        )
        return result

    async def observe(self, purpose: str, quorum: int) -> ObserveResult:
        """As many looks as the quorum needs; the caller notes them."""
        await self.flush()
        return await self._look(
            contracts.ACTIVITY_OBSERVE,
            self._observation(purpose, quorum),
            ObserveResult(gone=False, observations=[]),
        )

    def prepared_notice(self, prepared: datetime) -> dict[str, Any]:
        """Protobuf JSON of the notice that is about to be sent."""
        return {
            "noticeId": self._p.notice_id,
            "referralId": self._p.referral_id,
            "number": self._p.notice_number,
            "platform": self._p.platform,
            "prepareTime": stamp(prepared),
        }

    async def submit_notice(
        self, prepared: datetime, overtaken: Callable[[], bool]
    ) -> tuple[NoticeResult | None, dict[str, Any] | None]:
        """Deliver the notice: (result, None), (None, failure), or (None, None) when overtaken.

        Overtaken: an answer to this notice, or a withdrawal, arrived before the adapter's
        own result did. The notice may then have been sent.
        """
        p = self._p
        first, longest = p.clockwork.delivery_retry()
        self.waiting_for = "delivery of the notice"
        handle = workflow.start_activity(
            contracts.ACTIVITY_SUBMIT_NOTICE,
            NoticeRequest(p.referral_id, p.notice_id, p.notice_number, stamp(prepared), p.test),
            result_type=NoticeResult,
            task_queue=contracts.platform_queue(p.platform),
            start_to_close_timeout=_SEND_DEADLINE,
            heartbeat_timeout=_HEARTBEAT,
            schedule_to_close_timeout=p.clockwork.delivery_patience(),
            retry_policy=RetryPolicy(initial_interval=first, maximum_interval=longest),
            priority=self._priority(),
        )
        try:
            await self._remind_until(lambda: handle.done() or overtaken())
        except BaseException:
            # Closed on record meanwhile: nothing may be sent any more.
            handle.cancel()
            raise
        if handle.done():
            self._woken()
        else:
            handle.cancel()
        try:
            return await handle, None
        except ActivityError as error:
            if isinstance(error.cause, CancelledError):
                return None, None
            return None, self._failure(error)

    async def withdraw_notice(self) -> bool:
        """Tell the platform; False when it could not be told within the policy's patience."""
        await self.flush()
        p = self._p
        self.waiting_for = "delivery of the withdrawal"
        request = WithdrawRequest(p.notice_id, p.platform)
        return await self._send(contracts.ACTIVITY_WITHDRAW_NOTICE, request)

    async def answer_clarification(self, clarification_id: str) -> bool:
        """Take an answer to the platform; False when it could not be given in time."""
        await self.flush()
        p = self._p
        request = ClarificationRequest(p.referral_id, p.notice_id, p.platform, clarification_id)
        self.waiting_for = "delivery of the answer"
        return await self._send(contracts.ACTIVITY_ANSWER_CLARIFICATION, request)

    async def _send(self, activity: str, request: Any) -> bool:
        """Something for the platform beside a notice; False when patience ran out."""
        p = self._p
        first, longest = p.clockwork.delivery_retry()
        try:
            await workflow.execute_activity(
                activity,
                request,
                task_queue=contracts.platform_queue(p.platform),
                start_to_close_timeout=_SEND_DEADLINE,
                heartbeat_timeout=_HEARTBEAT,
                schedule_to_close_timeout=p.clockwork.delivery_patience(),
                retry_policy=RetryPolicy(initial_interval=first, maximum_interval=longest),
                priority=self._priority(),
            )
            delivered = True
        except ActivityError:
            delivered = False
        self._woken()
        return delivered

    async def _look(self, activity: str, request: Any, otherwise: T) -> T:
        self.waiting_for = "an observation"
        call: Coroutine[Any, Any, T] = workflow.execute_activity(
            activity,
            request,
            result_type=type(otherwise),
            task_queue=contracts.OBSERVATION_QUEUE,
            start_to_close_timeout=_LOOK_DEADLINE,
            heartbeat_timeout=_HEARTBEAT,
            schedule_to_close_timeout=self._look_patience(),
            retry_policy=_LOOK_RETRY,
            priority=self._priority(),
        )
        try:
            found = await call
        except ActivityError as error:
            if isinstance(error.cause, CancelledError):
                raise asyncio.CancelledError from error
            found = otherwise
        self._woken()
        return found

    def _look_patience(self) -> timedelta:
        """An observation that cannot be had is unknown, and unknown holds nothing up for ever."""
        return max(timedelta(minutes=5), 10 * self._p.clockwork.quorum_spacing())

    def _observation(self, purpose: str, quorum: int) -> ObserveRequest:
        self._p.series += 1
        return ObserveRequest(
            referral_id=self._p.referral_id,
            series=f"{self._p.referral_id}/{self._p.series}",
            purpose=purpose,
            quorum=quorum,
            spacing=self._p.clockwork.quorum_spacing().total_seconds(),
        )

    def _priority(self) -> Priority:
        return Priority(priority_key=policy.priority_key(self._p.urgency))

    def _failure(self, error: ActivityError) -> dict[str, Any]:
        cause = error.cause
        refused = isinstance(cause, ApplicationError) and cause.type == contracts.ERROR_REFUSED
        message = "the platform could not be reached within the policy's patience"
        if refused and isinstance(cause, ApplicationError):
            message = cause.message
        return {
            "noticeId": self._p.notice_id,
            "number": self._p.notice_number,
            "reason": "NOTICE_REFUSED" if refused else "NOTICE_NOT_DELIVERED",
            "message": message,
        }
