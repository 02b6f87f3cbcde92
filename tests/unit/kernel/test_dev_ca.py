"""The development authority: files that only their owner reads, leafs of a day, renewed early."""

from __future__ import annotations

import stat
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.x509.oid import ExtendedKeyUsageOID

from services.kernel.certificates import Certificates
from services.kernel.config import TlsSettings
from services.kernel.dev_ca import DevCa
from services.kernel.identity import Identity

WORKER = Identity("service", "worker")


@pytest.fixture
def ca(tmp_path: Path) -> DevCa:
    return DevCa(tmp_path / "ca")


def _load(path: Path) -> x509.Certificate:
    return x509.load_pem_x509_certificate(path.read_bytes())


def test_a_leaf_names_its_identity_and_its_host(ca: DevCa) -> None:
    certificate, _, renewed = ca.ensure_leaf(WORKER, dns=["worker.example"])
    names = _load(certificate).extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert renewed
    assert names.get_values_for_type(x509.UniformResourceIdentifier) == [str(WORKER)]
    assert set(names.get_values_for_type(x509.DNSName)) == {
        "worker.takedown.internal",
        "localhost",
        "worker.example",
    }
    assert {str(a) for a in names.get_values_for_type(x509.IPAddress)} == {"127.0.0.1", "::1"}


def test_a_leaf_is_good_for_both_ends_and_its_issuer_is_the_authority(ca: DevCa) -> None:
    certificate, _, _ = ca.ensure_leaf(WORKER)
    leaf = _load(certificate)
    leaf.verify_directly_issued_by(_load(ca.certificate_file))
    usages = leaf.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
    assert {ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH} == set(usages)


def test_keys_are_readable_by_their_owner_alone(ca: DevCa) -> None:
    _, key, _ = ca.ensure_leaf(WORKER)
    for file in (key, ca.folder / "ca.key"):
        assert stat.S_IMODE(file.stat().st_mode) == 0o600


def test_a_leaf_lives_a_day_and_is_renewed_before_it_ends(ca: DevCa) -> None:
    certificate, _, _ = ca.ensure_leaf(WORKER)
    left = _load(certificate).not_valid_after_utc - datetime.now(UTC)
    assert timedelta(hours=23, minutes=55) < left <= timedelta(hours=24)
    assert ca.ensure_leaf(WORKER)[2] is False
    assert ca.ensure_leaf(WORKER, renew_before=timedelta(hours=25))[2] is True


def test_the_authority_is_made_once(ca: DevCa) -> None:
    before = ca.certificate_file.read_bytes()
    assert DevCa(ca.folder).certificate_file.read_bytes() == before


def test_the_authority_can_make_no_other_and_speaks_for_our_trust_domain_alone(ca: DevCa) -> None:
    extensions = _load(ca.certificate_file).extensions
    basic = extensions.get_extension_for_class(x509.BasicConstraints).value
    assert (basic.ca, basic.path_length) == (True, 0)
    allowed = extensions.get_extension_for_class(x509.NameConstraints).value.permitted_subtrees
    assert x509.UniformResourceIdentifier("takedown.internal") in (allowed or [])


def test_half_a_renewal_is_no_renewal(ca: DevCa) -> None:
    certificate, key, _ = ca.ensure_leaf(WORKER)
    files = Certificates(
        TlsSettings(ca_file=ca.certificate_file, cert_file=certificate, key_file=key)
    )
    first = files.read()
    assert not files.renewed()
    ca.ensure_leaf(WORKER, renew_before=timedelta(days=2))
    whole = certificate.read_bytes()
    certificate.write_bytes(first.certificate)
    assert not files.renewed()
    certificate.unlink()
    assert not files.renewed()
    certificate.write_bytes(whole)
    assert files.renewed()
    assert files.read().certificate == whole
    assert not files.renewed()
