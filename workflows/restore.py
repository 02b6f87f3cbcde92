"""A lost workflow's progress, from the record alone. Pure.

The events on record are what the workflow did and what people asked of it. ``fold`` goes
through them as the workflow did; ``settle`` then takes the cautious way wherever the record
cannot tell: look again, never send what may have been sent under a new number, keep every hold,
give whoever may have answered meanwhile a moment before anything is concluded from silence.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final

from services.kernel.ids import platform_event_item
from workflows import folding
from workflows.commands import Waiting
from workflows.contracts import (
    KIND_PLATFORM_EVENT,
    KIND_REVIEW_DECIDED,
    Delivery,
    PlatformAnswer,
    PlatformPolicy,
)
from workflows.contracts import StartReferral as Start
from workflows.lifecycle import State
from workflows.progress import Progress, stamp

# The relay hands out what found no workflow at most 30 s later: until then silence says nothing.
MOMENT: Final = timedelta(seconds=45)


class NotRestorableError(ValueError):
    """The record does not show enough to go on safely; the message says what is missing."""

    CLOSED: Final = "the referral is closed"


@dataclass(frozen=True, slots=True)
class Recorded:
    """One event on record. ``detail`` is protobuf JSON; ``state`` the state after the event.

    ``occurred_at`` is by the clock of whoever reports it, a platform perhaps; ``recorded_at``
    by ours.
    """

    key: str
    type: str
    state: str
    occurred_at: datetime
    recorded_at: datetime
    detail: dict[str, Any] = field(default_factory=dict)


def restore(
    start: Start,
    events: Sequence[Recorded],
    policy: PlatformPolicy | None,
    now: datetime,
    answers: Sequence[PlatformAnswer] = (),
) -> Progress:
    """The progress with which a lost workflow goes on: ``StartReferral.carried``.

    Args:
        start: as the referral was first started; ``kind`` as the record has it now.
        events: all of them, in their order.
        policy: what the platform's adapter describes; None when it cannot be asked.
        answers: what the adapter knows of the platform's answers; those that are not on
            record are delivered again.

    Raises:
        NotRestorableError: closed already, no keys on record, or a notice is out and the
            policy is not known: deadlines of another profile could come too early.
    """
    if not events or any(not event.key for event in events):
        raise NotRestorableError("the record gave no events, or events without their keys")
    progress = fold(start, events, policy)
    if progress.state is State.CLOSED:
        raise NotRestorableError(NotRestorableError.CLOSED)
    if progress.notified and policy is None:
        raise NotRestorableError("the platform's policy is not known")
    _deliver_again(progress, answers)
    settle(progress, now)
    return progress


def fold(start: Start, events: Sequence[Recorded], policy: PlatformPolicy | None) -> Progress:
    """Go through the events as the workflow did."""
    progress = Progress.begin(start)
    # Every hold comes from the record, the submission's too.
    progress.hold_until = progress.hold_reason = ""
    if policy is not None:
        progress.policy = policy
    waiting = Waiting()
    for event in events:
        before = progress.state
        if number := folding.number_of(event.key):
            progress.recorded = max(progress.recorded, number)
            waiting.answered(event.type, event.detail)
        _remember_item(progress, event)
        waiting.asked(event.key, event.type, event.detail)
        if event.state:
            progress.state = State(event.state)
        folding.take(progress, event.type, before, event.detail, event.occurred_at,
                     event.recorded_at)  # fmt: skip
    _obey_again(progress, waiting)
    return progress


def settle(progress: Progress, now: datetime) -> None:
    """What the record cannot tell is begun anew, and nothing is concluded from silence at once."""
    p = progress
    # Looks that found nothing left no event: a series of a number that was used would give
    # an earlier look's finding for a new one. Looks are further apart than a millisecond.
    p.series = int(now.timestamp() * 1000)
    p.looked_first = p.notified
    for name in _NEEDED.get(p.state, ()):
        if not getattr(p, name):
            setattr(p, name, stamp(now))
    if p.state is State.ON_HOLD and not p.hold_until:
        raise NotRestorableError("on hold, and no hold is on record")
    if p.waiting_since and p.state in _ANSWERING:
        _leave_a_moment(p, "waiting_since", lambda _: p.answer_time_left(now))
    if p.state is State.CONTRADICTED:
        patience = p.clockwork.contradiction_patience()
        _leave_a_moment(p, "contradicted_at", lambda begun: begun + patience - now)
    if p.state is State.MONITORING:
        # One more look before it is called removed: nobody looked while the workflow was lost.
        window = p.clockwork.monitoring_window()
        _leave_a_moment(p, "monitoring_since", lambda begun: begun + window - now)


_ANSWERING: Final = (
    State.AWAITING_ACKNOWLEDGEMENT,
    State.AWAITING_DECISION,
    State.VERIFYING_REMOVAL,
)
# The clocks without which a state would wait for ever.
_NEEDED: Final[dict[State, tuple[str, ...]]] = {
    State.IN_REVIEW: ("review_since", "late_since"),
    State.ON_HOLD: ("held_since",),
    State.AWAITING_ACKNOWLEDGEMENT: ("delivered_at", "waiting_since", "loop_since"),
    State.AWAITING_DECISION: ("delivered_at", "waiting_since", "loop_since"),
    State.CLARIFICATION_REQUESTED: (
        "delivered_at",
        "loop_since",
        "clarification_since",
        "late_since",
    ),
    State.VERIFYING_REMOVAL: ("delivered_at", "waiting_since", "loop_since", "verifying_since"),
    State.CONTRADICTED: ("delivered_at", "waiting_since", "loop_since", "contradicted_at"),
    State.MONITORING: ("monitoring_since",),
}


def _leave_a_moment(progress: Progress, clock: str, left: Callable[[datetime], timedelta]) -> None:
    """Move a clock of the progress, which runs, so that at least a moment is ``left`` by it.

    Half the time to a departure ends only half as much later as the platform's clock is moved: of
    what is still missing then, the clock is moved by twice as much.
    """
    times = 1
    begun = datetime.fromisoformat(getattr(progress, clock))
    while (missing := MOMENT - left(begun)) > timedelta():
        begun += times * missing
        setattr(progress, clock, stamp(begun))
        times = 2


def _remember_item(progress: Progress, event: Recorded) -> None:
    """The inbox item that led to this event: when it comes again, it is a repetition."""
    item = folding.item_of(event.key)
    spoken = event.detail.get("platformEvent", event.detail)
    if spoken.get("eventId"):
        item = platform_event_item(progress.platform, str(spoken["eventId"]))
    if item and item not in progress.seen:
        progress.seen.append(item)


def _obey_again(progress: Progress, waiting: Waiting) -> None:
    """What people asked for and the lost workflow did not answer is still to be done."""
    held = progress.state is State.ON_HOLD and progress.held_from == State.IN_REVIEW
    under_review = held or progress.state is State.IN_REVIEW
    for delivery in waiting.deliveries():
        decided = delivery.command
        if delivery.kind == KIND_REVIEW_DECIDED and under_review and decided is not None:
            progress.decided_on_hold = decided.value
            continue
        progress.pending.append(delivery)
        if delivery.item_id not in progress.seen:
            progress.seen.append(delivery.item_id)


def _deliver_again(progress: Progress, answers: Sequence[PlatformAnswer]) -> None:
    """Answers that the lost workflow had taken and not put on record."""
    for answer in answers:
        item = platform_event_item(progress.platform, answer.event_id)
        if item not in progress.seen:
            progress.seen.append(item)
            progress.pending.append(Delivery(item, KIND_PLATFORM_EVENT, answer=answer))
