"""Answers on the wire, as docs/adapter-guide.md describes them. Pure."""

from __future__ import annotations

import time
import uuid
from typing import Final

from tests.simulators.ledger import Effect, event_id
from tests.simulators.script import Due, Step

_TYPES: Final = {
    "acknowledge": "acknowledgement",
    "stray": "acknowledgement",
    "claim": "removal_claim",
    "ask": "clarification_request",
    "reverse": "reversal",
}
_DECLINED: Final = "We looked at it under our Community Guidelines."


def answer(effect: Effect, due: Due) -> dict[str, object]:
    """One answer as a platform says it."""
    found: dict[str, object] = {
        "event_id": event_id(effect.notice_id, due.says),
        "notice_id": effect.notice_id,
        "platform_reference": reference(effect),
        "occurred_at": _moment(due.at),
        "type": _TYPES.get(due.step.do, "decision"),
    }
    if due.step.do == "stray":
        del found["platform_reference"]
        found["notice_id"] = str(uuid.uuid5(uuid.NAMESPACE_OID, str(found["event_id"])))
    elif due.step.do == "ask":
        found["message"] = due.step.value
    elif due.step.do == "decline":
        found["message"] = _DECLINED
    if found["type"] == "decision":
        found["decision"] = _decision(due.step)
    return found


def _decision(step: Step) -> dict[str, object]:
    if step.do == "decline":
        return {"kind": "decline", "decline_reason": step.value}
    if step.do == "restrict":
        countries = step.value.split(",")
        return {"kind": "restrict", "visibility": "disabled", "countries": countries}
    removed: dict[str, object] = {"kind": "remove", "visibility": "removed"}
    return removed | ({"account_action": "suspended"} if step.do == "suspend" else {})


def _moment(at: float) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(at)) + f"{at % 1:.6f}"[1:] + "Z"


def reference(effect: Effect) -> str:
    return f"{effect.platform.upper()}-{effect.notice_id[:13]}"


def key_of(content: dict[str, str]) -> str:
    """The script's name of what a notice is about."""
    return (content["content_id"] or content["account"]).lower()
