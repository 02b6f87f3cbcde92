"""Once the platform has a notice: wait, verify, contradict, confirm, watch."""

from __future__ import annotations

from datetime import timedelta

from temporalio import workflow

with workflow.unsafe.imports_passed_through():
    from workflows import closing, ladder, policy, reviewing
    from workflows.lifecycle import TABLE, Event, State
    from workflows.progress import Progress, instant, stamp
from workflows.deliveries import Deliveries
from workflows.steps import Steps


class Removal:
    def __init__(self, progress: Progress, steps: Steps, deliveries: Deliveries) -> None:
        self._p = progress
        self._steps = steps
        self._deliveries = deliveries

    async def await_platform(self) -> None:
        """Step 7 and 8: wait for the answer, looking on the profile's cadence meanwhile."""
        p = self._p
        left = p.answer_time_left(self._steps.now())
        if await self._steps.wait("the platform's answer", min(left, self._next_look())):
            return
        if p.answer_time_left(self._steps.now()) <= timedelta():
            self._next_rung("decision" if p.state is State.AWAITING_DECISION else "acknowledgement")
            return
        await self._look()

    async def await_clarification(self) -> None:
        """The platform asks: its clock stands still, ours runs; the content is watched."""
        p = self._p
        left = reviewing.clarification_time_left(p, self._steps.now())
        if await self._steps.wait("the answer to the platform", min(left, self._next_look())):
            return
        now = self._steps.now()
        if reviewing.clarification_time_left(p, now) <= timedelta():
            ladder.person_is_late(p, now, "clarification")
            p.late_since = stamp(now)
            return
        await self._look()

    def _next_look(self) -> timedelta:
        now = self._steps.now()
        delivered = instant(self._p.delivered_at) or instant(self._p.waiting_since) or now
        return self._p.clockwork.next_look(delivered, now)

    async def _look(self) -> None:
        """One look on the cadence; content that is gone is verified."""
        p = self._p
        result = await self._steps.observe("CADENCE", quorum=1)
        if p.whole_life:
            # What came while we looked comes first: it may have moved the referral on.
            await self._deliveries.take()
        gone = result.gone and Event.SEEN_GONE in TABLE[p.state]
        if gone:
            p.verifying_since = stamp(self._steps.now())
        p.observed(self._steps.now(), result.observations, Event.SEEN_GONE if gone else None)

    def _next_rung(self, deadline: str) -> None:
        """A deadline passed: a further notice while the ladder has one, else NO_RESPONSE."""
        now = self._steps.now()
        if not ladder.next_rung(self._p, now, deadline):
            closing.close(self._p, now, "NO_RESPONSE", Event.LADDER_EXHAUSTED)

    async def verify(self) -> None:
        """Steps 8 and 9: a quorum of observations beside the claim, then the profile's rule."""
        p = self._p
        result = await self._steps.observe("VERIFICATION", quorum=p.policy.quorum)
        seen = result.observations
        p.gone_as = seen[-1].availability if result.gone else ""
        p.gone_ids = [observation.observation_id for observation in seen]
        visible = bool(seen) and seen[-1].visible == "YES"
        p.observed(self._steps.now(), seen, Event.SEEN_AGAIN if visible and not p.claimed else None)
        await self._deliveries.take()
        if p.state is not State.VERIFYING_REMOVAL:
            return
        if visible:
            await self._still_visible()
        elif not self._confirm():
            await self._await_more_evidence()

    def _confirm(self) -> bool:
        p = self._p
        waited_out = p.answer_time_left(self._steps.now()) <= timedelta()
        basis = policy.confirmation_basis(
            p.policy.confirmation, p.claimed, bool(p.gone_as), waited_out
        )
        if basis is None:
            return False
        now = stamp(self._steps.now())
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
            self._steps.now(),
            "REMOVAL_CONFIRMED",
            by=Event.CONFIRMED,
            detail_kind="removal_confirmed",
            detail=detail,
        )
        return True

    async def _still_visible(self) -> None:
        p = self._p
        since = instant(p.verifying_since) or self._steps.now()
        patience = p.clockwork.grace()
        if not p.claimed_at:
            patience = max(patience, p.answer_time_left(since))
        if self._steps.now() - since >= patience:
            if p.claimed_at and p.whole_life:
                self._contradict()
            else:
                self._next_rung("removal")
            return
        pause = p.clockwork.verification_interval(self._steps.now() - since)
        await self._steps.wait(
            "the content to disappear", min(pause, since + patience - self._steps.now())
        )

    def _contradict(self) -> None:
        """Claimed, and seen after the grace: a fact of its own, told to the platform's contact."""
        p, now = self._p, self._steps.now()
        p.contradictions += 1
        p.contradicted_at = stamp(now)
        detail = {
            "claimTime": p.claimed_at,
            "observationId": p.gone_ids[-1] if p.gone_ids else "",
            "count": p.contradictions,
        }
        p.record(
            now, "CONTRADICTED", by=Event.CONTRADICTED, detail_kind="contradicted", detail=detail
        )
        ladder.escalate(p, now, ladder.PLATFORM_CONTACT, "contradiction")

    async def contradicted(self) -> None:
        """Give the platform a while to make its claim true; then a further notice."""
        p = self._p
        since = instant(p.contradicted_at) or self._steps.now()
        left = since + p.clockwork.contradiction_patience() - self._steps.now()
        pause = p.clockwork.verification_interval(self._steps.now() - since)
        if await self._steps.wait("the claim to come true", min(left, pause)):
            return
        if since + p.clockwork.contradiction_patience() <= self._steps.now():
            self._next_rung("contradiction")
            return
        await self._look()

    async def _await_more_evidence(self) -> None:
        """Unknown never counts: keep looking until the platform's time is over."""
        p = self._p
        left = p.answer_time_left(self._steps.now())
        if not p.gone_as and left <= timedelta():
            self._next_rung("removal")
            return
        since = instant(p.verifying_since) or self._steps.now()
        pause = p.clockwork.verification_interval(self._steps.now() - since)
        await self._steps.wait("evidence of removal", min(pause, max(left, pause / 4)))

    async def monitor(self) -> None:
        """Step 9: watch for reappearance until the window is over, then close."""
        p = self._p
        now = self._steps.now()
        left = (instant(p.monitoring_since) or now) + p.clockwork.monitoring_window() - now
        if left <= timedelta():
            closing.close(p, now, "REMOVED", Event.MONITORING_OVER)
            return
        if await self._steps.wait("reappearance", min(left, p.clockwork.monitoring_cadence())):
            return
        result = await self._steps.observe("MONITORING", quorum=1)
        p.observed(self._steps.now(), result.observations)
        if p.whole_life:
            await self._deliveries.take()
        seen_again = bool(result.observations) and result.observations[-1].visible == "YES"
        if seen_again and p.state is State.MONITORING:
            self._reappeared()

    def _reappeared(self) -> None:
        """A new loop of notices under the same referral, with the whole ladder again."""
        p = self._p
        p.reappearances += 1
        if p.whole_life:
            p.loop_base, p.rungs, p.patient, p.loop_since = p.notice_number, 0, False, ""
        p.record(self._steps.now(), "REAPPEARED", by=Event.REAPPEARED)
