"""One child process, from the service's side: started, spoken with, and ended for certain."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from asyncio.subprocess import DEVNULL, PIPE, Process
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final, TypeVar

from pydantic import BaseModel, ValidationError

from services.classification.pictures import frames
from services.classification.pictures.frames import Hello

# Of the installed package or the repository: all that the child needs to find itself.
_ROOT: Final = Path(__file__).resolve().parents[3]
COMMAND: Final = (sys.executable, "-P", "-B", "-m", "services.classification.pictures.child")
Answer = TypeVar("Answer", bound=BaseModel)


@dataclass(frozen=True, slots=True)
class Limits:
    """``seconds``: for all pictures of one request; ``start_seconds``: to load decoders and models.

    ``memory``: bytes of address space (1.2 GiB have been seen in use); ``cpu_seconds``: processor
    time of one picture; ``pictures``: that one process looks at before another takes its place.
    """

    seconds: float = 6.0
    start_seconds: float = 30.0
    memory: int = 1536 << 20
    cpu_seconds: int = 10
    pictures: int = 100


class ChildError(Exception):
    """The child has ended, or does not keep to the protocol."""


class Child:
    """Not for two tasks at once. After any error, ``end`` it."""

    def __init__(self, process: Process, hello: Hello) -> None:
        self._process = process
        self.hello = hello
        self.looked_at = 0

    @classmethod
    async def start(cls, limits: Limits, command: Sequence[str], path: str) -> Child:
        """A child that is ready; ``path`` is where it looks for programs.

        Raises ChildError when it ends, OSError when it cannot be started, and TimeoutError after
        ``start_seconds``; nothing is left of it then.
        """
        process = await asyncio.create_subprocess_exec(
            *command, "--parent", str(os.getpid()), "--memory", str(limits.memory),
            "--cpu", str(int(limits.start_seconds) + limits.pictures * limits.cpu_seconds),
            "--cpu-each", str(limits.cpu_seconds),
            stdin=PIPE, stdout=PIPE, stderr=DEVNULL, cwd="/", start_new_session=True,
            env={"PYTHONPATH": str(_ROOT), "PATH": path, "LC_ALL": "C.UTF-8",
                 "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"},
        )  # fmt: skip
        child = cls(process, Hello())
        try:
            async with asyncio.timeout(limits.start_seconds):
                child.hello = await child.answer(Hello)
        except BaseException:
            await child.end()
            raise
        return child

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def alive(self) -> bool:
        return self._process.returncode is None

    async def give(self, content: bytes) -> None:
        """Raises ChildError when it does not listen any more."""
        writer = self._process.stdin
        self.looked_at += 1
        try:
            assert writer is not None  # noqa: S101 - it was started with a pipe
            writer.write(frames.frame(content))
            await writer.drain()
        except (ConnectionError, RuntimeError) as error:
            raise ChildError("it does not listen") from error

    async def answer(self, *kinds: type[Answer]) -> Answer:
        """The next frame, of the first kind that it fits. Raises ChildError."""
        reader = self._process.stdout
        assert reader is not None  # noqa: S101 - it was started with a pipe
        try:
            (length,) = frames.LENGTH.unpack(await reader.readexactly(frames.LENGTH.size))
            if length > frames.MAX_ANSWER:
                raise ChildError("its answer is too long")
            body = await reader.readexactly(length)
        except (asyncio.IncompleteReadError, ConnectionError) as error:
            raise ChildError("it ended") from error
        for kind in kinds:
            with suppress(ValidationError):
                return kind.model_validate_json(body)
        raise ChildError("its answer is none")

    async def end(self) -> None:
        """Kill it and all that it started, and wait until it is gone. Idempotent."""
        if self.alive:
            with suppress(ProcessLookupError):
                # Its session's group, and so what it started as well.
                os.killpg(self._process.pid, signal.SIGKILL)
        if self._process.stdin is not None:
            self._process.stdin.close()
        # A cancelled caller leaves no process behind either.
        await asyncio.shield(self._process.wait())
