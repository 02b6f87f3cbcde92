"""The workflow's calls into the world, each with its queue, deadline and retries.

Quick idempotent calls to our own record are local activities (``waits``: flushed once per await
point); calls to platforms and the internet are regular activities on queues of their own, so that
server-side limits and pauses apply (docs/decisions, activities).
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from datetime import datetime, timedelta
from typing import Any, TypeVar

from temporalio import workflow
from temporalio.common import Priority, RetryPolicy
from temporalio.exceptions import ActivityError, ApplicationError, CancelledError

with workflow.unsafe.imports_passed_through():
    from workflows import contracts, policy
    from workflows.contracts import (
        AssessmentFacts,
        AssessRequest,
        ClarificationRequest,
        NoticeRequest,
        NoticeResult,
        ObserveRequest,
        ObserveResult,
        ResolvedLink,
        ResolveRequest,
        WithdrawRequest,
    )
    from workflows.progress import stamp
from workflows.waits import RECORD_RETRY, Waits

_LOOK_RETRY = RetryPolicy(
    initial_interval=timedelta(seconds=1), maximum_interval=timedelta(seconds=30)
)
# Longer than a workflow task may take: the SDK then keeps that task alive.
_ASSESS_DEADLINE = timedelta(seconds=20)
_LOOK_DEADLINE = timedelta(seconds=90)
_SEND_DEADLINE = timedelta(seconds=45)
# A worker that died is noticed after this; activities beat every two seconds.
_HEARTBEAT = timedelta(seconds=8)

T = TypeVar("T")


class Steps(Waits):
    """Speaks to Temporal for one referral's workflow."""

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
            retry_policy=RECORD_RETRY,
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
