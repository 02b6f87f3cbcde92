"""What one look found, in two fields: visible, and the cause with its confidence.

Plain Python. Only evidence of removal counts towards removal; unknown, a login wall and a
blocked probe never do (docs/lifecycle.md, always true).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import StrEnum


class Availability(StrEnum):
    AVAILABLE = "AVAILABLE"
    REMOVED = "REMOVED"
    ACCOUNT_SUSPENDED = "ACCOUNT_SUSPENDED"
    AUTHOR_DELETED = "AUTHOR_DELETED"
    GEO_WITHHELD = "GEO_WITHHELD"
    AGE_RESTRICTED = "AGE_RESTRICTED"
    PRIVATE = "PRIVATE"
    LOGIN_WALL = "LOGIN_WALL"
    PROBE_BLOCKED = "PROBE_BLOCKED"
    NOT_FOUND = "NOT_FOUND"
    UNKNOWN = "UNKNOWN"


class Confidence(StrEnum):
    LOW = "LOW"
    MEDIUM = "MEDIUM"
    HIGH = "HIGH"


A, C = Availability, Confidence

GONE = frozenset({A.REMOVED, A.ACCOUNT_SUSPENDED, A.AUTHOR_DELETED, A.NOT_FOUND})
# Age-restricted content is still up: it is never counted as removed.
_SEEN = frozenset({A.AVAILABLE, A.AGE_RESTRICTED})
_HIDDEN = frozenset({A.GEO_WITHHELD, A.PRIVATE})


@dataclass(frozen=True, slots=True)
class Content:
    """What is looked at, by the canonicaliser's identity."""

    platform: str
    kind: str
    content_id: str
    account: str
    url: str


@dataclass(frozen=True, slots=True)
class Fetched:
    """A response, or why there is none. ``failure`` is "" or one word."""

    url: str = ""
    final_url: str = ""
    status: int = 0
    reason: str = ""
    headers: Sequence[tuple[str, str]] = ()
    body: bytes = b""
    truncated: bool = False
    failure: str = ""

    @property
    def text(self) -> str:
        return self.body.decode("utf-8", "replace")


@dataclass(frozen=True, slots=True)
class Reading:
    """What a page-state table makes of a response; ``marker`` names the row that matched."""

    availability: Availability
    confidence: Confidence
    marker: str

    @property
    def visible(self) -> str:
        if self.availability in _SEEN:
            return "YES"
        return "NO" if self.availability in GONE | _HIDDEN else "CANNOT_TELL"

    @property
    def counts_as_gone(self) -> bool:
        return self.availability in GONE

    @property
    def cause(self) -> Availability:
        """Why it is not visible; UNKNOWN where the marker does not tell or nothing is wrong."""
        causeless = _SEEN | {A.NOT_FOUND, A.LOGIN_WALL, A.PROBE_BLOCKED, A.UNKNOWN}
        return A.UNKNOWN if self.availability in causeless else self.availability


@dataclass(frozen=True)
class Look:
    """A reading with the response it rests on and where a short link led."""

    reading: Reading
    fetched: Fetched = field(default_factory=Fetched)
    resolved_url: str = ""


def unknown(marker: str) -> Reading:
    """A missing marker is unknown, never gone."""
    return Reading(A.UNKNOWN, C.LOW, marker)


def blocked(marker: str) -> Reading:
    return Reading(A.PROBE_BLOCKED, C.HIGH, marker)


def decisive(reading: Reading) -> bool:
    """Whether a further probe could add nothing: content seen, or a reason given."""
    return reading.availability not in {A.UNKNOWN, A.PROBE_BLOCKED, A.LOGIN_WALL}
