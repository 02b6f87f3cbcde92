"""What is known of pictures once they were looked at, and how that is told. Plain Python."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from services.classification.domain import MAX_TEXT

# Characters that are taken of one picture's text.
MAX_PICTURE_TEXT: Final = 5_000


class Result(StrEnum):
    """Named as ``PictureResult`` of the contract."""

    READ = "READ"
    NOT_READ = "NOT_READ"
    NOT_A_PICTURE = "NOT_A_PICTURE"
    TOO_COSTLY = "TOO_COSTLY"


@dataclass(frozen=True, slots=True)
class PictureFacts:
    """``pdq``: 64 lower-case hexadecimal digits or ""; ``pdq_quality``: 0 to 100.

    ``reader`` is what looked for text, "" when nothing did; ``why`` says what hindered it where
    the result alone does not, and of what was read, what was not looked for.
    """

    result: Result
    pdq: str = ""
    pdq_quality: int = 0
    reader: str = ""
    text: str = ""
    why: str = ""


NOT_INSTALLED: Final = "the extra 'pictures' is not installed"
_BECAUSE: Final = {
    Result.NOT_READ: NOT_INSTALLED,
    Result.NOT_A_PICTURE: "it is no picture (no whole JPEG, PNG, WebP or GIF)",
    Result.TOO_COSTLY: "reading it takes more time, memory or pixels than it may",
}
_BECAUSE_MANY: Final = {
    Result.NOT_READ: NOT_INSTALLED,
    Result.NOT_A_PICTURE: "they are no pictures (no whole JPEG, PNG, WebP or GIF)",
    Result.TOO_COSTLY: "reading them takes more time, memory or pixels than it may",
}


def text(pictures: Sequence[PictureFacts], beside: int) -> tuple[str, bool]:
    """What was read, picture by picture, and whether some was left out.

    Beside a text of ``beside`` characters and a line break it fits into what an engine reads.
    """
    read = "\n".join(picture.text for picture in pictures if picture.text)
    room = max(0, MAX_TEXT - beside - 1)
    return read[:room], len(read) > room


def warnings(pictures: Sequence[PictureFacts], cut: bool = False) -> list[str]:
    """English sentences on what could not be read, or was not looked for; none when all was."""
    unread = Counter((p.result, p.why) for p in pictures if p.result is not Result.READ)
    told = [_warning(result, why, count, len(pictures)) for (result, why), count in unread.items()]
    lacking = {picture.why: None for picture in pictures if picture.result is Result.READ}
    told += [f"In the pictures {why}." for why in lacking if why]
    if cut:
        told.append("The text in the pictures was cut: text and pictures together are too long.")
    return told


def _warning(result: Result, why: str, count: int, of: int) -> str:
    some = "One" if count == 1 else str(count)
    which = "The picture" if of == 1 else f"{some} of {of} pictures"
    because = why or (_BECAUSE if count == 1 else _BECAUSE_MANY)[result]
    return f"{which} could not be read: {because}."
