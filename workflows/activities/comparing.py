"""Whether a workflow and its record say the same. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from takedown.referral.v1 import enums_pb2, event_pb2
from workflows.delivered import short_name
from workflows.folding import number_of
from workflows.snapshot import Snapshot


def agree(events: Sequence[event_pb2.ReferralEvent], snapshot: Snapshot) -> bool:
    """Whether a workflow says of itself what its record says: state, and how much is on record."""
    state = short_name(enums_pb2.ReferralState.Name(events[-1].state), "REFERRAL_STATE_")
    if state == "RECEIVED" == snapshot.state:
        # A look that found nothing used up a key: the count says nothing yet.
        return min(known_numbers(events)) <= snapshot.events_recorded
    return state == snapshot.state and snapshot.events_recorded in known_numbers(events)


def known_numbers(events: Sequence[event_pb2.ReferralEvent]) -> set[int]:
    """The numbers that the workflow may stand at: of its newest event, and its highest.

    They differ where a task ran again in another order (docs/decisions/0017): what it recorded
    the first time keeps its numbers, and a restored workflow goes on behind all of them.
    """
    numbers = [n for event in events if (n := number_of(event.event_key))]
    return {numbers[-1], max(numbers)} if numbers else {0}
