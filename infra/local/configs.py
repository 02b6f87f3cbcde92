"""The configuration file of every process in a one-machine stack."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Final

from infra.local.layout import PLATFORMS, Layout, write_private
from services.adapters.profiles import REGISTRY
from services.adapters.profiles.table import Answers
from services.kernel.identity import Identity

# One item that the simulators show and one that they do not (scripts/demo.json).
CONTROLS: Final = {
    "facebook": (
        "POST control 900000000000001 https://www.facebook.com/control/posts/900000000000001",
        "POST control 900000000000002 https://www.facebook.com/control/posts/900000000000002",
    ),
    "instagram": (
        "POST - CtrlLive001 https://www.instagram.com/p/CtrlLive001/",
        "POST - CtrlDead001 https://www.instagram.com/p/CtrlDead001/",
    ),
    "tiktok": (
        "VIDEO control 7300000000000000001"
        " https://www.tiktok.com/@control/video/7300000000000000001",
        "VIDEO control 7300000000000000002"
        " https://www.tiktok.com/@control/video/7300000000000000002",
    ),
    "x": (
        "POST control 1800000000000000001 https://x.com/control/status/1800000000000000001",
        "POST control 1800000000000000002 https://x.com/control/status/1800000000000000002",
    ),
}
# The names that the simulator's certificate answers for: observation asks by real names.
SIMULATED_HOSTS: Final = (
    "www.tiktok.com", "vm.tiktok.com", "vt.tiktok.com", "cdn.syndication.twimg.com", "api.x.com",
    "x.com", "t.co", "www.instagram.com", "instagram.com", "graph.facebook.com",
    "www.facebook.com", "facebook.com", "fb.watch", "fb.me", "instagr.am", "ig.me",
)  # fmt: skip
SIMULATOR: Final = Identity("service", "simulator")


def identity_of(name: str) -> Identity:
    """The identity of a process by its name in the stack."""
    if name.startswith("adapter_"):
        return Identity("platform", name.removeprefix("adapter_"))
    return Identity("service", name)


def write_all(layout: Layout) -> dict[str, Path]:
    """Write every file; process name -> path."""
    files = {"simulator": _simulator(layout), "worker": _write(layout, "worker", _worker(layout))}
    services: dict[str, dict[str, Any]] = {
        "intake": {"accept_real": False, "platforms": list(PLATFORMS)},
        "classification": {"signal_key": layout.secrets["signal_key"]},
        "acknowledgement": {},
        "observation": _observation(layout),
    }
    for name, extra in services.items():
        files[name] = _write(layout, name, _service(layout, name, name) | extra)
    for slug in PLATFORMS:
        name = f"adapter_{slug}"
        files[name] = _write(layout, name, _service(layout, name, name) | _adapter(layout, slug))
    return files


def _common(layout: Layout, name: str) -> dict[str, Any]:
    tls, _ = layout.certificates(identity_of(name))
    return {
        "service": "adapter" if name.startswith("adapter_") else name,
        "development": True,
        "ready_file": str(layout.root / "run" / f"{name}.ready"),
        "tls": tls,
    }


def _service(layout: Layout, name: str, schema: str) -> dict[str, Any]:
    return _common(layout, name) | {
        "listen": layout.address(name),
        "database": {"url": layout.database_url(f"{schema}_app")},
    }


def _worker(layout: Layout) -> dict[str, Any]:
    names = ("intake", "classification", "acknowledgement", "observation")
    return _common(layout, "worker") | {
        "time_scale": layout.time_scale,
        "temporal": {"address": layout.address("temporal")},
        "adapters": {slug: layout.address(f"adapter_{slug}") for slug in PLATFORMS},
        # Without a mail server: reminders go to the worker's log.
        "notifier": {
            "contacts": {
                "referrer_liaison": "liaison@takedown.example",
                "head_of_unit": "head@takedown.example",
                "platforms": {slug: f"contact@{slug}.example" for slug in PLATFORMS},
            },
        },
        **{name: layout.address(name) for name in names},
    }


def _observation(layout: Layout) -> dict[str, Any]:
    tls, _ = layout.certificates(identity_of("observation"))
    return {
        "evidence": str(layout.root / "evidence"),
        "vantage": "this machine",
        "control_seconds": 5.0,
        "controls": {slug: {"live": live, "dead": dead} for slug, (live, dead) in CONTROLS.items()},
        "sandbox": {"origin": layout.address("simulator"), "ca_file": tls["ca_file"]},
    }


def _adapter(layout: Layout, slug: str) -> dict[str, Any]:
    tls, _ = layout.certificates(identity_of(f"adapter_{slug}"))
    return {
        "platform": slug,
        "acknowledgement": layout.address("acknowledgement"),
        "time_scale": layout.time_scale,
        "endpoint": {
            "url": f"https://{layout.address('simulator')}/api/{slug}",
            "token": layout.secrets[f"token_{slug}"],
            "sandbox": True,
            "ca_file": tls["ca_file"],
        },
        "webhook": {
            "listen": layout.address(f"webhook_{slug}"),
            "secret": layout.secrets[f"webhook_{slug}"],
        },
    }


def _simulator(layout: Layout) -> Path:
    tls, _ = layout.certificates(SIMULATOR, dns=SIMULATED_HOSTS)
    config = {
        "listen": layout.address("simulator"),
        "script": str(layout.script),
        "ledger": str(layout.root / "ledger.sqlite"),
        "ready_file": str(layout.root / "run" / "simulator.ready"),
        "tokens": {slug: layout.secrets[f"token_{slug}"] for slug in PLATFORMS},
        "pushes": {
            slug: {
                "url": f"https://{layout.address(f'webhook_{slug}')}/webhooks",
                "secret": layout.secrets[f"webhook_{slug}"],
            }
            for slug in PLATFORMS
            if REGISTRY[slug].answers is Answers.WEBHOOK
        },
        **tls,
    }
    path = layout.root / "config" / "simulator.json"
    write_private(path, json.dumps(config, indent=1))
    return path


def _write(layout: Layout, name: str, values: dict[str, Any]) -> Path:
    path = layout.root / "config" / f"{name}.toml"
    write_private(path, toml(values))
    return path


def toml(values: dict[str, Any], prefix: str = "") -> str:
    """A small TOML document: plain values first, then a table per dictionary."""
    lines = [
        f"{key} = {json.dumps(value)}"
        for key, value in values.items()
        if not isinstance(value, dict)
    ]
    text = "\n".join(lines) + "\n"
    for key, value in values.items():
        if isinstance(value, dict):
            name = f"{prefix}{key}"
            text += f"\n[{name}]\n{toml(value, name + '.')}"
    return text
