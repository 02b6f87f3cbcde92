"""The process that looks at pictures hangs, crashes, is replaced, and is never left behind."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from pathlib import Path

import pytest

from services.classification.pictures.facts import PictureFacts, Result
from services.classification.pictures.process import Limits
from services.classification.pictures.reader import NO_START, PictureReader
from tests.integration.classification.pictures import (
    BLANK,
    PATIENT,
    PICTURE,
    beside,
    reading,
    without,
)

pytestmark = pytest.mark.asyncio(loop_scope="module")
REPOSITORY = Path(__file__).resolve().parents[3]


async def gone(pid: int) -> None:
    """When a process that is nobody's child here has ended."""
    try:
        handle = os.pidfd_open(pid)
    except ProcessLookupError:
        return
    loop, ended = asyncio.get_running_loop(), asyncio.Event()
    loop.add_reader(handle, ended.set)
    try:
        async with asyncio.timeout(20):
            await ended.wait()
    finally:
        loop.remove_reader(handle)
        os.close(handle)


async def begun(folder: Path) -> int:
    """The process id of the program, once it has begun to hang."""
    async with asyncio.timeout(60):
        return int(await asyncio.to_thread((folder / "works").read_text, "ascii"))


async def hung(
    reader: PictureReader, tesseract: Path
) -> tuple[asyncio.Task[list[PictureFacts]], int]:
    """A reading that hangs in its program, and that program's process."""
    await reader.read([BLANK])
    os.mkfifo(tesseract / "works")
    hanging = asyncio.create_task(reader.read([PICTURE]))
    return hanging, await begun(tesseract)


async def test_what_hangs_is_stopped_in_time_and_the_next_picture_is_read(tesseract: Path) -> None:
    command, limits = without("rapidocr"), Limits(seconds=3.0)
    async with reading(limits, command, beside(tesseract)) as reader:
        async with asyncio.timeout(60):
            # The child may still be starting: the start goes on when a request gives up.
            while (await reader.read([BLANK]))[0].result is not Result.READ:
                pass
        os.mkfifo(tesseract / "works")
        loop = asyncio.get_running_loop()
        hanging, started = asyncio.create_task(reader.read([PICTURE, BLANK])), loop.time()
        program, child = await begun(tesseract), reader.child_pid
        assert child is not None
        first, second = await hanging
        assert loop.time() - started < limits.seconds + 2
        assert (first.result, second.result) == (Result.TOO_COSTLY, Result.TOO_COSTLY)
        assert len(first.pdq) == 64
        await gone(child)
        await gone(program)
        (tesseract / "works").unlink()
        async with asyncio.timeout(60):
            while (facts := (await reader.read([PICTURE]))[0]).result is not Result.READ:
                pass
        assert "بريطانيا" in facts.text


async def test_a_child_that_dies_at_work_is_replaced(tesseract: Path) -> None:
    async with reading(PATIENT, without("rapidocr"), beside(tesseract)) as reader:
        hanging, program = await hung(reader, tesseract)
        child = reader.child_pid
        assert child is not None
        os.kill(child, signal.SIGKILL)
        (facts,) = await hanging
        assert facts.result is Result.TOO_COSTLY
        await gone(program)
        (tesseract / "works").unlink()
        (again,) = await reader.read([PICTURE])
        assert again.result is Result.READ
        assert reader.child_pid != child


async def test_a_caller_that_goes_away_leaves_nothing_running(tesseract: Path) -> None:
    async with reading(PATIENT, without("rapidocr"), beside(tesseract)) as reader:
        hanging, program = await hung(reader, tesseract)
        child = reader.child_pid
        hanging.cancel()
        with pytest.raises(asyncio.CancelledError):
            await hanging
        assert child is not None
        await gone(child)
        await gone(program)


PARENT = """
import asyncio, sys
from services.classification.pictures.process import Limits
from services.classification.pictures.reader import PictureReader

async def main():
    reader = PictureReader(Limits(seconds=60), {command!r}, {path!r})
    await reader.read([bytes.fromhex({blank!r})])
    print("child", reader.child_pid, flush=True)
    sys.stdin.readline()
    await reader.read([bytes.fromhex({blank!r})])
asyncio.run(main())
"""


async def test_a_killed_service_leaves_no_child_behind(tesseract: Path) -> None:
    program = PARENT.format(command=without("rapidocr"), path=beside(tesseract), blank=BLANK.hex())
    pipe = asyncio.subprocess.PIPE
    parent = await asyncio.create_subprocess_exec(
        sys.executable, "-c", program, cwd=REPOSITORY, stdin=pipe, stdout=pipe
    )
    assert parent.stdin is not None
    assert parent.stdout is not None
    while not (line := await parent.stdout.readline()).startswith(b"child"):
        assert line
    os.mkfifo(tesseract / "works")
    parent.stdin.write(b"\n")
    hangs = await begun(tesseract)
    parent.kill()
    await parent.communicate()
    await gone(int(line.split()[1]))
    await gone(hangs)


async def test_a_child_is_replaced_after_so_many_pictures() -> None:
    limits = Limits(seconds=60.0, pictures=2)
    async with reading(limits, without("rapidocr"), "/nowhere") as reader:
        await reader.read([BLANK])
        first = reader.child_pid
        assert first is not None
        await reader.read([BLANK])
        await gone(first)
        await reader.read([BLANK])
        assert reader.child_pid not in (None, first)


@pytest.mark.parametrize(
    "command",
    [
        ("/nowhere/python",),
        ("/bin/false",),
        ("/bin/sh", "-c", "printf '\\377\\377\\377\\377 nonsense'; cat"),
        ("/bin/sh", "-c", "printf '\\000\\000\\000\\002{}'"),
        ("/bin/sh", "-c", "printf '\\000\\000\\000\\005nonse'; cat"),
    ],
)
async def test_a_child_that_does_not_start_or_talks_nonsense_is_no_error(
    command: tuple[str, ...],
) -> None:
    async with reading(command=command) as broken:
        (facts, _) = await broken.read([PICTURE, PICTURE])
    assert facts.result in (Result.NOT_READ, Result.TOO_COSTLY)
    assert facts.pdq == ""
    if facts.result is Result.NOT_READ:
        assert facts.why == NO_START


async def test_a_closed_reader_starts_nothing() -> None:
    reader = PictureReader(PATIENT)
    await reader.close()
    assert (await reader.read([PICTURE]))[0].why == NO_START
    assert reader.child_pid is None
