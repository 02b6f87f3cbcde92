"""A process's certificate files, read again when they are renewed."""

from __future__ import annotations

from dataclasses import dataclass

from cryptography import x509
from cryptography.hazmat.primitives import serialization

from services.kernel.config import TlsSettings


@dataclass(frozen=True, slots=True)
class Pems:
    """Three PEM texts; the key belongs to the certificate."""

    authority: bytes
    certificate: bytes
    key: bytes


class Certificates:
    """The files that ``tls`` names. Safe to ask from any thread."""

    def __init__(self, tls: TlsSettings) -> None:
        self._files = (tls.ca_file, tls.cert_file, tls.key_file)
        self._stamp: tuple[tuple[int, int], ...] = ()

    def read(self) -> Pems:
        """What the files hold now.

        Raises:
            OSError: a file cannot be read.
        """
        self._stamp = self._stamps()
        authority, certificate, key = (file.read_bytes() for file in self._files)
        return Pems(authority, certificate, key)

    def renewed(self) -> bool:
        """Whether a whole new set lies there since the last ``read``.

        Key and certificate are two files: between the writing of the one and of the other
        they do not belong together, and the old pair stays in use.
        """
        try:
            return self._stamps() != self._stamp and self._belong_together()
        except (OSError, ValueError):
            return False

    def _stamps(self) -> tuple[tuple[int, int], ...]:
        found = [file.stat() for file in self._files]
        return tuple((stat.st_mtime_ns, stat.st_ino) for stat in found)

    def _belong_together(self) -> bool:
        _, certificate, key = (file.read_bytes() for file in self._files)
        encoding = (
            serialization.Encoding.DER,
            serialization.PublicFormat.SubjectPublicKeyInfo,
        )
        public = x509.load_pem_x509_certificate(certificate).public_key()
        private = serialization.load_pem_private_key(key, None)
        return public.public_bytes(*encoding) == private.public_key().public_bytes(*encoding)
