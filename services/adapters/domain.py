"""What a notice says and what an answer means. Plain Python.

The notice is written once, as bytes; those bytes are stored and only they are ever sent.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final
from uuid import UUID

from services.adapters.profiles.table import Profile
from services.kernel.errors import (
    DomainError,
    ErrorKind,
    FieldViolation,
    failed_precondition,
)
from services.kernel.ids import notice_id

MEDIA_TYPE: Final = "application/json"
# Always said, so that nobody takes it for an order (domain.md, Grounds).
VOLUNTARY: Final = (
    "This is a referral for voluntary review under your own terms. You decide."
    " It is not a removal order."
)
LEGAL_GROUNDS: Final = {
    "BSAIA_2025_S17": "Border Security, Asylum and Immigration Act 2025, section 17",
    "IMMIGRATION_ACT_1971_S25": "Immigration Act 1971, section 25",
    "OTHER": "Other law",
}


@dataclass(frozen=True)
class NoticeFacts:
    """What goes into a notice. Enumerations are names without their prefix."""

    notice_id: UUID
    referral_id: UUID
    number: int
    platform: str
    url: str
    canonical_url: str
    kind: str
    content_id: str
    account: str
    terms_ground: str
    legal_grounds: tuple[str, ...]
    countries: tuple[str, ...]
    urgency: str
    departure_time: datetime | None
    referrers: tuple[str, ...]
    reason: str
    test: bool
    prepared_at: datetime


def admit(facts: NoticeFacts, profile: Profile, *, sandbox: bool) -> None:
    """Refuse a notice that must never go out.

    Raises:
        DomainError: INVALID when it was never meant for this adapter; FAILED_PRECONDITION
            with the sentence that becomes the outcome's.
    """
    if facts.platform != profile.platform:
        sentence = f"This adapter speaks to {profile.display_name} alone; ask the right one."
        raise DomainError(
            ErrorKind.INVALID,
            "PLATFORM_UNKNOWN",
            sentence,
            violations=(FieldViolation("content.platform", "PLATFORM_UNKNOWN", sentence),),
        )
    if facts.notice_id != notice_id(facts.referral_id, facts.number):
        raise DomainError(
            ErrorKind.INVALID,
            "NOTICE_CONFLICT",
            "The notice_id is not that of this referral and number; derive it as agreed.",
        )
    if facts.test != sandbox:
        where = "a sandbox" if sandbox else "the real platform"
        what = "a test" if facts.test else "a real notice"
        raise failed_precondition("SANDBOX_MISMATCH", f"{what} may not be sent to {where}.")
    if facts.kind not in profile.kinds:
        kind = facts.kind.lower().replace("_", " ")
        raise failed_precondition(
            "NOTICE_REFUSED_BY_PLATFORM",
            f"{profile.display_name} takes no notices about a {kind}.",
        )


def compose(facts: NoticeFacts, profile: Profile) -> bytes:
    """The exact bytes of the notice: JSON with sorted keys, in UTF-8."""
    body: dict[str, Any] = {
        "notice_id": str(facts.notice_id),
        "referral_id": str(facts.referral_id),
        "number": facts.number,
        "platform": profile.platform,
        "content": {
            "url": facts.canonical_url or facts.url,
            "submitted_url": facts.url,
            "kind": facts.kind.lower(),
            "content_id": facts.content_id,
            "account": facts.account,
        },
        "terms_ground": {
            "code": facts.terms_ground,
            "rule": profile.terms.get(facts.terms_ground, profile.terms["OTHER"]),
        },
        "legal_grounds": [
            {"code": code, "law": LEGAL_GROUNDS.get(code, LEGAL_GROUNDS["OTHER"])}
            for code in facts.legal_grounds
        ],
        "territorial_scope": list(facts.countries) or "worldwide",
        "urgency": facts.urgency.lower(),
        "departure_time": _time(facts.departure_time),
        "referred_by": list(facts.referrers),
        "reason": facts.reason,
        "statement": VOLUNTARY,
        "test": facts.test,
        "prepared_at": _time(facts.prepared_at),
        "profile_version": profile.version,
    }
    text = json.dumps(body, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    return text.encode("utf-8")


def compose_answer(clarification_id: str, answer: str) -> bytes:
    """The exact bytes of an answer to a platform's question: JSON with sorted keys, in UTF-8."""
    body = {"clarification_id": clarification_id, "answer": answer}
    text = json.dumps(body, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    return text.encode("utf-8")


def same_content(body: bytes, facts: NoticeFacts) -> bool:
    """Whether stored bytes are about the content of ``facts``. The rest may have grown since:
    another referrer may have joined, and what was stored first is what is sent."""
    content = json.loads(body)["content"]
    if facts.content_id or content["content_id"]:
        named = (content["kind"], content["content_id"])
        return bool(named == (facts.kind.lower(), facts.content_id))
    return bool((content["kind"], content["account"]) == (facts.kind.lower(), facts.account))


def _time(moment: datetime | None) -> str | None:
    return moment.astimezone(UTC).isoformat() if moment is not None else None
