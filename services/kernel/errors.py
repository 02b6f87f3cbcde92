"""The one error table. Plain Python: domain modules raise these, the gRPC edge maps them.

A servicer raises ``DomainError`` and nothing else on purpose; ``grpc_errors`` turns it into a
``google.rpc.Status`` on the way out and back into a ``DomainError`` on the way in.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from typing import Final


class ErrorKind(StrEnum):
    """What went wrong, in the words of gRPC's status codes."""

    INVALID = "INVALID"
    NOT_FOUND = "NOT_FOUND"
    ALREADY_EXISTS = "ALREADY_EXISTS"
    FAILED_PRECONDITION = "FAILED_PRECONDITION"
    OUT_OF_RANGE = "OUT_OF_RANGE"
    PERMISSION_DENIED = "PERMISSION_DENIED"
    UNAUTHENTICATED = "UNAUTHENTICATED"
    RESOURCE_EXHAUSTED = "RESOURCE_EXHAUSTED"
    UNAVAILABLE = "UNAVAILABLE"
    DEADLINE_EXCEEDED = "DEADLINE_EXCEEDED"
    ABORTED = "ABORTED"
    UNIMPLEMENTED = "UNIMPLEMENTED"
    INTERNAL = "INTERNAL"


@dataclass(frozen=True, slots=True)
class Rule:
    """``code`` is the number of google.rpc.Code; ``retryable``: the same call may succeed later."""

    code: int
    retryable: bool


TABLE: Final[Mapping[ErrorKind, Rule]] = {
    ErrorKind.INVALID: Rule(3, retryable=False),
    ErrorKind.DEADLINE_EXCEEDED: Rule(4, retryable=True),
    ErrorKind.NOT_FOUND: Rule(5, retryable=False),
    ErrorKind.ALREADY_EXISTS: Rule(6, retryable=False),
    ErrorKind.PERMISSION_DENIED: Rule(7, retryable=False),
    ErrorKind.RESOURCE_EXHAUSTED: Rule(8, retryable=True),
    ErrorKind.FAILED_PRECONDITION: Rule(9, retryable=False),
    ErrorKind.ABORTED: Rule(10, retryable=True),
    ErrorKind.OUT_OF_RANGE: Rule(11, retryable=False),
    ErrorKind.UNIMPLEMENTED: Rule(12, retryable=False),
    ErrorKind.INTERNAL: Rule(13, retryable=False),
    ErrorKind.UNAVAILABLE: Rule(14, retryable=True),
    ErrorKind.UNAUTHENTICATED: Rule(16, retryable=False),
}

