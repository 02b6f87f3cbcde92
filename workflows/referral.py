"""ReferralWorkflow: one workflow per referral, from acceptance to its one outcome.

``run`` takes one step per state until the referral is closed. The steps stand beside it:
``dispatch`` (until the platform has a notice), ``holding`` (while one is kept back), ``removal``
(until it is gone and stays gone). Rules stand elsewhere: ``lifecycle`` (what may follow what),
``policy`` and ``ladder`` (when), ``answers`` and ``deliveries`` (what comes from outside means),
``closing`` (how it ends). Everything from outside comes as a delivery; its handler only queues it,
and the main coroutine acts.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace

from temporalio import workflow

with workflow.unsafe.imports_passed_through():
    from workflows import contracts
    from workflows.contracts import Delivery, StartReferral
    from workflows.lifecycle import State
    from workflows.progress import EndedOnRecordError, Progress
    from workflows.snapshot import QUERY_SNAPSHOT, Snapshot
from workflows.deliveries import Deliveries
from workflows.dispatch import Dispatch
from workflows.holding import Holding
from workflows.removal import Removal
from workflows.steps import Steps


@workflow.defn(name=contracts.WORKFLOW)
class ReferralWorkflow:
    @workflow.init
    def __init__(self, start: StartReferral) -> None:
        self._p = Progress.begin(start)
        self._steps = Steps(self._p)
        self._holding = Holding(self._p, self._steps)
        self._deliveries = Deliveries(self._p, self._steps, self._holding)
        self._dispatch = Dispatch(self._p, self._steps, self._deliveries)
        self._removal = Removal(self._p, self._steps, self._deliveries)
        self._taken = 0

    @workflow.run
    async def run(self, start: StartReferral) -> str:
        """Returns the outcome's name."""
        self._holding.begin_with_the_submission()
        with suppress(EndedOnRecordError):
            while not self._closed():
                await self._deliveries.take()
                self._dispatch.lapse()
                await self._step()
                if self._run_is_long(start):
                    await self._continue_as_new(start)
            await self._steps.finish()
        await workflow.wait_condition(workflow.all_handlers_finished)
        return self._p.outcome

    @workflow.update(name=contracts.UPDATE_DELIVER)
    async def deliver(self, delivery: Delivery) -> str:
        return self._queue(delivery)

    @workflow.signal(name=contracts.SIGNAL_DELIVER)
    async def deliver_by_signal(self, delivery: Delivery) -> None:
        self._queue(delivery)

    @workflow.query(name=QUERY_SNAPSHOT)
    def snapshot(self) -> Snapshot:
        p = self._p
        return Snapshot(
            referral_id=p.referral_id,
            state=str(p.state),
            outcome=p.outcome,
            notice_number=p.notice_number,
            events_recorded=p.recorded,
            waiting_for=self._steps.waiting_for,
            deadline=self._steps.deadline,
            pending_deliveries=len(p.pending),
            urgency=p.urgency,
            escalation_level=p.escalation_level,
            contradictions=p.contradictions,
            hold_until=p.hold_until,
        )

    def _queue(self, delivery: Delivery) -> str:
        if delivery.item_id in self._p.seen:
            return contracts.ANSWER_REPEATED
        self._p.seen.append(delivery.item_id)
        self._p.pending.append(delivery)
        return contracts.ANSWER_ACCEPTED

    async def _step(self) -> None:
        if self._closed():
            return
        step = {
            State.RECEIVED: self._dispatch.assess,
            State.IN_REVIEW: self._dispatch.await_review,
            State.ON_HOLD: self._holding.hold,
            State.NOTIFYING: self._dispatch.notify,
            State.AWAITING_ACKNOWLEDGEMENT: self._removal.await_platform,
            State.AWAITING_DECISION: self._removal.await_platform,
            State.CLARIFICATION_REQUESTED: self._removal.await_clarification,
            State.VERIFYING_REMOVAL: self._removal.verify,
            State.CONTRADICTED: self._removal.contradicted,
            State.MONITORING: self._removal.monitor,
        }[self._p.state]
        await step()
        self._taken += 1

    def _closed(self) -> bool:
        return self._p.state is State.CLOSED

    def _run_is_long(self, start: StartReferral) -> bool:
        if self._closed():
            return False
        forced = 0 < start.steps_per_run <= self._taken
        return forced or workflow.info().is_continue_as_new_suggested()

    async def _continue_as_new(self, start: StartReferral) -> None:
        await self._steps.flush()
        await workflow.wait_condition(workflow.all_handlers_finished)
        workflow.continue_as_new(replace(start, carried=self._p.carry()))
