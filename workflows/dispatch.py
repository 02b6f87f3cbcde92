"""Until the platform has a notice: assess, let a person decide, look first, send."""

from __future__ import annotations

from datetime import datetime

from temporalio import workflow

with workflow.unsafe.imports_passed_through():
    from services.kernel.ids import notice_id_text
    from workflows import closing, contracts, ladder, policy, reviewing
    from workflows.lifecycle import Event, State
    from workflows.progress import Progress, instant, stamp
from workflows.deliveries import Deliveries
from workflows.steps import Steps


class Dispatch:
    def __init__(self, progress: Progress, steps: Steps, deliveries: Deliveries) -> None:
        self._p = progress
        self._steps = steps
        self._deliveries = deliveries

    def lapse(self) -> None:
        """After the departure nothing is left to hurry for: routine, and kept as evidence."""
        p, now = self._p, self._steps.now()
        if p.state is State.CLOSED or p.lapses_at is None or p.lapses_at > now:
            return
        p.urgency = "ROUTINE"
        p.record(now, "URGENCY_LAPSED")

    async def assess(self) -> None:
        """Step 3 and 4: follow a short link, assess, decide whether a person must."""
        p = self._p
        if p.kind == "SHORT_LINK" and await self._ends_as_short_link():
            return
        facts = await self._steps.assess()
        if p.pending:
            await self._deliveries.take()
            if p.state is not State.RECEIVED:
                return
        self._propose(facts.departure_time)
        reasons = policy.review_reasons(p.kind, facts)
        if reasons:
            reviewing.ask(p, self._steps.now(), str(workflow.uuid4()), facts, reasons)
        else:
            p.record(self._steps.now(), "DISPATCH_APPROVED", by=Event.DISPATCH_APPROVED)

    def _propose(self, departure_time: str) -> None:
        """What the text says of a departure is for people to confirm; nothing hurries for it."""
        p, now = self._p, self._steps.now()
        departure = instant(departure_time)
        if departure is None or departure <= now or p.departure_time or not p.whole_life:
            return
        p.record(
            now,
            "DEPARTURE_PROPOSED",
            detail_kind="departure_proposed",
            detail={"departureTime": stamp(departure)},
        )

    async def _ends_as_short_link(self) -> bool:
        p = self._p
        link = await self._steps.resolve_link()
        now = self._steps.now()
        if link.duplicate_of:
            closing.close(p, now, "DUPLICATE", Event.DUPLICATE_FOUND, of=link.duplicate_of)
        elif link.refused_reason:
            sentence = f"The short link cannot be referred: {link.refused_reason}"
            closing.close(p, now, "UNDELIVERABLE", Event.UNDELIVERABLE, because=sentence)
        elif link.kind:
            p.kind = link.kind
        return p.state is State.CLOSED

    async def await_review(self) -> None:
        """Wait for the decision; who is late is reminded, and the review stays open."""
        p = self._p
        if p.decided_on_hold:
            decision, p.decided_on_hold = p.decided_on_hold, ""
            reviewing.decide(p, self._steps.now(), decision)
            return
        if not p.whole_life:
            await self._steps.wait("a person's decision", None)
            return
        left = reviewing.review_time_left(p, self._steps.now())
        if await self._steps.wait("a person's decision", left):
            return
        now = self._steps.now()
        ladder.person_is_late(p, now, "review")
        p.late_since = stamp(now)

    async def notify(self) -> None:
        """Steps 5 and 6: look first, store the notice, send it."""
        p = self._p
        again = instant(p.prepared_at)
        if again is not None:
            # Restored: the platform may have it. The same notice has no second effect.
            p.prepared_at = ""
            await self._deliver_notice(again)
            return
        if not p.looked_first and await self._gone_already():
            return
        if p.pending:
            return
        p.notice_number += 1
        p.notice_id = notice_id_text(p.referral_id, p.notice_number)
        p.forget_answers()
        prepared = self._steps.now()
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
        p.observed(self._steps.now(), result.observations)
        if not result.gone:
            return False
        last = result.observations[-1]
        p.removed_by = policy.removed_by(last.availability, claimed=False)
        closing.close(p, self._steps.now(), "GONE_BEFORE_NOTICE", Event.GONE_BEFORE_NOTICE)
        return True

    async def _deliver_notice(self, prepared: datetime) -> None:
        """Send until the platform has it, refuses it, or something overtakes the sending."""
        p = self._p
        while p.state is State.NOTIFYING:
            result, failure = await self._steps.submit_notice(
                prepared, lambda: self._deliveries.overtaken
            )
            now = self._steps.now()
            if result is not None:
                self._delivered(now, result)
            elif failure is not None:
                p.record(now, "NOTICE_FAILED", detail_kind="notice_failed", detail=failure)
                sentence = f"No notice could be delivered: {failure['message']}"
                closing.close(p, now, "UNDELIVERABLE", Event.UNDELIVERABLE, because=sentence)
            else:
                await self._overtaken(now)

    def _delivered(self, now: datetime, result: contracts.NoticeResult) -> None:
        p = self._p
        p.policy = result.policy
        p.delivered_at = p.waiting_since = stamp(now)
        p.loop_since = p.loop_since or stamp(now)
        p.record(
            now,
            "NOTICE_DELIVERED",
            by=Event.DELIVERED,
            detail_kind="notice",
            detail=result.detail,
        )

    async def _overtaken(self, now: datetime) -> None:
        """An answer or a withdrawal came before our sending ended: it says what follows.

        When it changes nothing (an answer to an earlier notice), the same notice is sent again
        under the same id, which has no second effect.
        """
        p = self._p
        p.delivered_at = p.waiting_since = stamp(now)
        p.loop_since = p.loop_since or stamp(now)
        await self._deliveries.take()
        if not p.whole_life and p.state is State.NOTIFYING:
            p.record(now, "NOTICE_DELIVERED", by=Event.DELIVERED)
