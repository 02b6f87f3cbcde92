"""PDQ, the perceptual hash of pictures that platforms and hotlines exchange.

After "The TMK+PDQF Video-Hashing Algorithm and the PDQ Image-Hashing Algorithm" (Facebook, 2019)
and the reference code in github.com/facebook/ThreatExchange (docs/decisions/0022). Two hashes
that differ in at most 31 of 256 bits are taken for the same picture.
"""

from __future__ import annotations

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

# A larger picture is made this wide and high first, as the reference program does.
LARGEST: Final = 512
# A smaller one has nothing to be compared by.
SMALLEST: Final = 5
SAME: Final = 31
_SMALL: Final = 64
_KEPT: Final = 16
_QUALITY_DIVISOR: Final = 90
_LUMA: Final = np.array([0.299, 0.587, 0.114])
# Rows 1 to 16 of the discrete cosine transform: without the mean, without fine detail.
_DCT: Final[Floats] = np.sqrt(2.0 / _SMALL) * np.cos(
    np.pi / 2.0 / _SMALL * np.outer(np.arange(1, _KEPT + 1), 2 * np.arange(_SMALL) + 1)
)


def compute(pixels: NDArray[Any]) -> tuple[str, int]:
    """Hash (64 lower-case hexadecimal digits) and quality (0 to 100) of red-green-blue pixels.

    ``pixels`` is (height, width, 3) of 0 to 255, at most LARGEST a side. ("", 0) for a picture of
    fewer than SMALLEST pixels a side.
    """
    if min(pixels.shape[:2]) < SMALLEST:
        return "", 0
    blurred = pixels @ _LUMA
    windows = [(side + 2 * _SMALL - 1) // (2 * _SMALL) for side in blurred.shape]
    for _ in range(2):
        blurred = _means(_means(blurred.T, windows[1]).T, windows[0])
    small = blurred[np.ix_(*(_centres(side) for side in blurred.shape))]
    waves = (_DCT @ small @ _DCT.T).ravel()
    # The lower of the two middle values, as the reference takes it.
    bits = waves > np.partition(waves, waves.size // 2 - 1)[waves.size // 2 - 1]
    return np.packbits(bits[::-1]).tobytes().hex(), _quality(small)


def distance(one: str, other: str) -> int:
    """Bits in which two hashes differ, 0 to 256."""
    return (int(one, 16) ^ int(other, 16)).bit_count()


def _means(values: Floats, window: int) -> Floats:
    """Along the first axis: the mean of ``window`` neighbours, of fewer at the edges."""
    after = (window + 2) // 2
    before = window - after
    sums = np.concatenate([np.zeros((1, values.shape[1])), np.cumsum(values, axis=0)])
    places = np.arange(len(values))
    start = np.maximum(places - before, 0)
    end = np.minimum(places + after, len(values))
    means: Floats = (sums[end] - sums[start]) / (end - start)[:, None]
    return means


def _centres(side: int) -> NDArray[np.int64]:
    centres: NDArray[np.int64] = ((np.arange(_SMALL) + 0.5) * side / _SMALL).astype(np.int64)
    return centres


def _quality(small: Floats) -> int:
    """How much there is to be told apart: a blank picture has 0."""
    steps = sum(
        int(np.abs(np.trunc(np.diff(small, axis=axis) * 100.0 / 255.0)).sum()) for axis in (0, 1)
    )
    return min(100, steps // _QUALITY_DIVISOR)
