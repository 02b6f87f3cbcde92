"""What a reminder says: what is late, where, and what to do next. Pure; never any content.

A mailbox is outside: no URL, handle or text of what was referred, only ids and the platform.
"""

from __future__ import annotations

from typing import Final
from uuid import UUID

from services.kernel.ids import notice_id
from workflows.contracts import RemindRequest

# By the deadline's name (docs/lifecycle.md): what is late, and what to do about it.
_WORDS: Final[dict[str, tuple[str, str]]] = {
    "acknowledgement": (
        "The platform has not confirmed that it has the notice.",
        "Make sure that the platform has received it. A further notice is sent meanwhile.",
    ),
    "decision": (
        "The platform has the notice and has not said what it decided.",
        "Ask the platform for its decision. A further notice is sent meanwhile.",
    ),
    "removal": (
        "The content can still be seen although its removal is due.",
        "Ask the platform when it will be gone. A further notice is sent meanwhile.",
    ),
    "contradiction": (
        "The platform says that the content is removed, and it can still be seen.",
        "Tell the platform that its removal did not take effect and ask it to check.",
    ),
    "review": (
        "A person must decide whether this is referred, and nobody has.",
        "Open the work list and decide; nothing is sent until then.",
    ),
    "clarification": (
        "The platform has asked a question that is not answered yet.",
        "Read the question on the referral and answer it; the platform waits for it.",
    ),
    "reversal": (
        "The platform has put the content back.",
        "Decide whether to submit it again with more grounds. The referral is closed.",
    ),
    "request": (
        "An operator has escalated this referral.",
        "Look at the referral and speak to the operators.",
    ),
}
_OTHERWISE: Final = ("A deadline has passed.", "Look at the referral and decide what to do.")


def subject(request: RemindRequest) -> str:
    """One line of at most 150 characters."""
    test = "[TEST] " if request.test else ""
    urgency = "" if request.urgency == "ROUTINE" else f"{_plain(request.urgency)}, "
    return f"{test}Takedown: {urgency}{request.platform}, {_what(request)}: {request.referral_id}"


def body(request: RemindRequest) -> str:
    """Lines of plain text, ending in a line break."""
    late, next_step = _WORDS.get(request.deadline, _OTHERWISE)
    lines = [
        late,
        "",
        f"Referral:  {request.referral_id}",
        f"Platform:  {request.platform}",
        *_notice(request),
        f"State:     {_plain(request.state)}",
        f"Urgency:   {_plain(request.urgency)}",
        "",
        f"What to do next: {next_step}",
    ]
    if request.test:
        lines += ["", "This is a test referral; nothing real is late."]
    lines += ["", "This message was sent automatically and names no content."]
    return "\n".join(lines) + "\n"


def _notice(request: RemindRequest) -> list[str]:
    if request.notice_number == 0:
        return []
    named = notice_id(UUID(request.referral_id), request.notice_number)
    return [f"Notice:    {named} (number {request.notice_number})"]


def _what(request: RemindRequest) -> str:
    if request.deadline in ("reversal", "request"):
        return {"reversal": "content reinstated", "request": "escalated"}[request.deadline]
    return f"{_plain(request.deadline)} late"


def _plain(name: str) -> str:
    return name.replace("_", " ").lower()
