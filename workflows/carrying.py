"""From plain data, as a run hands it on to the next, back to what it was. Pure."""

from __future__ import annotations

from typing import Any

from workflows.contracts import Command, Delivery, PlatformAnswer, PlatformPolicy


def policy(item: dict[str, Any]) -> PlatformPolicy:
    """The policy that was in force."""
    return PlatformPolicy(**{**item, "observation_cadence": tuple(item["observation_cadence"])})


def delivery(item: dict[str, Any]) -> Delivery:
    """A delivery that was still to be acted on."""
    answer = item.get("answer")
    command = item.get("command")
    if answer:
        answer = PlatformAnswer(**{**answer, "countries": tuple(answer.get("countries", ()))})
    return Delivery(
        item_id=item["item_id"],
        kind=item["kind"],
        answer=answer or None,
        command=Command(**command) if command else None,
    )
