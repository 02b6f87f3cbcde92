"""Speaking to a local stack as one of its development identities."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import grpc

from infra.local.layout import (
    OPERATOR,
    PLATFORMS,
    REFERRERS,
    SECOND_OPERATOR,
    Layout,
    write_private,
)
from services.kernel import grpc_client
from services.kernel.config import TlsSettings
from services.kernel.identity import Identity


def channel(layout: Layout, service: str, role: str, name: str) -> grpc.aio.Channel:
    """A channel to a service as ``role/name``; adapters are named ``adapter_<slug>``."""
    files, _ = layout.certificates(Identity(role, name))
    tls = TlsSettings.model_validate(files)
    server = grpc_client.server_name(service.removeprefix("adapter_"))
    return grpc_client.channel(layout.address(service), tls, server)


def write_profile(layout: Layout) -> Path:
    """The command line's connection profile: addresses and certificates of this stack."""
    identities = [("referrer", name) for name in REFERRERS]
    identities += [("operator", name) for name in (OPERATOR, SECOND_OPERATOR)]
    identities += [("service", "worker")]
    names = ("intake", "classification", "acknowledgement", "observation")
    services: dict[str, Any] = {
        name: {"address": layout.address(name), "server_name": grpc_client.server_name(name)}
        for name in (*names, *(f"adapter_{slug}" for slug in PLATFORMS))
    }
    for slug in PLATFORMS:
        services[f"adapter_{slug}"]["server_name"] = grpc_client.server_name(slug)
    profile = {
        "services": services,
        "identities": {
            f"{role}/{name}": layout.certificates(Identity(role, name))[0]
            for role, name in identities
        },
        "temporal": layout.address("temporal"),
        "temporal_ui": f"http://{layout.address('temporal_ui')}",
        "database": layout.address("postgres"),
        "configs": {
            path.stem: str(path) for path in sorted((layout.root / "config").glob("*.toml"))
        },
    }
    path = layout.root / "profile.json"
    write_private(path, json.dumps(profile, indent=1))
    return path
