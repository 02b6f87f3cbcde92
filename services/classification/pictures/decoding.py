"""Bytes to pixels, in the child. Needs Pillow, of the extra ``pictures``."""

from __future__ import annotations

import io
import warnings
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps

from services.classification.pictures import pdq
from services.classification.pictures.facts import Result

FORMATS: Final = ("JPEG", "PNG", "WEBP", "GIF")
MAX_PIXELS: Final = 25_000_000
# The longer side of what text is looked for in: the time grows with the pixels.
READ_SIDE: Final = 960
# Less than a letter.
_LEGIBLE: Final = 8


class UndecodableError(ValueError):
    """``result`` says why: NOT_A_PICTURE or TOO_COSTLY."""

    def __init__(self, result: Result) -> None:
        super().__init__(result)
        self.result = result


@dataclass(frozen=True, slots=True)
class Decoded:
    """Arrays of (height, width, 3), red-green-blue; ``legible`` is None where no letter fits."""

    compared: NDArray[Any]
    legible: NDArray[Any] | None


def decode(content: bytes) -> Decoded:
    """The first frame of a picture, in the sizes that hash and reader want.

    What the bytes are is found out from them. Pixels are counted in the header, before anything
    is decoded. Raises UndecodableError; MemoryError where the address space does not suffice.
    """
    try:
        with warnings.catch_warnings():
            # It is counted here, and a warning would go nowhere.
            warnings.simplefilter("ignore")
            with Image.open(io.BytesIO(content), formats=FORMATS) as image:
                if image.width * image.height > MAX_PIXELS:
                    raise UndecodableError(Result.TOO_COSTLY)
                return _sized(image)
    except Image.DecompressionBombError:
        raise UndecodableError(Result.TOO_COSTLY) from None
    except (UndecodableError, MemoryError):
        raise
    except Exception:
        # Decoders of damaged bytes raise what they like: OSError, SyntaxError, struct.error.
        raise UndecodableError(Result.NOT_A_PICTURE) from None


def _sized(image: Image.Image) -> Decoded:
    image.load()
    plain = image.convert("RGB")
    size = (min(plain.width, pdq.LARGEST), min(plain.height, pdq.LARGEST))
    # Turning and transparency are for reading: other people's hashes are of the bare pixels.
    compared = plain.resize(size, Image.Resampling.BILINEAR, reducing_gap=2.0)
    legible = ImageOps.exif_transpose(_opaque(image, plain))
    shown = np.asarray(legible) if min(legible.size) >= _LEGIBLE else None
    return Decoded(np.asarray(compared), shown)


def _opaque(image: Image.Image, plain: Image.Image) -> Image.Image:
    """As large as text is read in; on white where it is see-through, as applications show it."""
    through = image.has_transparency_data
    layer = image.convert("RGBA") if through else plain
    layer.thumbnail((READ_SIDE, READ_SIDE), Image.Resampling.LANCZOS, reducing_gap=2.0)
    if not through:
        return layer
    ground = Image.new("RGBA", layer.size, "white")
    ground.alpha_composite(layer)
    return ground.convert("RGB")
