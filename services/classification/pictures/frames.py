"""What the service and the process that looks at pictures say to each other.

Frames: four bytes of length, big-endian, and so many bytes. To the child: one picture a frame.
From it: JSON, once ``Hello``, then for each picture ``Compared`` and ``Read``, or ``Read`` alone
where it is no picture. The child handles hostile bytes, so whatever it says is checked as such.
"""

from __future__ import annotations

import struct
from typing import Annotated, Final

from pydantic import BaseModel, ConfigDict, Field

from services.classification.pictures.facts import MAX_PICTURE_TEXT, Result

LENGTH: Final = struct.Struct(">I")
# Of a picture, as the contract has it, and of an answer: a text with every character escaped.
MAX_PICTURE: Final = 1 << 20
MAX_ANSWER: Final = 12 * MAX_PICTURE_TEXT + 4096


class _Frame(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Hello(_Frame):
    """The child is ready. ``reader`` is "" where it cannot read text, and ``why`` says why not;
    else ``why`` says what it does not look for, if anything."""

    reader: Annotated[str, Field(max_length=200)] = ""
    why: Annotated[str, Field(max_length=200)] = ""
    # Whether it has given up the network.
    cut_off: bool = False


class Compared(_Frame):
    """The picture could be decoded; text is looked for next."""

    pdq: Annotated[str, Field(pattern=r"^([0-9a-f]{64})?$")]
    quality: Annotated[int, Field(ge=0, le=100)]


class Read(_Frame):
    result: Result
    text: Annotated[str, Field(max_length=MAX_PICTURE_TEXT)] = ""


def frame(body: bytes) -> bytes:
    return LENGTH.pack(len(body)) + body
