"""Random lives of one referral, driven through the very modules that the workflow runs.

Only what speaks to Temporal is replaced: the clock, and the calls out, whose answers the
``draw`` decides. Every event goes through its protobuf message, as it does on its way to the
record, so that the record holds what the record holds.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, Final
from unittest.mock import patch

from services.kernel.ids import platform_event_item
from takedown.referral.v1 import enums_pb2, event_pb2
from workflows import contracts, dispatch, holding, ladder, removal, steps, waits
from workflows import deliveries as deliveries_module
from workflows.activities.intake import new_event
from workflows.activities.restoring import recorded
from workflows.contracts import (
    AssessmentFacts,
    Command,
    Delivery,
    EventRecord,
    NoticeResult,
    ObservationFacts,
    ObserveResult,
    PlatformAnswer,
    PlatformPolicy,
    ResolvedLink,
    StartReferral,
)
from workflows.lifecycle import State
from workflows.progress import Progress, stamp
from workflows.restore import Recorded

BEGUN: Final = datetime(2026, 3, 27, 9, 30, tzinfo=UTC)
DECISIONS: Final = ("REMOVE", "REMOVE", "REMOVE", "REMOVE", "RESTRICT", "DECLINE")
ANSWERS: Final = (
    "ACKNOWLEDGEMENT", "REMOVAL_CLAIM", "REMOVAL_CLAIM", "DECISION", "CLARIFICATION_REQUEST",
    "REVERSAL", "RECEIPT",
)  # fmt: skip
# One of these, whichever it likes, answers every question of a life.
Draw = Callable[[str, tuple[Any, ...]], Any]


@dataclass
class Clock:
    """Stands where ``temporalio.workflow`` stands in a workflow."""

    at: datetime = BEGUN

    def now(self) -> datetime:
        return self.at

    def uuid4(self) -> uuid.UUID:
        return uuid.uuid5(uuid.NAMESPACE_OID, self.at.isoformat())


class Scripted(steps.Steps):
    """The workflow's own steps, with every call out of it answered by the draw."""

    def __init__(self, life: Life) -> None:
        with patch.object(waits, "workflow", life.clock):
            super().__init__(life.progress)
        self._life = life

    def now(self) -> datetime:
        return self._life.clock.at

    async def flush(self) -> None:
        for event in self._p.unrecorded:
            self._life.append(event)
        self._p.unrecorded.clear()

    async def _wait_at_most(
        self, what: str, until: datetime | None, pause: timedelta | None
    ) -> None:
        share = self._life.draw("how far time goes", (0.1, 0.5, 1.0))
        self._life.clock.at += (pause or timedelta(days=1)) * share
        if share < 1.0 or pause is None:
            self._life.something_comes()

    async def _remind(self, reminder: ladder.Reminder) -> None:
        if self._life.draw("somebody takes the reminder", (True, True, False)):
            self._p.reminders.remove(reminder)
            detail = {
                "level": f"ESCALATION_LEVEL_{reminder.level}",
                "deadline": reminder.deadline, "channel": "log",
            }  # fmt: skip
            now = self._life.clock.now()
            self._p.record(now, "REMINDER_SENT", detail_kind="reminder_sent", detail=detail)
        else:
            ladder.put_off(self._p, reminder, self._life.clock.now())

    async def assess(self) -> AssessmentFacts:
        await self.flush()
        key = self._p.event_key("ASSESSED")
        if self._life.draw("the classifier answers", (True, True, False)):
            self._life.append(EventRecord(key, "ASSESSED", "", stamp(self._life.clock.at)))
        decision = self._life.draw("assessment", ("REFER", "REVIEW"))
        return AssessmentFacts(0.9, "OFFER", decision, "test-1")

    async def _look(self, activity: str, request: Any, otherwise: Any) -> Any:
        self._life.clock.at += timedelta(seconds=1)
        if activity == contracts.ACTIVITY_RESOLVE_LINK:
            return self._resolve(request.event_key)
        found = self._life.draw("look", (*["AVAILABLE"] * 5, "REMOVED", "UNKNOWN", "nothing"))
        if found == "nothing":
            return otherwise
        if self._life.draw("something comes while it looks", (False, False, True)):
            self._life.something_comes()
        gone = found == "REMOVED"
        facts = self._facts(request, found)
        return ObserveResult(gone, [facts] * (request.quorum if gone else 1), {"captureId": "c"})

    def _resolve(self, key: str) -> ResolvedLink:
        if not self._life.draw("the link answers", (True, False)):
            return ResolvedLink()
        detail = {"resolvedKind": "CONTENT_KIND_VIDEO"}
        at = stamp(self._life.clock.at)
        self._life.append(
            EventRecord(key, "SHORT_LINK_RESOLVED", "", at, "", "short_link_resolved", detail)
        )
        return ResolvedLink(kind="VIDEO")

    def _facts(self, request: Any, found: str) -> ObservationFacts:
        visible = {"AVAILABLE": "YES", "REMOVED": "NO"}.get(found, "CANNOT_TELL")
        detail = {
            "observationId": request.series, "availability": f"AVAILABILITY_{found}",
            "visible": f"VISIBLE_{visible}", "countsAsGone": found == "REMOVED",
        }  # fmt: skip
        seen_at = stamp(self._life.clock.at - timedelta(seconds=1))
        gone = found == "REMOVED"
        return ObservationFacts(request.series, found, visible, gone, seen_at, detail)

    async def submit_notice(
        self, prepared: datetime, overtaken: Callable[[], bool]
    ) -> tuple[NoticeResult | None, dict[str, Any] | None]:
        self._life.sent.append(self._p.notice_id)
        self._life.clock.at += timedelta(seconds=2)
        self._life.look_back()
        if self._life.draw("an answer overtakes the sending", (False, False, True)):
            self._life.answer()
            if overtaken():
                return None, None
        detail = self.prepared_notice(prepared) | {"deliverTime": stamp(self._life.clock.at)}
        return NoticeResult(detail, self._life.policy), None

    async def _send(self, activity: str, request: Any) -> bool:
        self._life.clock.at += timedelta(seconds=1)
        return bool(self._life.draw("the platform takes it", (True, True, False)))


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
