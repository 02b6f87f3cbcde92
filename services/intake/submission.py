"""One submission, checked and made ready to store: everything before the database.

Plain Python. The URL becomes a content identity here; what protovalidate cannot say (hashes,
times, hidden characters) is refused here, each with field, reason and remedy.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final, NamedTuple
from uuid import UUID

from services.intake import hold_rules
from services.intake.canonical import ContentIdentity, canonicalise
from services.intake.hold_rules import HoldWish
from services.intake.url_refusals import UrlRefused
from services.kernel.errors import DomainError, ErrorKind, FieldViolation

# A departure further away than this is a typing error, not a plan.
LATEST_DEPARTURE: Final = timedelta(days=366)


@dataclass(frozen=True, slots=True)
class Evidence:
    evidence_id: UUID
    file_name: str
    media_type: str
    sha256: str
    content: bytes


class NewSubmission(NamedTuple):
    """A checked submission with the ids that it will have if it creates a referral.

    A tuple: a thousand of them are made for one call.
    """

    submission_id: UUID
    referral_id: UUID
    referrer: str
    actor: str
    request_id: UUID
    body_sha256: bytes
    identity: ContentIdentity
    url: str
    text: str
    language: str
    urgency: str
    departure_time: datetime | None
    campaign_id: str
    test: bool
    detail: dict[str, Any]
    received_at: datetime
    traceparent: str = ""
    trace_id: str = ""
    evidence: tuple[Evidence, ...] = ()
    # Nothing goes to the platform before it ends.
    hold: HoldWish | None = None

    @property
    def by_operator(self) -> bool:
        return self.referrer.startswith("operator:")

    @property
    def identity_key(self) -> str:
        """A test never joins a real referral of the same content."""
        return f"test/{self.identity.key}" if self.test else self.identity.key


def identify(url: str, served: frozenset[str]) -> ContentIdentity:
    """The content that a URL names, on a platform that is served here (empty: all are).

    Raises:
        DomainError: INVALID on field ``content.url`` with the canonicaliser's reason.
    """
    try:
        identity = canonicalise(url)
    except UrlRefused as refused:
        raise _invalid([FieldViolation("content.url", str(refused.reason), refused.message)]) from (
            refused
        )
    if served and identity.platform not in served:
        sentence = f"There is no channel to {identity.platform} here yet; refer it by hand."
        raise _invalid([FieldViolation("content.url", "PLATFORM_NOT_SERVED", sentence)])
    return identity


def check(
    *,
    texts: dict[str, str],
    urgency: str,
    departure_time: datetime | None,
    evidence: tuple[Evidence, ...],
    test: bool,
    accept_real: bool,
    now: datetime,
    hold: HoldWish | None = None,
) -> None:
    """Refuse what the message's own rules cannot see, naming every field at once.

    Raises:
        DomainError: INVALID with one violation per field.
    """
    violations = _unstorable(texts)
    violations += _departure(urgency, departure_time, now)
    if hold is not None:
        violations += hold_rules.violations(hold, now, "hold.")
    for number, item in enumerate(evidence):
        if hashlib.sha256(item.content).hexdigest() != item.sha256:
            violations.append(
                FieldViolation(
                    f"evidence[{number}].sha256",
                    "DIGEST_MISMATCH",
                    "The SHA-256 given is not that of the bytes; compute it again and resend.",
                )
            )
    if not test and not accept_real:
        violations.append(
            FieldViolation(
                "test",
                "SANDBOX_ONLY",
                "This installation reaches sandboxes only; set test, or submit to the live one.",
            )
        )
    if violations:
        raise _invalid(violations)


def request_id_reused() -> DomainError:
    """ALREADY_EXISTS: one request_id, two different bodies."""
    sentence = "This request_id was used for a different request; make a new one and try again."
    return DomainError(
        kind=ErrorKind.ALREADY_EXISTS,
        reason="REQUEST_ID_REUSED",
        message=sentence,
        violations=(FieldViolation("request_id", "REQUEST_ID_REUSED", sentence),),
    )


def refuse_unstorable(texts: dict[str, str]) -> None:
    """Refuse texts that no database takes.

    Raises:
        DomainError: INVALID on each field that holds a NUL character.
    """
    violations = _unstorable(texts)
    if violations:
        raise _invalid(violations)


def _unstorable(texts: dict[str, str]) -> list[FieldViolation]:
    return [
        FieldViolation(
            name, "CONTROL_CHARACTERS", f"{name} holds a NUL character; remove it and try again."
        )
        for name, text in texts.items()
        if "\x00" in text
    ]


def check_departure(departure_time: datetime, now: datetime) -> None:
    """Raises DomainError INVALID for a departure that is past or over a year away."""
    violations = _departure("IMMINENT_DEPARTURE", departure_time, now)
    if violations:
        raise _invalid(violations)


def _departure(
    urgency: str, departure_time: datetime | None, now: datetime
) -> list[FieldViolation]:
    if urgency == "IMMINENT_DEPARTURE" and departure_time is None:
        sentence = "An imminent departure needs its time; give departure_time or use URGENT."
        return [FieldViolation("departure_time", "REQUIRED", sentence)]
    if departure_time is None:
        return []
    if departure_time <= now:
        sentence = "The departure time is in the past; give a future time or leave it out."
        return [FieldViolation("departure_time", "IN_THE_PAST", sentence)]
    if departure_time - now > LATEST_DEPARTURE:
        sentence = "The departure time is more than a year away; check the year."
        return [FieldViolation("departure_time", "TOO_FAR_AHEAD", sentence)]
    return []


def _invalid(violations: list[FieldViolation]) -> DomainError:
    return DomainError(
        kind=ErrorKind.INVALID,
        reason="INVALID_FIELD",
        message=" ".join(violation.message for violation in violations),
        violations=tuple(violations),
    )
