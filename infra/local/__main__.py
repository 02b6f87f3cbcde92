"""``python -m infra.local up|down|status|supervise|keep``: the stack behind ``make up``."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from infra.local.layout import DEFAULT_ROOT
from infra.local.standing import down, keep, status, supervise, up


def main() -> int:
    parser = argparse.ArgumentParser(prog="infra.local")
    parser.add_argument("what", choices=["up", "down", "status", "supervise", "keep"])
    parser.add_argument("--root", type=Path, default=DEFAULT_ROOT)
    parser.add_argument("--time-scale", type=float)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    options.root = options.root.resolve()
    if options.what == "up":
        return up(options.root, options.time_scale)
    if options.what == "status":
        return status(options.root, options.json)
    return {"down": down, "supervise": supervise, "keep": keep}[options.what](options.root)


if __name__ == "__main__":
    sys.exit(main())
