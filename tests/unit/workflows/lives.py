"""Random lives of one referral, driven through the very modules that the workflow runs."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final
from unittest.mock import patch

from services.kernel.ids import platform_event_item
from takedown.referral.v1 import enums_pb2, event_pb2
from tests.unit.workflows.scripted import Clock, Scripted
from workflows import contracts, dispatch, holding, removal, steps, waits
from workflows import deliveries as deliveries_module
from workflows.activities.intake import new_event
from workflows.activities.restoring import recorded
from workflows.contracts import (
    Command,
    Delivery,
    EventRecord,
    PlatformAnswer,
    PlatformPolicy,
    StartReferral,
)
from workflows.lifecycle import State
from workflows.progress import Progress, stamp
from workflows.restore import Recorded

DECISIONS: Final = ("REMOVE", "REMOVE", "REMOVE", "REMOVE", "RESTRICT", "DECLINE")
ANSWERS: Final = (
    "ACKNOWLEDGEMENT", "REMOVAL_CLAIM", "REMOVAL_CLAIM", "DECISION", "CLARIFICATION_REQUEST",
    "REVERSAL", "RECEIPT",
)  # fmt: skip
# One of these, whichever it likes, answers every question of a life.
Draw = Callable[[str, tuple[Any, ...]], Any]


@dataclass
class Life:
    """One referral from its first event on; ``record`` is what a reader finds of it."""

    draw: Draw
    start: StartReferral
    # Called whenever everything is on record: where a lost workflow would be restored.
    look_back: Callable[[], None] = lambda: None
    policy: PlatformPolicy = field(default_factory=PlatformPolicy)
    clock: Clock = field(default_factory=Clock)
    record: list[Recorded] = field(default_factory=list)
    sent: list[str] = field(default_factory=list)
    _count: int = 0

    def __post_init__(self) -> None:
        self.progress = Progress.begin(self.start)
        self.progress.policy = self.policy
        self.steps = Scripted(self)
        self.holding = holding.Holding(self.progress, self.steps)
        self.deliveries = deliveries_module.Deliveries(self.progress, self.steps, self.holding)
        self.dispatch = dispatch.Dispatch(self.progress, self.steps, self.deliveries)
        self.removal = removal.Removal(self.progress, self.steps, self.deliveries)
        self.append(EventRecord("s/1", "RECEIVED", "RECEIVED", stamp(self.clock.at)))

    async def live(self, steps_at_most: int) -> None:
        """What ``ReferralWorkflow.run`` does, step by step."""
        with self._clock_stands_in():
            for _ in range(steps_at_most):
                await self.deliveries.take()
                self.dispatch.lapse()
                if self.progress.state is State.CLOSED:
                    break
                await self._step()
                await self.steps.flush()
                self.look_back()
            await self.steps.flush()

    async def _step(self) -> None:
        step = {
            State.RECEIVED: self.dispatch.assess,
            State.IN_REVIEW: self.dispatch.await_review,
            State.ON_HOLD: self.holding.hold,
            State.NOTIFYING: self.dispatch.notify,
            State.AWAITING_ACKNOWLEDGEMENT: self.removal.await_platform,
            State.AWAITING_DECISION: self.removal.await_platform,
            State.CLARIFICATION_REQUESTED: self.removal.await_clarification,
            State.VERIFYING_REMOVAL: self.removal.verify,
            State.CONTRADICTED: self.removal.contradicted,
            State.MONITORING: self.removal.monitor,
        }[self.progress.state]
        await step()

    def append(self, event: EventRecord) -> None:
        """As the record does: through the message, with the state filled in."""
        shown = event_pb2.ReferralEvent()
        shown.CopyFrom(new_event(event).event)
        shown.event_key = event.key
        shown.sequence = len(self.record) + 1
        shown.record_time.FromDatetime(self.clock.at)
        if not shown.state:
            before = self.record[-1].state
            shown.state = enums_pb2.ReferralState.Value(f"REFERRAL_STATE_{before}")
        self.record.append(recorded(shown))

    # --- what comes from outside ----------------------------------------------------------

    def something_comes(self) -> None:
        who = self.draw("who", ("platform", "platform", "person", "nobody"))
        if who == "platform":
            self.answer()
        elif who == "person":
            self.command()

    def answer(self) -> None:
        if not self.progress.notified:
            return
        self._count += 1
        kind = self.draw("answer", ANSWERS)
        decision = self.draw("decision", DECISIONS) if kind == "DECISION" else ""
        event_id = f"event-{self._count}"
        given = PlatformAnswer(
            event_id, kind, stamp(self.clock.at - timedelta(minutes=3)), self.progress.notice_id,
            decision=decision, decline_reason="OTHER" if decision == "DECLINE" else "",
        )  # fmt: skip
        item = platform_event_item(self.start.platform, event_id)
        self._deliver(Delivery(item, contracts.KIND_PLATFORM_EVENT, answer=given))

    def command(self) -> None:
        """A person asks: on record first, then on its way."""
        kind = self.draw("command", tuple(_COMMANDS))
        if kind == contracts.KIND_WITHDRAWAL_REQUESTED and not self.draw(
            "really", (False, False, False, True)
        ):
            return
        self._count += 1
        item = str(uuid.uuid5(uuid.NAMESPACE_OID, str(self._count)))
        until = stamp(self.clock.at + timedelta(days=self.draw("days", (1, 3))))
        event, detail_kind, detail, command = _COMMANDS[kind](self, until)
        at = stamp(self.clock.at)
        self.append(EventRecord(f"command/{item}", event, "", at, "op", detail_kind, detail))
        self._deliver(Delivery(item, kind, command=command))

    def _deliver(self, delivery: Delivery) -> None:
        self.progress.seen.append(delivery.item_id)
        self.progress.pending.append(delivery)

    @contextmanager
    def _clock_stands_in(self) -> Iterator[None]:
        modules = (dispatch, holding, removal, steps, waits, deliveries_module)
        patches = [patch.object(module, "workflow", self.clock) for module in modules]
        for item in patches:
            item.start()
        try:
            yield
        finally:
            for item in patches:
                item.stop()


Asked = tuple[str, str, dict[str, Any], Command]


def _hold(life: Life, until: str) -> Asked:
    detail = {"reason": "HOLD_REASON_SURVEILLANCE", "expireTime": until, "owner": "operator/x"}
    return "HOLD_REQUESTED", "hold", detail, Command("op", reason="SURVEILLANCE", until=until)


def _release(life: Life, _: str) -> Asked:
    return "HOLD_RELEASE_REQUESTED", "", {}, Command("op")


def _review(life: Life, _: str) -> Asked:
    said = life.draw("review", ("REFER", "REFER", "REJECT"))
    detail = {"decision": f"REVIEW_DECISION_{said}"}
    return "REVIEW_DECIDED", "review_decided", detail, Command("op", value=said)


def _withdraw(life: Life, _: str) -> Asked:
    return "WITHDRAWAL_REQUESTED", "submission", {"reason": "r"}, Command("referrer")


def _hurry(life: Life, until: str) -> Asked:
    departure = datetime.fromisoformat(until).isoformat()
    detail = {"urgency": "URGENCY_IMMINENT_DEPARTURE", "departureTime": until}
    command = Command("referrer", "IMMINENT_DEPARTURE", departure_time=departure)
    return "URGENCY_RAISED", "urgency_raised", detail, command


def _clarify(life: Life, _: str) -> Asked:
    subject = life.progress.clarification_id
    detail = {"clarificationId": subject, "answer": "words"}
    return (
        "CLARIFICATION_ANSWERED",
        "clarification_answered",
        detail,
        Command("op", subject=subject),
    )


def _escalate(life: Life, _: str) -> Asked:
    return "ESCALATION_REQUESTED", "escalated", {"note": "please"}, Command("op")


_COMMANDS: Final[dict[str, Callable[[Life, str], Asked]]] = {
    contracts.KIND_HOLD_PLACED: _hold,
    contracts.KIND_HOLD_RELEASED: _release,
    contracts.KIND_REVIEW_DECIDED: _review,
    contracts.KIND_WITHDRAWAL_REQUESTED: _withdraw,
    contracts.KIND_URGENCY_RAISED: _hurry,
    contracts.KIND_CLARIFICATION_ANSWERED: _clarify,
    contracts.KIND_ESCALATION_REQUESTED: _escalate,
}
