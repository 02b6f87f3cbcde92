"""What a simulated platform says: answers on the wire, signatures, and sends that go wrong."""

from __future__ import annotations

import asyncio
import base64
import hmac
import time
import uuid
from urllib.parse import parse_qs, urlsplit

from starlette.responses import Response

from tests.simulators.ledger import Effect, event_id
from tests.simulators.script import Behaviour, Due

_KINDS = {
    "acknowledge": "acknowledgement",
    "claim": "removal_claim",
    "ask": "clarification_request",
    "reverse": "reversal",
    "stray": "acknowledgement",
}


def signature(secret: str, message_id: str, stamp: int, body: bytes) -> str:
    """Standard Webhooks v1, written apart from the product's own so that each checks the other."""
    key = base64.b64decode(secret.removeprefix("whsec_"))
    signed = b".".join((message_id.encode(), str(stamp).encode(), body))
    return "v1," + base64.b64encode(hmac.digest(key, signed, "sha256")).decode()


def key_of(content: dict[str, str]) -> str:
    return (content["content_id"] or content["account"]).lower()


def facebook_key(url: str) -> str:
    """The id in a Facebook address, as the product's canonical form writes it."""
    parts = urlsplit(url)
    found = parse_qs(parts.query)
    for name in ("story_fbid", "fbid", "v", "id"):
        if found.get(name):
            return found[name][0].lower()
    path = [part for part in parts.path.split("/") if part]
    return path[-1].lower() if path else ""


def reference(effect: Effect) -> str:
    return f"{effect.platform.upper()}-{effect.notice_id[:13]}"


def answer(effect: Effect, due: Due) -> dict[str, object]:
    """One answer on the wire, as docs/adapter-guide.md describes it."""
    step, fraction = due.step, f"{due.at % 1:.6f}"[1:]
    found: dict[str, object] = {
        "event_id": event_id(effect.notice_id, due.place),
        "notice_id": effect.notice_id,
        "platform_reference": reference(effect),
        "occurred_at": time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(due.at)) + fraction + "Z",
        "type": _KINDS.get(step.do, "decision"),
    }
    if step.do in ("decide_remove", "suspend"):
        found["decision"] = {"kind": "remove", "visibility": "removed"} | (
            {"account_action": "suspended"} if step.do == "suspend" else {}
        )
    elif step.do == "decline":
        found["decision"] = {"kind": "decline", "decline_reason": step.value}
        found["message"] = "We looked at it under our Community Guidelines."
    elif step.do == "restrict":
        countries = step.value.split(",")
        found["decision"] = {"kind": "restrict", "visibility": "disabled", "countries": countries}
    elif step.do == "ask":
        found["message"] = step.value
    elif step.do == "stray":
        # Of no notice that anybody sent, and without a reference that would tell whose it is.
        found |= {"notice_id": str(uuid.uuid5(uuid.NAMESPACE_OID, effect.notice_id))}
        del found["platform_reference"]
    return found


def repeated(behaviour: Behaviour, effect: Effect, due: Due, now: float) -> Due:
    """The answer that a repetition repeats, word for word; any other answer as it is."""
    if due.step.do != "repeat":
        return due
    first = int(due.step.value)
    known = behaviour.answers_due(effect.number, effect.accepted, None, now)
    return next(item for item in known if item.place == first)


async def fault_response(fault: str) -> Response | None:
    """The response to a send that goes wrong; "lost_answer" is accepted and then not heard."""
    if not fault:
        return None
    if fault.startswith("429"):
        return Response(status_code=429, headers={"retry-after": fault.partition(":")[2] or "1"})
    if fault == "garbage":
        return Response(b"\x00<not json", media_type="application/json")
    if fault == "hang":
        await asyncio.sleep(20)
        return Response(status_code=504)
    if fault == "refuse":
        return Response(status_code=422)
    return Response(status_code=500)
