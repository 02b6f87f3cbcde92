"""``make demo``: the whole way of a referral, on one machine, with one command.

Starts a fresh stack beside whatever runs, submits the example batch through the public API,
lets referrers and two operators do what the script leaves to people, waits until every referral
has its outcome, audits, and stops everything.
"""

from __future__ import annotations

import asyncio
import json
import shutil
import sys
import time
from pathlib import Path

from infra.local.auditor import Findings, audit, unmatched
from infra.local.demo_run import Run
from infra.local.layout import REPOSITORY, SCRIPT, Layout
from infra.local.report import print_report, summary
from infra.local.stack import Stack
from infra.local.words import addresses

EXAMPLES = REPOSITORY / "docs" / "examples" / "referrals.ndjson"
BUILD = REPOSITORY / "build" / "demo"
TIME_SCALE = 4e-5
PATIENCE = 75.0


def say(line: str) -> None:
    print(line, flush=True)


def main() -> int:
    started = time.monotonic()
    shutil.rmtree(BUILD, ignore_errors=True)
    layout = Layout.prepare(BUILD / "stack", time_scale=TIME_SCALE)
    stack = Stack(layout, say)
    unclean: dict[str, int | None] = {}
    try:
        stack.start()
        say(addresses(layout))
        run, findings = asyncio.run(_play(layout))
    finally:
        unclean = stack.unclean(stack.stop())
    wall = time.monotonic() - started
    _write(BUILD / "summary.json", summary(run, findings, wall))
    print_report(run, findings, wall)
    return _verdict(run, findings, unclean)


async def _play(layout: Layout) -> tuple[Run, Findings]:
    lines = [json.loads(line) for line in EXAMPLES.read_text(encoding="utf-8").splitlines()]
    script = json.loads(SCRIPT.read_text(encoding="utf-8"))
    run = Run(layout, script)
    try:
        await run.submit(lines)
        await run.until_closed(PATIENCE, live=sys.stdout.isatty())
        run.unmatched = await unmatched(layout)
        run.campaigns = await run.people.campaigns()
        findings = await audit(layout, run.accepted)
    finally:
        await run.close()
    return run, findings


def _verdict(run: Run, findings: Findings, unclean: dict[str, int | None]) -> int:
    wrong = run.unexpected()
    for line in wrong:
        say(f"unexpected: {line}")
    for note in findings.notes:
        say(f"audit: {note}")
    for name, status in unclean.items():
        say(f"{name} did not stop cleanly: exit {status}")
    good = not wrong and findings.clean and not unclean
    say("Every referral reached its expected outcome; the auditor found nothing."
        if good else "The demonstration failed; see the lines above.")  # fmt: skip
    return 0 if good else 1


def _write(path: Path, content: dict[str, object]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    sys.exit(main())
