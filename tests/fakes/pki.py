"""Certificates for tests, from the same authority code that the development stack runs."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

from services.kernel.config import TlsSettings
from services.kernel.dev_ca import DevCa
from services.kernel.identity import Identity


class Pki:
    """One authority in a folder of its own. Two of them do not trust each other."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.ca = DevCa(folder / "ca")

    def tls(self, who: str) -> TlsSettings:
        """Files of ``role/name``, such as ``service/worker`` or ``referrer/nca``."""
        role, _, name = who.partition("/")
        certificate, key, _ = self.ca.ensure_leaf(
            Identity(role, name), folder=self._folder / "leafs"
        )
        return self._settings(certificate, key)

    def odd(
        self, label: str, uri: str | None, *, life: timedelta = timedelta(hours=1)
    ) -> TlsSettings:
        """A certificate of this authority with any URI, none, or already expired."""
        folder = self._folder / "odd"
        folder.mkdir(exist_ok=True)
        certificate, key = folder / f"{label}.pem", folder / f"{label}.key"
        self.ca.issue(certificate, key, uri=uri, dns=["localhost"], life=life)
        return self._settings(certificate, key)

    def trusting(self, other: Pki, who: str) -> TlsSettings:
        """Our certificate, but trusting the other's servers: the impostor's best attempt."""
        mine = self.tls(who)
        return mine.model_copy(update={"ca_file": other.ca.certificate_file})

    def _settings(self, certificate: Path, key: Path) -> TlsSettings:
        return TlsSettings(ca_file=self.ca.certificate_file, cert_file=certificate, key_file=key)
