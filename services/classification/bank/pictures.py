"""What the bank needs of a picture, and who finds it out."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final, Protocol

from services.classification.bank.numbers import PDQ_QUALITY
from services.classification.pictures.facts import PictureFacts

_PDQ: Final = re.compile("[0-9a-f]{64}")


class PictureReader(Protocol):
    async def read(self, contents: Sequence[bytes]) -> list[PictureFacts]:
        """The facts of each picture, in order; one that is no picture has an empty ``pdq``."""


def comparable(picture: PictureFacts) -> bool:
    """A picture of little structure is like many others."""
    return picture.pdq_quality >= PDQ_QUALITY and _PDQ.fullmatch(picture.pdq) is not None
