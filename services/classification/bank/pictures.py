"""Which pictures the bank can know again."""

from __future__ import annotations

import re
from typing import Final

from services.classification.bank.numbers import PDQ_QUALITY
from services.classification.pictures.facts import PictureFacts

_PDQ: Final = re.compile("[0-9a-f]{64}")


def comparable(picture: PictureFacts) -> bool:
    """A picture of little structure is like many others."""
    return picture.pdq_quality >= PDQ_QUALITY and _PDQ.fullmatch(picture.pdq) is not None