# Published: every reason that ErrorInfo may carry, with what it means. A client may switch on
# them, so they are added and never renamed. The reason of a single field is finer and stands in
# its violation: a protovalidate rule id or a word of the service that refuses.
REASONS: Final[Mapping[str, str]] = {
    "INVALID_FIELD": "a field breaks a rule; the violations name it",
    "DEADLINE_REQUIRED": "every call must carry a deadline",
    "DEADLINE_TOO_LONG": "the deadline is further away than this kind of call may take",
    "NO_IDENTITY": "the client certificate names no identity of this trust domain",
    "NOT_ALLOWED": "this identity may not call this method",
    "OTHER_PLATFORM": "an adapter acts for its own platform alone",
    "DATABASE_UNAVAILABLE": "the record cannot be reached just now; nothing was stored",
    "DEPENDENCY_UNAVAILABLE": "a service that this one calls cannot answer just now",
    "CONTENTION": "too many calls change the same thing at once",
    "DRAINING": "this process is stopping; another one answers",
    "MESSAGE_TOO_LARGE": "the message is larger than this call allows",
    "METHOD_UNKNOWN": "this server has no such method",
    "REQUEST_ID_REUSED": "one request_id was used for two different requests",
    "REFERRAL_NOT_FOUND": "no such referral, or it is not yours",
    "REFERRAL_CLOSED": "the referral is closed and keeps its outcome",
    "EVIDENCE_NOT_FOUND": "no such evidence",
    "NOTICE_NOT_FOUND": "no such notice",
    "NOTICE_CONFLICT": "the notice_id was used for a different notice",
    "CLARIFICATION_CONFLICT": "the question was answered before in other words",
    "PLATFORM_UNKNOWN": "no profile of this platform is served here",
    "SANDBOX_MISMATCH": "a test goes to a sandbox only, and nothing else goes there",
    "NOTICE_REFUSED_BY_PLATFORM": "the platform answered that it will not take this notice",
    "NOTICE_WITHDRAWN": "the notice was withdrawn; a new one needs a new number",
    "PLATFORM_BUSY": "the platform asks to be called again later",
    "PLATFORM_UNAVAILABLE": "the platform cannot be reached or answers nonsense",
    "REVIEW_NOT_OPEN": "no decision is waiting for a person on this referral",
    "REASON_DOES_NOT_FIT": "the reason code does not belong to the decision",
    "REVIEW_CLAIMED": "another reviewer is deciding this just now",
    "SECOND_REVIEWER_NEEDED": "referring this needs two people, and you were the first",
    "HOLD_TOO_LATE": "the platform may have a notice already: nothing can be held back",
    "HOLD_NOT_NEW": "a hold is renewed with a note and a reason or note that is new",
    "NOT_ON_HOLD": "no hold is in force",
    "CLARIFICATION_NOT_OPEN": "this question of the platform is not open",
    "DEPARTURE_KNOWN": "the referral is known to leave no later than that",
    "CAMPAIGN_NOT_FOUND": "no referral belongs to such a campaign",
    "CAMPAIGN_CLOSED": "every referral of the campaign is closed",
    "APPROVAL_NOT_FOUND": "no such action waits for approval",
    "APPROVAL_NOT_OPEN": "the action is approved already, or needed no approval",
    "APPROVAL_EXPIRED": "the action was not approved in time and was dropped",
    "SECOND_OPERATOR_NEEDED": "another operator must approve what you asked for",
    "RECONCILIATION_NOT_FOUND": "no such reconciliation run",
    "SIGNAL_NOT_FOUND": "the signal bank holds no such signal",
    "SUBMISSION_WITHDRAWN": "this submission was taken back before",
    "CURSOR_UNKNOWN": "the cursor or page token was not made by this service",
    "INTERNAL": "a fault of ours; quote the error id to the operators",
}


@dataclass(frozen=True, slots=True)
class FieldViolation:
    """One refused field: its path in the request, a word for machines, a sentence for people."""

    field: str
    reason: str
    message: str


class DomainError(Exception):
    """A refusal or failure that the caller is meant to see.

    ``message`` is a sentence with a remedy and without content (no URL, handle or text).
    ``reason`` is a key of ``REASONS``. ``retry_after`` says when to come back.
    """

    def __init__(
        self,
        kind: ErrorKind,
        reason: str,
        message: str,
        violations: tuple[FieldViolation, ...] = (),
        retry_after: timedelta | None = None,
        metadata: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(message)
        self.kind = kind
        self.reason = reason
        self.message = message
        self.violations = tuple(violations)
        self.retry_after = retry_after
        self.metadata: dict[str, str] = dict(metadata or {})

    @property
    def retryable(self) -> bool:
        return TABLE[self.kind].retryable

    def __repr__(self) -> str:
        return f"DomainError({self.kind}, {self.reason}, {self.message!r})"


def invalid(field: str, reason: str, message: str) -> DomainError:
    """INVALID on one field."""
    violation = FieldViolation(field, reason, message)
    return DomainError(ErrorKind.INVALID, "INVALID_FIELD", message, violations=(violation,))


def not_found(reason: str, message: str) -> DomainError:
    """NOT_FOUND: also for what exists but is somebody else's."""
    return DomainError(ErrorKind.NOT_FOUND, reason, message)


def failed_precondition(reason: str, message: str) -> DomainError:
    """FAILED_PRECONDITION: the thing's state forbids it; repeating will not help."""
    return DomainError(ErrorKind.FAILED_PRECONDITION, reason, message)


def permission_denied(reason: str, message: str) -> DomainError:
    """PERMISSION_DENIED: known caller, not allowed."""
    return DomainError(ErrorKind.PERMISSION_DENIED, reason, message)


def unavailable(reason: str, message: str, retry_after: timedelta | None = None) -> DomainError:
    """UNAVAILABLE: nothing was done; the same call may succeed later."""
    return DomainError(ErrorKind.UNAVAILABLE, reason, message, retry_after=retry_after)
