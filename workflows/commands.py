"""What people asked for, on record, and what the workflow has answered of it. Pure.

A command is an event of intake's with an inbox item; the workflow's answer to it is an event of
its own (docs/lifecycle.md). What has no answer when a workflow is lost is delivered again.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Final

from workflows import contracts
from workflows.contracts import Command, Delivery
from workflows.folding import item_of, short

Detail = dict[str, Any]

# Which event of a person's becomes which delivery.
_ASKED: Final[dict[str, tuple[str, Callable[[Detail], Command]]]] = {
    "HOLD_REQUESTED": (
        contracts.KIND_HOLD_PLACED,
        lambda d: Command(
            "operator", reason=short(d.get("reason"), "HOLD_REASON_"), until=d.get("expireTime", "")
        ),
    ),
    "HOLD_RELEASE_REQUESTED": (contracts.KIND_HOLD_RELEASED, lambda _: Command("operator")),
    "REVIEW_DECIDED": (
        contracts.KIND_REVIEW_DECIDED,
        lambda d: Command(
            "operator",
            value=short(d.get("decision"), "REVIEW_DECISION_"),
            reason=short(d.get("reason"), "REVIEW_REASON_"),
        ),
    ),
    "WITHDRAWAL_REQUESTED": (contracts.KIND_WITHDRAWAL_REQUESTED, lambda _: Command("referrer")),
    "CLARIFICATION_ANSWERED": (
        contracts.KIND_CLARIFICATION_ANSWERED,
        lambda d: Command("operator", subject=d.get("clarificationId", "")),
    ),
    "ESCALATION_REQUESTED": (contracts.KIND_ESCALATION_REQUESTED, lambda _: Command("operator")),
}
# Which event of the workflow's answers which kind of command.
_ANSWERED: Final = {
    "HOLD_PLACED": contracts.KIND_HOLD_PLACED,
    "HOLD_RENEWED": contracts.KIND_HOLD_PLACED,
    "DISPATCH_APPROVED": contracts.KIND_REVIEW_DECIDED,
    "CLARIFICATION_DELIVERED": contracts.KIND_CLARIFICATION_ANSWERED,
}
_REFUSED: Final = {
    "hold": contracts.KIND_HOLD_PLACED,
    "release": contracts.KIND_HOLD_RELEASED,
    "review": contracts.KIND_REVIEW_DECIDED,
    "clarification": contracts.KIND_CLARIFICATION_ANSWERED,
}


@dataclass
class Waiting:
    """Commands without an answer, oldest first: they are taken in the order they came."""

    _open: list[Delivery] = field(default_factory=list)

    def asked(self, key: str, kind: str, detail: Detail) -> None:
        found = _ASKED.get(kind)
        if found is not None:
            delivered_as, read = found
            item = item_of(key) or key
            self._open.append(Delivery(item, delivered_as, command=read(detail)))

    def answered(self, kind: str, detail: Detail) -> None:
        """Take out the oldest command that this event of the workflow's answers."""
        answers = _ANSWERED.get(kind, "")
        if kind == "COMMAND_REFUSED":
            answers = _REFUSED.get(str(detail.get("command", "")), "")
        elif kind == "HOLD_ENDED" and detail.get("end") == "HOLD_END_RELEASED":
            answers = contracts.KIND_HOLD_RELEASED
        elif kind == "ESCALATED" and detail.get("deadline") == "request":
            answers = contracts.KIND_ESCALATION_REQUESTED
        found = [delivery for delivery in self._open if delivery.kind == answers]
        # Of several decisions made on hold the last one counts, and one event answers them all.
        for delivery in found if kind == "DISPATCH_APPROVED" else found[:1]:
            self._open.remove(delivery)

    def deliveries(self) -> list[Delivery]:
        return list(self._open)
