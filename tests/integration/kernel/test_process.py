"""What a process of its own does to itself when it is ready."""

from __future__ import annotations

import asyncio
import gc
import sys

from services.kernel import process

PROGRAM = """
import gc
from services.kernel import process

async def main():
    before = gc.get_freeze_count()
    process.settle()
    print(before, gc.get_freeze_count() > 10_000, flush=True)
    return 0

process.run(main())
"""


async def test_what_a_ready_process_has_loaded_is_no_longer_gone_through_for_garbage() -> None:
    started = await asyncio.create_subprocess_exec(
        sys.executable, "-c", PROGRAM, stdout=asyncio.subprocess.PIPE
    )
    async with asyncio.timeout(30):
        output, _ = await started.communicate()
    assert (started.returncode, output) == (0, b"0 True\n")


async def test_where_others_run_the_collector_is_left_alone() -> None:
    before = gc.get_freeze_count()
    process.settle()
    assert gc.get_freeze_count() == before
