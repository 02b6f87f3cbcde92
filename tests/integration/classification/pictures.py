"""Readers of pictures for tests, and what they are given to read."""

from __future__ import annotations

import os
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from PIL import Image

from services.classification.pictures.process import COMMAND, Limits
from services.classification.pictures.reader import PictureReader
from tests.fakes.pictures import drawn, encoded

PICTURE = encoded(drawn())
BLANK = encoded(Image.new("RGB", (200, 200), "white"))
# Long enough for a busy machine; what shall take too long is given less.
PATIENT = Limits(seconds=60.0)
# Starts in half the time.
_HIDING = (
    "import sys; sys.modules.update(dict.fromkeys({hidden!r}));"
    "from services.classification.pictures.child import main; sys.exit(main())"
)


def without(*hidden: str) -> tuple[str, ...]:
    """The child as it is where these modules are not installed."""
    return (sys.executable, "-P", "-B", "-c", _HIDING.format(hidden=hidden))


@asynccontextmanager
async def reading(
    limits: Limits = PATIENT, command: tuple[str, ...] = COMMAND, path: str | None = None
) -> AsyncIterator[PictureReader]:
    reader = PictureReader(limits, command, path)
    try:
        yield reader
    finally:
        await reader.close()


def beside(folder: Path) -> str:
    return f"{folder}:{os.defpath}"
