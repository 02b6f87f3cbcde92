"""Where a one-machine stack keeps things: folders, ports, secrets, certificates."""

from __future__ import annotations

import base64
import json
import os
import secrets
import socket
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from services.kernel.dev_ca import DevCa
from services.kernel.identity import Identity

PLATFORMS: Final = ("facebook", "instagram", "tiktok", "x")
REFERRERS: Final = ("home-office", "nca", "met-police")
OPERATOR: Final = "dev"
# Some decisions need two people.
SECOND_OPERATOR: Final = "dev-two"
REPOSITORY: Final = Path(__file__).resolve().parents[2]
DEFAULT_ROOT: Final = REPOSITORY / ".local"
SCRIPT: Final = REPOSITORY / "tests" / "simulators" / "scripts" / "demo.json"
_PORTS: Final = (
    "postgres", "temporal", "temporal_ui", "temporal_metrics", "intake", "classification",
    "acknowledgement", "observation", "simulator",
    *(f"adapter_{slug}" for slug in PLATFORMS), *(f"webhook_{slug}" for slug in PLATFORMS),
)  # fmt: skip
# First, end and width. Linux gives outgoing connections ports from 32,768, others from 49,152.
_BLOCKS: Final = (20_000, 32_000, 20)


@dataclass(frozen=True)
class Layout:
    """One stack's folder. ``time_scale`` is the one factor on every duration."""

    root: Path
    time_scale: float
    script: Path = SCRIPT
    temporal_limits: bool = False
    ports: dict[str, int] = field(default_factory=dict)
    secrets: dict[str, str] = field(default_factory=dict)

    @classmethod
    def prepare(
        cls,
        root: Path,
        *,
        time_scale: float | None = None,
        script: Path = SCRIPT,
        temporal_limits: bool = False,
    ) -> Layout:
        """Read the stack's folder, making what is missing; ports in use are chosen anew."""
        for name in ("config", "certs", "logs", "run", "evidence"):
            (root / name).mkdir(parents=True, exist_ok=True)
        stored = _read(root / "stack.json")
        ports = stored.get("ports", {})
        running = any((root / "run").glob("*.json"))
        if not running and not all(_free(port) for port in ports.values()):
            ports = {}
        layout = cls(
            root=root,
            time_scale=time_scale or stored.get("time_scale", DEFAULT_SCALE),
            script=script,
            temporal_limits=temporal_limits,
            ports=ports if set(ports) == set(_PORTS) else _choose(),
            # What an older stack did not need yet is made beside what it has.
            secrets=_make_secrets() | stored.get("secrets", {}),
        )
        layout._write()
        return layout

    @classmethod
    def existing(cls, root: Path) -> Layout:
        """The stack in this folder.

        Raises:
            FileNotFoundError: there is none.
        """
        stored = _read(root / "stack.json")
        if not stored:
            raise FileNotFoundError(f"no stack in {root}; start one with: make up")
        return cls(root, stored["time_scale"], ports=stored["ports"], secrets=stored["secrets"])

    def _write(self) -> None:
        content = {"ports": self.ports, "secrets": self.secrets, "time_scale": self.time_scale}
        write_private(self.root / "stack.json", json.dumps(content, indent=1))

    def address(self, name: str) -> str:
        return f"127.0.0.1:{self.ports[name]}"

    def certificates(
        self, identity: Identity, dns: tuple[str, ...] = ()
    ) -> tuple[dict[str, str], bool]:
        """The three files of an identity's mTLS settings, and whether they were renewed."""
        authority = DevCa(self.root / "ca")
        folder = self.root / "certs"
        certificate, key, renewed = authority.ensure_leaf(identity, dns=dns, folder=folder)
        files = {
            "ca_file": str(authority.certificate_file),
            "cert_file": str(certificate),
            "key_file": str(key),
        }
        return files, renewed

    def database_url(self, role: str) -> str:
        password = self.secrets[f"database_{role}"]
        return f"postgresql+asyncpg://{role}:{password}@{self.address('postgres')}/takedown"


DEFAULT_SCALE: Final = 1 / 5000


def roles() -> dict[str, tuple[str, str, str]]:
    """schema -> (service, application role, owner role)."""
    found = {name: (name, f"{name}_app", f"{name}_owner") for name in
             ("intake", "acknowledgement", "observation", "classification")}  # fmt: skip
    for slug in PLATFORMS:
        schema = f"adapter_{slug}"
        found[schema] = ("adapters", f"{schema}_app", f"{schema}_owner")
    return found


def _make_secrets() -> dict[str, str]:
    made = {"database_postgres": secrets.token_urlsafe(24)}
    for _, app, owner in roles().values():
        made[f"database_{app}"] = secrets.token_urlsafe(24)
        made[f"database_{owner}"] = secrets.token_urlsafe(24)
    made["signal_key"] = secrets.token_urlsafe(32)
    for slug in PLATFORMS:
        made[f"token_{slug}"] = secrets.token_urlsafe(32)
        made[f"webhook_{slug}"] = "whsec_" + base64.b64encode(secrets.token_bytes(32)).decode()
    return made


def _choose() -> dict[str, int]:
    """Free ports in one block, below those that systems give to outgoing connections.

    Between choosing and listening another program could be given a port of the system's own range;
    and two stacks that choose at once rarely choose the same block.

    Raises:
        OSError: no block is free.
    """
    blocks = list(range(*_BLOCKS))
    secrets.SystemRandom().shuffle(blocks)
    for first in blocks:
        ports = dict(zip(_PORTS, range(first, first + len(_PORTS)), strict=True))
        if all(_free(port) for port in ports.values()):
            return ports
    raise OSError(f"no {len(_PORTS)} free ports in a row between {_BLOCKS[0]} and {_BLOCKS[1]}")


def _free(port: int) -> bool:
    with socket.socket() as one:
        one.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            one.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def _read(path: Path) -> dict[str, Any]:
    if not path.exists():
        return {}
    return dict(json.loads(path.read_text(encoding="utf-8")))


def write_private(path: Path, content: str) -> None:
    """Atomic, and readable by its owner alone."""
    draft = path.with_name(f"{path.name}.{os.getpid()}.new")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(content)
    draft.replace(path)
