"""What comes from outside: platforms' answers and people's commands, taken in turn.

What an answer means stands in ``answers``. A command that came too late changes nothing and is
recorded as refused, with what can be done instead.
"""

from __future__ import annotations

from temporalio import workflow

with workflow.unsafe.imports_passed_through():
    from workflows import answers, closing, contracts, ladder, reviewing
    from workflows.contracts import Command
    from workflows.lifecycle import Event, State
    from workflows.progress import Progress
from workflows.holding import Holding
from workflows.steps import Steps

_OUTCOMES = {
    Event.RESTRICTED: "RESTRICTED",
    Event.DECLINED: "DECLINED",
    Event.REVERSED: "DECLINED",
}


class Deliveries:
    def __init__(self, progress: Progress, steps: Steps, holding: Holding) -> None:
        self._p = progress
        self._steps = steps
        self._holding = holding

    async def take(self) -> None:
        """Act on everything that came in, in the order in which it came."""
        p = self._p
        while p.pending and p.state is not State.CLOSED:
            delivery = p.pending.pop(0)
            if delivery.answer is not None:
                self._answer(delivery.answer)
            elif delivery.command is not None:
                await self._obey(delivery.kind, delivery.command)

    def _answer(self, answer: contracts.PlatformAnswer) -> None:
        p, now = self._p, self._steps.now()
        ending = answers.apply_answer(p, answer, now)
        if ending is Event.REVERSED:
            ladder.remind(p, now, ladder.REFERRER_LIAISON, "reversal")
        if ending is not None:
            closing.close(p, now, _OUTCOMES[ending], ending)

    async def _obey(self, kind: str, command: Command) -> None:
        p = self._p
        if kind == contracts.KIND_WITHDRAWAL_REQUESTED:
            await self._withdraw()
        elif kind == contracts.KIND_URGENCY_RAISED:
            p.raise_urgency(self._steps.now(), command.value, command.departure_time)
        elif kind == contracts.KIND_REVIEW_DECIDED:
            self._review(command)
        elif kind == contracts.KIND_HOLD_PLACED:
            self._holding.place(command)
        elif kind == contracts.KIND_HOLD_RELEASED:
            self._holding.release()
        elif kind == contracts.KIND_ESCALATION_REQUESTED:
            level = ladder.level_above(p.escalation_level)
            ladder.escalate(p, self._steps.now(), level, "request")
        elif kind == contracts.KIND_CLARIFICATION_ANSWERED:
            await self._clarify(command)

    async def _withdraw(self) -> None:
        p = self._p
        if p.notified and await self._steps.withdraw_notice():
            p.record(self._steps.now(), "WITHDRAWAL_SENT")
        if p.state is State.ON_HOLD:
            self._holding.note_cost("CLOSED")
        closing.close(p, self._steps.now(), "WITHDRAWN", Event.WITHDRAWN)

    def _review(self, command: Command) -> None:
        p, now = self._p, self._steps.now()
        if p.state is State.ON_HOLD and p.held_from == State.IN_REVIEW:
            # The decision counts; the hold is kept.
            self._holding.decide(command.value)
            return
        if p.state is not State.IN_REVIEW:
            if p.whole_life:
                p.refuse(now, "review", f"The referral is {p.state}: nothing waits for a decision.")
            return
        reviewing.decide(p, now, command.value)

    async def _clarify(self, command: Command) -> None:
        """Take the answer to the platform; only then does its clock run again."""
        p = self._p
        if p.state is not State.CLARIFICATION_REQUESTED or command.subject != p.clarification_id:
            sentence = f"The referral is {p.state}: this question is no longer open."
            p.refuse(self._steps.now(), "clarification", sentence)
            return
        delivered = await self._steps.answer_clarification(command.subject)
        now = self._steps.now()
        if delivered:
            p.record(
                now,
                "CLARIFICATION_DELIVERED",
                by=Event.CLARIFICATION_ANSWERED,
                detail_kind="clarification_answered",
                detail={"clarificationId": command.subject},
            )
            return
        p.refuse(now, "clarification", "The platform could not be given the answer; answer again.")
        ladder.escalate(p, now, ladder.PLATFORM_CONTACT, "clarification")

    @property
    def overtaken(self) -> bool:
        """Whether something waits that ends the sending of a notice: an answer, a withdrawal."""
        p = self._p
        if not p.whole_life:
            return bool(p.pending)
        return any(
            item.answer is not None or item.kind == contracts.KIND_WITHDRAWAL_REQUESTED
            for item in p.pending
        )
