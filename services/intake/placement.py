"""Which referral a submission creates or joins, and what it adds to it. Plain Python."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from services.intake.answers import answer_to
from services.intake.domain import PRIORITIES
from services.intake.submission import NewSubmission
from takedown.intake.v1 import referral_service_pb2 as pb


@dataclass(slots=True)
class Placed:
    """A submission and the referral that it created or joined."""

    item: NewSubmission
    referral_id: UUID
    disposition: str
    sequence: int
    answer: pb.SubmitReferralResponse
    raised: bool = False
    # The referral's state, which joining does not change.
    state: str = "RECEIVED"

    @property
    def more(self) -> int:
        """How many events stand behind the submission's own: of its urgency, or of its hold.

        The hold of a submission that joins is decided on afterwards.
        """
        if self.disposition == "CREATED":
            return int(self.item.hold is not None)
        return int(self.raised)

    @property
    def inbox_kind(self) -> str:
        if self.disposition == "CREATED":
            return "referral.accepted"
        return "urgency.raised" if self.raised else ""


def place(
    by_key: Mapping[str, Sequence[NewSubmission]],
    created: frozenset[UUID],
    existing: Mapping[str, Mapping[str, Any]],
) -> list[Placed]:
    """Give each submission its referral and the sequence of its event.

    ``by_key`` holds the submissions by identity key, in the order of their arrival; ``created``
    the ids of the referrals just made; ``existing`` the open referrals of all other keys.
    """
    placed: list[Placed] = []
    for key, items in by_key.items():
        first = items[0]
        fresh = first.referral_id in created
        row = None if fresh else existing[key]
        sequence = 0 if row is None else int(row["last_sequence"])
        priority = PRIORITIES[first.urgency] if row is None else int(row["priority"])
        referral_id = first.referral_id if row is None else row["referral_id"]
        for number, item in enumerate(items):
            sequence += 1
            creates = fresh and number == 0
            raised = not creates and PRIORITIES[item.urgency] < priority
            priority = min(priority, PRIORITIES[item.urgency])
            disposition = "CREATED" if creates else "JOINED"
            answer = answer_to(item, referral_id, disposition, first if row is None else row)
            state = "RECEIVED" if row is None else str(row["state"])
            placed.append(Placed(item, referral_id, disposition, sequence, answer, raised, state))
            sequence += placed[-1].more
    return placed
