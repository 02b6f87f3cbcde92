"""What a process that decodes hostile pictures gives up before it begins (Linux; man setrlimit)."""

from __future__ import annotations

import ctypes
import math
import os
import resource
import signal
import sys
import time
from typing import Final

MEBIBYTE: Final = 1 << 20
_PR_SET_PDEATHSIG: Final = 1
_PR_SET_NO_NEW_PRIVS: Final = 38
_CLONE_NEWUSER: Final = 0x10000000
_CLONE_NEWNET: Final = 0x40000000
_OPEN_FILES: Final = 64


def limit(memory: int, cpu_seconds: int) -> None:
    """No core, no file written, so much address space (bytes) and processor time (for its life)."""
    resource.setrlimit(resource.RLIMIT_AS, (memory, memory))
    resource.setrlimit(resource.RLIMIT_CPU, (cpu_seconds, cpu_seconds))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
    resource.setrlimit(resource.RLIMIT_NOFILE, (_OPEN_FILES, _OPEN_FILES))


def cpu_from_now(seconds: int) -> None:
    """Killed (SIGXCPU) after so much more processor time; within what ``limit`` left."""
    most = resource.getrlimit(resource.RLIMIT_CPU)[1]
    soon = math.ceil(time.process_time()) + seconds
    resource.setrlimit(resource.RLIMIT_CPU, (min(soon, most), most))


def no_more_processes() -> None:
    """From now on it starts no process and no thread (root is exempt where it kept its rights)."""
    resource.setrlimit(resource.RLIMIT_NPROC, (0, 0))


def isolate() -> bool:
    """No new privileges; no network, where the kernel lets a process give it up: whether it did."""
    if not sys.platform.startswith("linux"):
        return False
    libc = ctypes.CDLL(None, use_errno=True)
    libc.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
    return int(libc.unshare(_CLONE_NEWUSER | _CLONE_NEWNET)) == 0


def die_with(parent: int) -> None:
    """Be killed when ``parent`` ends, however it ends; at once if it has ended already.

    Called after ``isolate``, which changes credentials and so forgets it.
    """
    if sys.platform.startswith("linux"):
        ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    if os.getppid() != parent:
        sys.exit(1)
