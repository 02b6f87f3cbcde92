"""ReferralWorkflow: one workflow per referral, from acceptance to its one outcome.

``run`` takes one step per state until the referral is closed. Rules stand elsewhere:
``lifecycle`` (what may follow what), ``policy`` (when), ``answers`` (what the platform's
words mean), ``closing`` (how it ends). Everything from outside comes as a delivery; its
handler only queues it, and the main coroutine acts.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from temporalio import workflow

with workflow.unsafe.imports_passed_through():
    from services.kernel.ids import notice_id_text
    from workflows import answers, closing, contracts, policy
    from workflows.contracts import Delivery, Snapshot, StartReferral
    from workflows.lifecycle import Event, State
    from workflows.progress import Progress, instant, stamp
    from workflows.steps import Steps


@workflow.defn(name=contracts.WORKFLOW)
class ReferralWorkflow:
    @workflow.init
    def __init__(self, start: StartReferral) -> None:
        self._p = Progress.begin(start)
        self._steps = Steps(self._p)

    @workflow.run
    async def run(self, start: StartReferral) -> str:
        """Returns the outcome's name."""
        while not self._closed():
            await self._take_deliveries()
            await self._step()
            if workflow.info().is_continue_as_new_suggested():
                await self._continue_as_new(start)
        await self._steps.flush()
        await workflow.wait_condition(workflow.all_handlers_finished)
        return self._p.outcome

    @workflow.update(name=contracts.UPDATE_DELIVER)
    async def deliver(self, delivery: Delivery) -> str:
        return self._queue(delivery)

    @workflow.signal(name=contracts.SIGNAL_DELIVER)
    async def deliver_by_signal(self, delivery: Delivery) -> None:
        self._queue(delivery)

    @workflow.query(name=contracts.QUERY_SNAPSHOT)
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
        )

    def _queue(self, delivery: Delivery) -> str:
        if delivery.item_id in self._p.seen:
            return contracts.ANSWER_REPEATED
        self._p.seen.append(delivery.item_id)
        self._p.pending.append(delivery)
        return contracts.ANSWER_ACCEPTED

    async def _continue_as_new(self, start: StartReferral) -> None:
        await self._steps.flush()
        await workflow.wait_condition(workflow.all_handlers_finished)
        workflow.continue_as_new(
            StartReferral(
                start.referral_id,
                start.platform,
                start.kind,
                start.urgency,
                test=start.test,
                time_scale=start.time_scale,
                carried=self._p.carry(),
            )
        )

    async def _step(self) -> None:
        if self._closed():
            return
        step = {
            State.RECEIVED: self._assess,
            State.IN_REVIEW: self._await_review,
            State.NOTIFYING: self._notify,
            State.AWAITING_ACKNOWLEDGEMENT: self._await_platform,
            State.AWAITING_DECISION: self._await_platform,
            State.VERIFYING_REMOVAL: self._verify,
            State.MONITORING: self._monitor,
        }[self._p.state]
        await step()

    def _closed(self) -> bool:
        return self._p.state is State.CLOSED

    async def _take_deliveries(self) -> None:
        """Act on everything that came in; what it means stands in ``answers``."""
        p = self._p
        while p.pending and not self._closed():
            delivery = p.pending.pop(0)
            if delivery.answer is not None:
                ending = answers.apply_answer(p, delivery.answer, self._now())
                if ending is not None:
                    outcome = "RESTRICTED" if ending is Event.RESTRICTED else "DECLINED"
                    closing.close(p, self._now(), outcome, ending)
            elif delivery.command is not None:
                await self._obey(delivery.kind, delivery.command)

    async def _obey(self, kind: str, command: contracts.Command) -> None:
        p = self._p
        if kind == contracts.KIND_WITHDRAWAL_REQUESTED:
            if p.notified and await self._steps.withdraw_notice():
                p.record(self._now(), "WITHDRAWAL_SENT")
            closing.close(p, self._now(), "WITHDRAWN", Event.WITHDRAWN)
        elif kind == contracts.KIND_URGENCY_RAISED:
            p.raise_urgency(command.value, command.departure_time)
        elif kind == contracts.KIND_REVIEW_DECIDED and p.state is State.IN_REVIEW:
            if command.value == "REFER":
                p.record(self._now(), "DISPATCH_APPROVED", by=Event.DISPATCH_APPROVED)
            else:
                closing.close(p, self._now(), "REJECTED", Event.REJECTED)

    async def _assess(self) -> None:
        """Step 3 and 4: follow a short link, assess, decide whether a person must."""
        p = self._p
        if p.kind == "SHORT_LINK" and await self._ends_as_short_link():
            return
        facts = await self._steps.assess()
        if p.pending:
            await self._take_deliveries()
            if p.state is not State.RECEIVED:
                return
        reasons = policy.review_reasons(p.kind, facts)
        if not reasons:
            p.record(self._now(), "DISPATCH_APPROVED", by=Event.DISPATCH_APPROVED)
            return
        suggestion = facts.decision if facts.decision != "REFER" else "REVIEW"
        detail = {
            "reviewId": str(workflow.uuid4()),
            "suggestion": f"ASSESSMENT_DECISION_{suggestion}",
            "reasons": reasons,
        }
        p.record(
            self._now(),
            "REVIEW_REQUESTED",
            by=Event.REVIEW_NEEDED,
            detail_kind="review_requested",
            detail=detail,
        )

    async def _ends_as_short_link(self) -> bool:
        p = self._p
        link = await self._steps.resolve_link()
        if link.duplicate_of:
            closing.close(p, self._now(), "DUPLICATE", Event.DUPLICATE_FOUND, of=link.duplicate_of)
        elif link.refused_reason:
            sentence = f"The short link cannot be referred: {link.refused_reason}"
            closing.close(p, self._now(), "UNDELIVERABLE", Event.UNDELIVERABLE, because=sentence)
        elif link.kind:
            p.kind = link.kind
        return self._closed()

    async def _await_review(self) -> None:
        await self._steps.wait("a person's decision", None)

    async def _notify(self) -> None:
        """Steps 5 and 6: look first, store the notice, send it."""
        p = self._p
        if not p.looked_first and await self._gone_already():
            return
        if p.pending:
            return
        p.notice_number += 1
        p.notice_id = notice_id_text(p.referral_id, p.notice_number)
        p.forget_answers()
        prepared = self._now()
        p.record(
            prepared,
            "NOTICE_PREPARED",
            detail_kind="notice",
            detail=self._steps.prepared_notice(prepared),
        )
        await self._steps.flush()
        await self._deliver_notice(prepared)

    async def _gone_already(self) -> bool:
        p = self._p
        result = await self._steps.look_first()
        p.looked_first = True
        p.observed(self._now(), result.observations)
        if not result.gone:
            return False
        last = result.observations[-1]
        p.removed_by = policy.removed_by(last.availability, claimed=False)
        closing.close(p, self._now(), "GONE_BEFORE_NOTICE", Event.GONE_BEFORE_NOTICE)
        return True

    async def _deliver_notice(self, prepared: datetime) -> None:
        p = self._p
        result, failure = await self._steps.submit_notice(prepared)
        now = self._now()
        if result is not None:
            p.policy = result.policy
            p.delivered_at = p.waiting_since = stamp(now)
            p.record(
                now,
                "NOTICE_DELIVERED",
                by=Event.DELIVERED,
                detail_kind="notice",
                detail=result.detail,
            )
        elif failure is not None:
            p.record(now, "NOTICE_FAILED", detail_kind="notice_failed", detail=failure)
            sentence = f"No notice could be delivered: {failure['message']}"
            closing.close(p, now, "UNDELIVERABLE", Event.UNDELIVERABLE, because=sentence)
        else:
            # An answer or a withdrawal overtook our sending: the deliveries say what follows.
            p.delivered_at = p.waiting_since = stamp(now)
            await self._take_deliveries()
            if p.state is State.NOTIFYING:
                p.record(now, "NOTICE_DELIVERED", by=Event.DELIVERED)

    async def _await_platform(self) -> None:
        """Step 7 and 8: wait for the answer, looking on the profile's cadence meanwhile."""
        p = self._p
        left = p.answer_time_left(self._now())
        delivered = instant(p.delivered_at) or self._now()
        look = p.clockwork.next_look(delivered, self._now())
        if await self._steps.wait("the platform's answer", min(left, look)):
            return
        if p.answer_time_left(self._now()) <= timedelta():
            self._next_rung("decision" if p.state is State.AWAITING_DECISION else "acknowledgement")
            return
        result = await self._steps.observe("CADENCE", quorum=1)
        if result.gone:
            p.verifying_since = stamp(self._now())
        p.observed(self._now(), result.observations, Event.SEEN_GONE if result.gone else None)

    def _next_rung(self, deadline: str) -> None:
        """A deadline passed: a further notice while the ladder has one, else NO_RESPONSE."""
        p = self._p
        now = self._now()
        again = p.clockwork.may_renotice(p.notice_number)
        detail = {
            "deadline": deadline,
            "dueTime": stamp(now),
            "nextStep": "renotice" if again else "close",
            "noticeNumber": p.notice_number,
        }
        if again:
            p.record(
                now,
                "DEADLINE_PASSED",
                by=Event.RENOTICE_DUE,
                detail_kind="deadline_passed",
                detail=detail,
            )
            return
        p.record(now, "DEADLINE_PASSED", detail_kind="deadline_passed", detail=detail)
        closing.close(p, now, "NO_RESPONSE", Event.LADDER_EXHAUSTED)

    async def _verify(self) -> None:
        """Steps 8 and 9: a quorum of observations beside the claim, then the profile's rule."""
        p = self._p
        result = await self._steps.observe("VERIFICATION", quorum=p.policy.quorum)
        seen = result.observations
        p.gone_as = seen[-1].availability if result.gone else ""
        p.gone_ids = [observation.observation_id for observation in seen]
        visible = bool(seen) and seen[-1].visible == "YES"
        p.observed(self._now(), seen, Event.SEEN_AGAIN if visible and not p.claimed else None)
        await self._take_deliveries()
        if p.state is not State.VERIFYING_REMOVAL:
            return
        if visible:
            await self._still_visible()
        elif not self._confirm():
            await self._await_more_evidence()

    def _confirm(self) -> bool:
        p = self._p
        waited_out = p.answer_time_left(self._now()) <= timedelta()
        basis = policy.confirmation_basis(
            p.policy.confirmation, p.claimed, bool(p.gone_as), waited_out
        )
        if basis is None:
            return False
        now = stamp(self._now())
        p.basis = basis
        p.removed_by = policy.removed_by(p.gone_as, p.claimed)
        p.first_removal_at = p.first_removal_at or now
        p.final_removal_at = p.monitoring_since = now
        detail = {
            "removalBasis": f"REMOVAL_BASIS_{basis}",
            "removedBy": f"REMOVED_BY_{p.removed_by}",
            "observationIds": p.gone_ids,
        }
        p.record(
            self._now(),
            "REMOVAL_CONFIRMED",
            by=Event.CONFIRMED,
            detail_kind="removal_confirmed",
            detail=detail,
        )
        return True

    async def _still_visible(self) -> None:
        p = self._p
        since = instant(p.verifying_since) or self._now()
        patience = p.clockwork.grace()
        if not p.claimed_at:
            patience = max(patience, p.answer_time_left(since))
        if self._now() - since >= patience:
            self._next_rung("removal")
            return
        pause = p.clockwork.verification_interval(self._now() - since)
        await self._steps.wait(
            "the content to disappear", min(pause, since + patience - self._now())
        )

    async def _await_more_evidence(self) -> None:
        """Unknown never counts: keep looking until the platform's time is over."""
        p = self._p
        left = p.answer_time_left(self._now())
        if not p.gone_as and left <= timedelta():
            self._next_rung("removal")
            return
        since = instant(p.verifying_since) or self._now()
        pause = p.clockwork.verification_interval(self._now() - since)
        await self._steps.wait("evidence of removal", min(pause, max(left, pause / 4)))

    async def _monitor(self) -> None:
        """Step 9: watch for reappearance until the window is over, then close."""
        p = self._p
        end = (instant(p.monitoring_since) or self._now()) + p.clockwork.monitoring_window()
        left = end - self._now()
        if left <= timedelta():
            closing.close(p, self._now(), "REMOVED", Event.MONITORING_OVER)
            return
        if await self._steps.wait("reappearance", min(left, p.clockwork.monitoring_cadence())):
            return
        result = await self._steps.observe("MONITORING", quorum=1)
        p.observed(self._now(), result.observations)
        if result.observations and result.observations[-1].visible == "YES":
            p.reappearances += 1
            p.record(self._now(), "REAPPEARED", by=Event.REAPPEARED)

    @staticmethod
    def _now() -> datetime:
        return workflow.now()
