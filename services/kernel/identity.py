"""Who calls: the peer's SPIFFE id, taken from its client certificate and nowhere else."""

from __future__ import annotations

import functools
import re
from collections.abc import Iterable, Mapping
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Final

from services.kernel.errors import DomainError, ErrorKind

TRUST_DOMAIN: Final = "takedown.internal"
ROLES: Final = frozenset({"referrer", "platform", "service", "operator"})

_NAME: Final = re.compile(r"[a-z0-9](?:[a-z0-9._-]{0,61}[a-z0-9])?")
_URI: Final = re.compile(
    rf"spiffe://{re.escape(TRUST_DOMAIN)}/(?P<role>[a-z]+)/(?P<name>{_NAME.pattern})"
)
# The key under which gRPC lists the URI SANs of a verified client certificate.
_PEER_URI: Final = "peer_uri"
_TRANSPORT: Final = "transport_security_type"


@dataclass(frozen=True, slots=True)
class Identity:
    """A caller, such as referrer/nca, platform/tiktok, service/worker or operator/jo.

    Raises:
        ValueError: the role is unknown, or the name is not 1-63 characters of a-z 0-9 . _ -
            beginning and ending with a letter or digit.
    """

    role: str
    name: str

    def __post_init__(self) -> None:
        if self.role not in ROLES:
            raise ValueError(f"unknown role {self.role!r}; use one of {', '.join(sorted(ROLES))}")
        if not _NAME.fullmatch(self.name):
            raise ValueError(f"{self.name!r} is no name: use 1-63 of a-z 0-9 . _ -")

    @classmethod
    def parse(cls, uri: str) -> Identity:
        """From ``spiffe://takedown.internal/<role>/<name>``, exactly.

        Raises:
            ValueError: any other text, also another trust domain or a longer path.
        """
        match = _URI.fullmatch(uri)
        if match is None:
            raise ValueError(f"not an identity of {TRUST_DOMAIN}")
        return cls(match["role"], match["name"])

    @property
    def short(self) -> str:
        """role/name, as it stands in allow-lists and logs."""
        return f"{self.role}/{self.name}"

    def __str__(self) -> str:
        return f"spiffe://{TRUST_DOMAIN}/{self.role}/{self.name}"


def from_uri_sans(uris: Iterable[bytes]) -> Identity:
    """The identity of a certificate with these URI SANs.

    Raises:
        DomainError: UNAUTHENTICATED unless there is exactly one and it is ours (SPIFFE
            X.509-SVID, section 2: one URI SAN).
    """
    found = list(uris)
    if len(found) != 1:
        raise _unauthenticated()
    try:
        return _parsed(found[0])
    except ValueError:
        raise _unauthenticated() from None


@functools.lru_cache(maxsize=1024)
def _parsed(uri: bytes) -> Identity:
    # Every call of a connection carries the same certificate.
    return Identity.parse(uri.decode("ascii"))


def from_auth_context(auth_context: Mapping[str, Iterable[bytes]]) -> Identity:
    """The peer of a call, from ``ServicerContext.auth_context()``.

    Raises:
        DomainError: UNAUTHENTICATED without TLS or without exactly one identity of ours.
    """
    if list(auth_context.get(_TRANSPORT, ())) != [b"ssl"]:
        raise _unauthenticated()
    return from_uri_sans(auth_context.get(_PEER_URI, ()))


def _unauthenticated() -> DomainError:
    return DomainError(
        ErrorKind.UNAUTHENTICATED,
        "NO_IDENTITY",
        f"Your certificate names no identity of {TRUST_DOMAIN}; present one that carries exactly "
        "one SPIFFE id of that trust domain.",
    )


_current: ContextVar[Identity | None] = ContextVar("takedown_caller", default=None)


def current_identity() -> Identity:
    """The caller of the call being answered.

    Raises:
        LookupError: no call is being answered here.
    """
    identity = _current.get()
    if identity is None:
        raise LookupError("no call is being answered here")
    return identity


def bind_identity(identity: Identity | None) -> None:
    """Set the caller for the rest of the running task; the interceptors do this."""
    _current.set(identity)
