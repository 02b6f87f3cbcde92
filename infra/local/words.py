"""What the stack says to people."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from infra.local.layout import PLATFORMS, Layout


def addresses(layout: Layout) -> str:
    """Where everything is, one line each."""
    names = ["intake", "classification", "acknowledgement", "observation"]
    names += [f"adapter_{slug}" for slug in PLATFORMS]
    lines = [f"Temporal UI       http://{layout.address('temporal_ui')}"]
    lines += [f"{name:<18}{layout.address(name)} (gRPC, mTLS)" for name in names]
    lines.append(f"{'simulator':<18}https://{layout.address('simulator')} (the only origin that"
                 " observation may reach)")  # fmt: skip
    lines.append(f"certificates      {layout.root / 'certs'}")
    return "\n".join(lines)


def table(rows: Sequence[dict[str, Any]]) -> str:
    if not rows:
        return ""
    names = list(rows[0])
    widths = [max(len(n), *(len(str(row[n])) for row in rows)) for n in names]
    lines = ["  ".join(n.ljust(w) for n, w in zip(names, widths, strict=True))]
    lines += [
        "  ".join(str(row[n]).ljust(w) for n, w in zip(names, widths, strict=True)) for row in rows
    ]
    return "\n".join(lines)
