"""Identities: exactly the form of the trust domain, and nothing near it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.kernel.errors import DomainError, ErrorKind
from services.kernel.identity import ROLES, Identity, from_auth_context, from_uri_sans

NAMES = st.from_regex(r"[a-z0-9]([a-z0-9._-]{0,61}[a-z0-9])?", fullmatch=True)


@given(st.sampled_from(sorted(ROLES)), NAMES)
def test_an_identity_survives_its_uri(role: str, name: str) -> None:
    identity = Identity(role, name)
    assert Identity.parse(str(identity)) == identity


@given(st.text())
def test_any_text_is_an_identity_of_ours_or_refused(text: str) -> None:
    for candidate in (text, f"spiffe://takedown.internal/{text}"):
        try:
            identity = Identity.parse(candidate)
        except ValueError:
            continue
        assert str(identity) == candidate


@pytest.mark.parametrize(
    "uri",
    [
        "spiffe://takedown.internal/service/worker/",
        "spiffe://takedown.internal/service/worker\n",
        "spiffe://takedown.internal/service/../operator/jo",
        "spiffe://TAKEDOWN.internal/service/worker",
        "spiffe://takedown.internal:443/service/worker",
        "spiffe://takedown.internal/service/worker?x",
        "spiffe://takedown.internal.evil.example/service/worker",
        "spiffe://takedownXinternal/service/worker",
        "SPIFFE://takedown.internal/service/worker",
        "spiffe://takedown.internal/service/",
        "spiffe://takedown.internal/god/worker",
    ],
)
def test_what_is_only_near_our_form_is_refused(uri: str) -> None:
    with pytest.raises(ValueError, match=r"identity|role"):
        Identity.parse(uri)


ONE = b"spiffe://takedown.internal/service/worker"


@pytest.mark.parametrize("uris", [[], [ONE, ONE], [ONE, b"https://x"], [b"\xff"], [b""]])
def test_a_certificate_speaks_for_exactly_one_identity(uris: list[bytes]) -> None:
    with pytest.raises(DomainError) as caught:
        from_uri_sans(uris)
    assert caught.value.kind is ErrorKind.UNAUTHENTICATED


def test_a_peer_without_tls_is_nobody_whatever_it_says() -> None:
    with pytest.raises(DomainError):
        from_auth_context({"peer_uri": [ONE]})
    known = from_auth_context({"peer_uri": [ONE], "transport_security_type": [b"ssl"]})
    assert known == Identity("service", "worker")
