"""The life of a referral as a pure table: (state, event) -> state.

This is the only place where a transition is legal or not. The states are those of
``docs/lifecycle.md``.
"""

from __future__ import annotations

from enum import StrEnum


class State(StrEnum):
    """Where a referral stands; the names are those of the protobuf enum without its prefix."""

    RECEIVED = "RECEIVED"
    IN_REVIEW = "IN_REVIEW"
    ON_HOLD = "ON_HOLD"
    NOTIFYING = "NOTIFYING"
    AWAITING_ACKNOWLEDGEMENT = "AWAITING_ACKNOWLEDGEMENT"
    AWAITING_DECISION = "AWAITING_DECISION"
    CLARIFICATION_REQUESTED = "CLARIFICATION_REQUESTED"
    VERIFYING_REMOVAL = "VERIFYING_REMOVAL"
    CONTRADICTED = "CONTRADICTED"
    MONITORING = "MONITORING"
    CLOSED = "CLOSED"


class Event(StrEnum):
    """What can move a referral. Events that only record something move nothing."""

    REVIEW_NEEDED = "REVIEW_NEEDED"
    DISPATCH_APPROVED = "DISPATCH_APPROVED"
    REJECTED = "REJECTED"
    HOLD_PLACED = "HOLD_PLACED"
    HOLD_ENDED = "HOLD_ENDED"
    GONE_BEFORE_NOTICE = "GONE_BEFORE_NOTICE"
    DUPLICATE_FOUND = "DUPLICATE_FOUND"
    DELIVERED = "DELIVERED"
    UNDELIVERABLE = "UNDELIVERABLE"
    ACKNOWLEDGED = "ACKNOWLEDGED"
    CLARIFICATION_ASKED = "CLARIFICATION_ASKED"
    CLARIFICATION_ANSWERED = "CLARIFICATION_ANSWERED"
    REMOVAL_DECIDED = "REMOVAL_DECIDED"
    RESTRICTED = "RESTRICTED"
    DECLINED = "DECLINED"
    REMOVAL_CLAIMED = "REMOVAL_CLAIMED"
    SEEN_GONE = "SEEN_GONE"
    SEEN_AGAIN = "SEEN_AGAIN"
    CONTRADICTED = "CONTRADICTED"
    CONFIRMED = "CONFIRMED"
    REAPPEARED = "REAPPEARED"
    RENOTICE_DUE = "RENOTICE_DUE"
    LADDER_EXHAUSTED = "LADDER_EXHAUSTED"
    WITHDRAWN = "WITHDRAWN"
    MONITORING_OVER = "MONITORING_OVER"
    REVERSED = "REVERSED"


class IllegalTransitionError(ValueError):
    """An event that is impossible in this state: to be recorded as such, changing nothing."""

    def __init__(self, state: State, event: Event) -> None:
        super().__init__(f"{event} is impossible in {state}")
        self.state = state
        self.event = event


S, E = State, Event

_ANSWERS = {
    E.ACKNOWLEDGED: S.AWAITING_DECISION,
    E.CLARIFICATION_ASKED: S.CLARIFICATION_REQUESTED,
    E.REMOVAL_DECIDED: S.VERIFYING_REMOVAL,
    E.REMOVAL_CLAIMED: S.VERIFYING_REMOVAL,
    E.RESTRICTED: S.CLOSED,
    E.DECLINED: S.CLOSED,
}
_LADDER = {E.RENOTICE_DUE: S.NOTIFYING, E.LADDER_EXHAUSTED: S.CLOSED}
# The platform puts back what it had removed: its decision stands, and this referral is over.
_REVERSAL = {E.REVERSED: S.CLOSED}
_WITHDRAWAL = {E.WITHDRAWN: S.CLOSED}

