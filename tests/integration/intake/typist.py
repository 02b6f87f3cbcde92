"""A process that types ``takedown`` commands: one JSON line in, one out, for as long as it is fed.

The command line takes longer to load than to run, so a module of tests loads it once.
"""

from __future__ import annotations

import json
import os
import sys

from typer.testing import CliRunner

from services.cli.main import build


def main() -> None:
    app, runner = build(offline=False), CliRunner()
    for line in sys.stdin:
        asked = json.loads(line)
        os.environ["TAKEDOWN_PROFILE"] = asked["profile"]
        done = runner.invoke(app, asked["arguments"])
        told = {"code": done.exit_code, "out": done.stdout, "err": done.stderr}
        sys.stdout.write(json.dumps(told) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
