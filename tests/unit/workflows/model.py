"""What a reader of the record expects of any life: a model that knows nothing of the workflow."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

BEFORE = ("RECEIVED", "IN_REVIEW", "NOTIFYING")
WAITING = ("NOTIFYING", "AWAITING_ACKNOWLEDGEMENT", "AWAITING_DECISION", "CLARIFICATION_REQUESTED")
CLAIMED = ("VERIFYING_REMOVAL", "CONTRADICTED")
# Event type: the states in which it may come, and the state after it ("" for the same).
MOVES: Mapping[str, tuple[tuple[str, ...], str]] = {
    "REVIEW_REQUESTED": (("RECEIVED",), "IN_REVIEW"),
    "DISPATCH_APPROVED": (("RECEIVED", "IN_REVIEW"), "NOTIFYING"),
    "HOLD_PLACED": (BEFORE, "ON_HOLD"),
    "HOLD_RENEWED": (("ON_HOLD",), ""),
    "NOTICE_PREPARED": (("NOTIFYING",), ""),
    "NOTICE_DELIVERED": (("NOTIFYING",), "AWAITING_ACKNOWLEDGEMENT"),
    "ACKNOWLEDGED": (WAITING[:2], "AWAITING_DECISION"),
    "CLARIFICATION_REQUESTED": (WAITING, "CLARIFICATION_REQUESTED"),
    "CLARIFICATION_DELIVERED": (("CLARIFICATION_REQUESTED",), "AWAITING_DECISION"),
    "CONTRADICTED": (("VERIFYING_REMOVAL",), "CONTRADICTED"),
    "REMOVAL_CONFIRMED": (("VERIFYING_REMOVAL",), "MONITORING"),
    "REAPPEARED": (("MONITORING",), "NOTIFYING"),
}
ENDS = {
    "REMOVED": ("MONITORING",), "REJECTED": ("IN_REVIEW",), "GONE_BEFORE_NOTICE": ("NOTIFYING",),
    "NO_RESPONSE": (*WAITING[1:3], *CLAIMED), "RESTRICTED": (*WAITING, *CLAIMED),
    "DECLINED": (*WAITING, *CLAIMED, "MONITORING"), "UNDELIVERABLE": ("RECEIVED", "NOTIFYING"),
}  # fmt: skip


class Model:
    """``see`` every event in order; AssertionError where the record says what cannot be."""

    def __init__(self) -> None:
        self.state, self.held_from, self.outcome = "RECEIVED", "", ""
        self.notices, self.gone, self.claimed, self.seen = 0, 0, False, 0
        self.decided = False

    def see(self, kind: str, after: str, detail: Mapping[str, Any]) -> None:
        before, self.state = self.state, after
        self.seen += 1
        assert before != "CLOSED" or after == "CLOSED", (kind, after)
        if kind in MOVES:
            allowed, then = MOVES[kind]
            assert before in allowed, (kind, before)
            assert after == (then or before), (kind, before, after)
        elif kind == "CLOSED":
            self.outcome = detail["outcome"].removeprefix("OUTCOME_")
            assert self.outcome == "WITHDRAWN" or before in ENDS[self.outcome], (before, detail)
        elif kind in ("REMOVAL_CLAIMED", "DECIDED"):
            assert after in (before, "VERIFYING_REMOVAL"), (kind, before, after)
        elif kind == "OBSERVED":
            moved = after == before or (before, after) == ("VERIFYING_REMOVAL", "AWAITING_DECISION")
            assert moved or after == "VERIFYING_REMOVAL", (kind, before, after)
        elif kind == "HOLD_ENDED":
            assert before == "ON_HOLD"
            assert after in (self.held_from, "ON_HOLD"), (before, after)
        elif kind == "DEADLINE_PASSED":
            assert after == ("NOTIFYING" if detail["nextStep"] == "renotice" else before), detail
        else:
            assert after == before, (kind, before, after)
        self._count(kind, before, detail)

    def _count(self, kind: str, before: str, detail: Mapping[str, Any]) -> None:
        if kind == "HOLD_PLACED":
            assert self.notices == 0, "a hold after a notice"
            self.held_from = before
        if kind == "NOTICE_PREPARED":
            self.notices += 1
            assert detail["number"] == self.notices
            self.claimed = self.decided = False
        self.claimed |= kind == "REMOVAL_CLAIMED"
        self.decided |= kind == "DECIDED"
        if kind == "OBSERVED":
            self.gone = self.gone + 1 if detail.get("countsAsGone") else 0
        if kind == "CONTRADICTED":
            assert self.claimed, "contradicted without a claim"
            assert self.gone == 0, "contradicted though seen gone"
        if kind == "REMOVAL_CONFIRMED":
            rests_on_claim = detail["removalBasis"].endswith("CLAIM_AND_OBSERVATION")
            assert self.gone >= 2, "confirmed without a quorum"
            assert not rests_on_claim or self.claimed or self.decided, "a claim nobody made"
