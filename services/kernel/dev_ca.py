"""A small certificate authority for development stacks and tests: mTLS is on there too.

Production identities come from the platform that runs it; this module only makes files of
the same shape. Leafs live 24 hours and the stack renews them.
"""

from __future__ import annotations

import ipaddress
import os
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from services.kernel.identity import TRUST_DOMAIN, Identity

LEAF_LIFE: Final = timedelta(hours=24)
CA_LIFE: Final = timedelta(days=3650)
_SKEW: Final = timedelta(minutes=5)


class DevCa:
    """A folder with ``ca.pem`` and ``ca.key``, made on first use."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.certificate_file = folder / "ca.pem"
        self._key_file = folder / "ca.key"
        folder.mkdir(parents=True, exist_ok=True)
        folder.chmod(0o700)
        if not self.certificate_file.exists() or not self._key_file.exists():
            self._create()

    def ensure_leaf(
        self,
        identity: Identity,
        *,
        dns: Iterable[str] = (),
        renew_before: timedelta = timedelta(hours=8),
        folder: Path | None = None,
    ) -> tuple[Path, Path, bool]:
        """(certificate file, key file, renewed): a leaf with at least ``renew_before`` to live."""
        where = folder or self.folder
        where.mkdir(parents=True, exist_ok=True)
        name = f"{identity.role}-{identity.name}"
        certificate, key = where / f"{name}.pem", where / f"{name}.key"
        if certificate.exists() and key.exists():
            leaf = x509.load_pem_x509_certificate(certificate.read_bytes())
            if leaf.not_valid_after_utc - datetime.now(UTC) > renew_before:
                return certificate, key, False
        self.issue(certificate, key, uri=str(identity), dns=[*_names(identity), *dns])
        return certificate, key, True

    def issue(
        self,
        certificate_file: Path,
        key_file: Path,
        *,
        uri: str | None,
        dns: Iterable[str],
        life: timedelta = LEAF_LIFE,
    ) -> None:
        """Write a new key and its certificate; ``uri`` None makes one without an identity."""
        authority = x509.load_pem_x509_certificate(self.certificate_file.read_bytes())
        signer = serialization.load_pem_private_key(self._key_file.read_bytes(), None)
        if not isinstance(signer, ec.EllipticCurvePrivateKey):
            raise TypeError(f"{self._key_file} is not the key that this authority made")
        key = ec.generate_private_key(ec.SECP256R1())
        now = datetime.now(UTC)
        names: list[x509.GeneralName] = [x509.DNSName(name) for name in dns]
        names += [x509.IPAddress(ipaddress.ip_address(a)) for a in ("127.0.0.1", "::1")]
        if uri is not None:
            names.append(x509.UniformResourceIdentifier(uri))
        usages = [ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH]
        leaf = (
            x509.CertificateBuilder()
            .subject_name(x509.Name([]))
            .issuer_name(authority.subject)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - _SKEW)
            .not_valid_after(now + life)
            .add_extension(x509.SubjectAlternativeName(names), critical=True)
            .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
            .add_extension(x509.ExtendedKeyUsage(usages), critical=False)
            .add_extension(
                x509.AuthorityKeyIdentifier.from_issuer_public_key(signer.public_key()),
                critical=False,
            )
            .sign(signer, hashes.SHA256())
        )
        _write(key_file, _pem(key))
        _write(certificate_file, leaf.public_bytes(serialization.Encoding.PEM))

    def _create(self) -> None:
        key = ec.generate_private_key(ec.SECP256R1())
        name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "takedown development CA")])
        now = datetime.now(UTC)
        usage = x509.KeyUsage(
            digital_signature=False, content_commitment=False, key_encipherment=False,
            data_encipherment=False, key_agreement=False, key_cert_sign=True, crl_sign=True,
            encipher_only=False, decipher_only=False,
        )  # fmt: skip
        # A stolen development key must not speak for anybody else's identities.
        ours = x509.NameConstraints(
            permitted_subtrees=[x509.UniformResourceIdentifier(TRUST_DOMAIN)],
            excluded_subtrees=None,
        )
        certificate = (
            x509.CertificateBuilder()
            .subject_name(name)
            .issuer_name(name)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - _SKEW)
            .not_valid_after(now + CA_LIFE)
            .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
            .add_extension(usage, critical=True)
            .add_extension(ours, critical=True)
            .add_extension(
                x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False
            )
            .sign(key, hashes.SHA256())
        )
        _write(self._key_file, _pem(key))
        _write(self.certificate_file, certificate.public_bytes(serialization.Encoding.PEM))


def _names(identity: Identity) -> list[str]:
    return [f"{identity.name.replace('_', '-')}.{TRUST_DOMAIN}", "localhost"]


def _pem(key: ec.EllipticCurvePrivateKey) -> bytes:
    return key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )


def _write(path: Path, content: bytes) -> None:
    """Atomic, and readable by its owner alone from the first moment."""
    draft = path.with_suffix(path.suffix + f".{os.getpid()}.new")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)
    draft.replace(path)