TABLE: dict[State, dict[Event, State]] = {
    S.RECEIVED: {
        E.REVIEW_NEEDED: S.IN_REVIEW,
        E.DISPATCH_APPROVED: S.NOTIFYING,
        E.HOLD_PLACED: S.ON_HOLD,
        # A short link is followed before anything is decided about what it leads to.
        E.DUPLICATE_FOUND: S.CLOSED,
        E.UNDELIVERABLE: S.CLOSED,
        **_WITHDRAWAL,
    },
    S.IN_REVIEW: {
        E.DISPATCH_APPROVED: S.NOTIFYING,
        E.REJECTED: S.CLOSED,
        E.HOLD_PLACED: S.ON_HOLD,
        **_WITHDRAWAL,
    },
    # Where a hold ends is the state it began in, which the caller passes to `resume`.
    S.ON_HOLD: {**_WITHDRAWAL},
    S.NOTIFYING: {
        E.DELIVERED: S.AWAITING_ACKNOWLEDGEMENT,
        E.UNDELIVERABLE: S.CLOSED,
        E.GONE_BEFORE_NOTICE: S.CLOSED,
        E.DUPLICATE_FOUND: S.CLOSED,
        E.HOLD_PLACED: S.ON_HOLD,
        E.SEEN_GONE: S.VERIFYING_REMOVAL,
        # Answers may overtake the record of our own sending.
        **_ANSWERS,
        **_WITHDRAWAL,
    },
    S.AWAITING_ACKNOWLEDGEMENT: {
        **_ANSWERS,
        **_LADDER,
        E.SEEN_GONE: S.VERIFYING_REMOVAL,
        **_WITHDRAWAL,
    },
    S.AWAITING_DECISION: {
        **{event: state for event, state in _ANSWERS.items() if event is not E.ACKNOWLEDGED},
        **_LADDER,
        E.SEEN_GONE: S.VERIFYING_REMOVAL,
        **_WITHDRAWAL,
    },
    S.CLARIFICATION_REQUESTED: {
        E.CLARIFICATION_ANSWERED: S.AWAITING_DECISION,
        E.REMOVAL_DECIDED: S.VERIFYING_REMOVAL,
        E.REMOVAL_CLAIMED: S.VERIFYING_REMOVAL,
        E.RESTRICTED: S.CLOSED,
        E.DECLINED: S.CLOSED,
        E.SEEN_GONE: S.VERIFYING_REMOVAL,
        **_LADDER,
        **_WITHDRAWAL,
    },
    S.VERIFYING_REMOVAL: {
        E.CONFIRMED: S.MONITORING,
        E.SEEN_AGAIN: S.AWAITING_DECISION,
        E.CONTRADICTED: S.CONTRADICTED,
        E.RESTRICTED: S.CLOSED,
        E.DECLINED: S.CLOSED,
        **_REVERSAL,
        **_LADDER,
        **_WITHDRAWAL,
    },
    S.CONTRADICTED: {
        E.SEEN_GONE: S.VERIFYING_REMOVAL,
        # The platform says so again: it is looked at again.
        E.REMOVAL_CLAIMED: S.VERIFYING_REMOVAL,
        E.DECLINED: S.CLOSED,
        E.RESTRICTED: S.CLOSED,
        **_REVERSAL,
        **_LADDER,
        **_WITHDRAWAL,
    },
    S.MONITORING: {
        E.REAPPEARED: S.NOTIFYING,
        E.MONITORING_OVER: S.CLOSED,
        **_REVERSAL,
        **_WITHDRAWAL,
    },
    S.CLOSED: {},
}

HOLDABLE = frozenset(state for state, row in TABLE.items() if E.HOLD_PLACED in row)


def advance(state: State, event: Event) -> State:
    """The state after ``event``.

    Raises:
        IllegalTransitionError: the table has no such row.
    """
    try:
        return TABLE[state][event]
    except KeyError:
        raise IllegalTransitionError(state, event) from None


def resume(held_from: State) -> State:
    """The state after a hold ends: the one it began in.

    Raises:
        IllegalTransitionError: a hold cannot have begun in ``held_from``.
    """
    if held_from not in HOLDABLE:
        raise IllegalTransitionError(State.ON_HOLD, E.HOLD_ENDED)
    return held_from


def is_legal(before: State, after: State) -> bool:
    """Whether some event leads from ``before`` to ``after``: what the auditor checks."""
    if before is after:
        return before is not State.CLOSED
    if before is State.ON_HOLD and after in HOLDABLE:
        return True
    return after in TABLE[before].values()
