"""Look at pictures in a process of their own, which may crash, hang or be taken over.

A child is started when the first picture comes, looks at one picture after the other, and is
replaced after so many, and after any fault. Bytes and text stand in no log.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Sequence
from typing import Final

import structlog

from services.classification.pictures import frames
from services.classification.pictures.facts import PictureFacts, Result
from services.classification.pictures.frames import Compared, Hello, Read
from services.classification.pictures.process import COMMAND, Child, ChildError, Limits

# After a start that failed, none is tried for so long: it would fail again.
PAUSE_SECONDS: Final = 30.0
NO_START: Final = "the reader of pictures does not start here"
FAILED: Final = "the reader of text failed on it"
_log = structlog.get_logger("pictures")


class PictureReader:
    """One child at a time; requests wait for each other. For one event loop; ``close`` it."""

    def __init__(
        self,
        limits: Limits = Limits(),  # noqa: B008 - frozen
        command: Sequence[str] = COMMAND,
        path: str | None = None,
    ) -> None:
        """``path``: where programs are looked for, that of this process when None."""
        self._limits = limits
        self._command = command
        self._path = os.environ.get("PATH", os.defpath) if path is None else path
        self._turn = asyncio.Lock()
        self._child: Child | None = None
        self._starting: asyncio.Task[Child] | None = None
        self._not_before = 0.0
        self._closed = False

    @property
    def child_pid(self) -> int | None:
        """Of the child that looks at pictures now; None while there is none."""
        return self._child.pid if self._child is not None and self._child.alive else None

    async def read(self, contents: Sequence[bytes]) -> list[PictureFacts]:
        """What is known of each picture, in order. Never raises for a picture, whatever it is.

        What is not done after ``Limits.seconds`` is TOO_COSTLY.
        """
        found: list[PictureFacts] = []
        until = asyncio.get_running_loop().time() + self._limits.seconds
        for content in contents:
            seen: list[Compared] = []
            try:
                async with asyncio.timeout_at(until), self._turn:
                    facts = await self._look(content, seen)
            except TimeoutError:
                facts = PictureFacts(Result.TOO_COSTLY)
            found.append(_with_hash(facts, seen))
        return found

    async def close(self) -> None:
        """End the child, also one that is just starting. What is asked later is NOT_READ."""
        self._closed = True
        if self._starting is not None:
            self._starting.cancel()
            await asyncio.gather(self._starting, return_exceptions=True)
        if self._child is not None:
            await self._child.end()

    async def _look(self, content: bytes, seen: list[Compared]) -> PictureFacts:
        if not 0 < len(content) <= frames.MAX_PICTURE:
            return PictureFacts(Result.TOO_COSTLY if content else Result.NOT_A_PICTURE)
        child = await self._ready()
        if child is None:
            return PictureFacts(Result.NOT_READ, why=NO_START)
        try:
            read = await _told(child, content, seen)
        except ChildError as error:
            # A crash is what a picture did to it: memory, processor time, or a decoder's bug.
            _log.warning("picture_reader_failed", error=str(error))
            await child.end()
            return PictureFacts(Result.TOO_COSTLY)
        except BaseException:
            # Out of time, or the caller has gone: it may hang, and what it says comes too late.
            _log.warning("picture_reader_stopped")
            await child.end()
            raise
        if child.looked_at >= self._limits.pictures:
            await child.end()
        return _facts(read, child.hello)

    async def _ready(self) -> Child | None:
        """A child that waits for a picture; None when none can be had.

        A start goes on when the request that caused it has run out of time: the next finds it.
        """
        if self._child is not None and self._child.alive:
            return self._child
        now = asyncio.get_running_loop().time()
        if self._closed or (self._starting is None and now < self._not_before):
            return None
        if self._starting is None:
            self._starting = asyncio.create_task(
                Child.start(self._limits, self._command, self._path)
            )
            self._starting.add_done_callback(self._started)
        try:
            return await asyncio.shield(self._starting)
        except (ChildError, OSError, TimeoutError):
            # Of the start; this request's own time ends it by cancelling.
            return None

    def _started(self, start: asyncio.Task[Child]) -> None:
        self._starting = None
        if start.cancelled():
            return
        error = start.exception()
        if error is not None:
            self._not_before = start.get_loop().time() + PAUSE_SECONDS
            _log.warning("picture_reader_not_started", error=type(error).__name__)
            return
        self._child = start.result()
        hello = self._child.hello
        _log.info("picture_reader_started", reader=hello.reader, why=hello.why,
                  network=not hello.cut_off)  # fmt: skip


async def _told(child: Child, content: bytes, seen: list[Compared]) -> Read:
    """What the child says of a picture; its hash stands in ``seen`` as soon as it is known."""
    await child.give(content)
    answer: Compared | Read = await child.answer(Compared, Read)
    if isinstance(answer, Read):
        return answer
    seen.append(answer)
    return await child.answer(Read)


def _facts(read: Read, hello: Hello) -> PictureFacts:
    reader = hello.reader if read.result is Result.READ else ""
    why = ""
    if read.result is Result.READ:
        why = hello.why
    elif read.result is Result.NOT_READ:
        why = FAILED if hello.reader else hello.why or FAILED
    return PictureFacts(read.result, reader=reader, text=_clean(read.text), why=why)


def _with_hash(facts: PictureFacts, seen: Sequence[Compared]) -> PictureFacts:
    if not seen:
        return facts
    return PictureFacts(
        facts.result, seen[0].pdq, seen[0].quality, facts.reader, facts.text, facts.why
    )


def _clean(text: str) -> str:
    """Without control and formatting characters, which no picture shows."""
    lines = ("".join(c if c.isprintable() else " " for c in line) for line in text.splitlines())
    return "\n".join(line.strip() for line in lines if line.strip())
