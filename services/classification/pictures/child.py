"""The process that looks at pictures: ``python -m services.classification.pictures.child``.

It gives up what it can (``hardening``), says that it is ready, and answers one picture after the
other until its input ends. ``frames`` has the protocol.
"""

from __future__ import annotations

import argparse
import os
import sys
from typing import Any, BinaryIO

from services.classification.pictures import frames, hardening
from services.classification.pictures.facts import MAX_PICTURE_TEXT, NOT_INSTALLED, Result
from services.classification.pictures.frames import Compared, Hello, Read


class Child:
    """``read`` is called once a picture and tells of it through ``tell``."""

    def __init__(self, answers: BinaryIO) -> None:
        self._answers = answers
        self._readers: list[Any] = []
        self._decodes = False

    def tell(self, answer: Hello | Compared | Read) -> None:
        self._answers.write(frames.frame(answer.model_dump_json().encode("utf-8")))
        self._answers.flush()

    def load(self, *, cut_off: bool) -> Hello:
        """Load decoders and readers, and be ready."""
        try:
            from services.classification.pictures import decoding  # noqa: F401
        except ImportError:
            return Hello(why=NOT_INSTALLED, cut_off=cut_off)
        from services.classification.pictures import ocr

        self._decodes = True
        self._readers, why = ocr.readers()
        names = " and ".join(reader.name for reader in self._readers)
        if not any(isinstance(reader, ocr.ArabicReader) for reader in self._readers):
            hardening.no_more_processes()
        return Hello(reader=names[:200], why=why, cut_off=cut_off)

    def read(self, content: bytes) -> None:
        if not self._decodes:
            self.tell(Read(result=Result.NOT_READ))
            return
        from services.classification.pictures import decoding, pdq

        try:
            decoded = decoding.decode(content)
            hashed, quality = pdq.compute(decoded.compared)
        except decoding.UndecodableError as error:
            self.tell(Read(result=error.result))
            return
        except MemoryError:
            self.tell(Read(result=Result.TOO_COSTLY))
            return
        # Told first: should reading take too long, this much is known.
        self.tell(Compared(pdq=hashed, quality=quality))
        self.tell(self._text(decoded.legible))

    def _text(self, pixels: Any) -> Read:
        if not self._readers:
            return Read(result=Result.NOT_READ)
        if pixels is None:
            return Read(result=Result.READ)
        lines: list[str] = []
        try:
            for reader in self._readers:
                lines += reader.lines(pixels)
        except Exception as error:
            # Out of memory comes in each library's own dress.
            spent = isinstance(error, MemoryError) or "bad_alloc" in str(error)
            return Read(result=Result.TOO_COSTLY if spent else Result.NOT_READ)
        kept = [stripped for line in lines if (stripped := " ".join(line.split()))]
        return Read(result=Result.READ, text="\n".join(kept)[:MAX_PICTURE_TEXT])


def main(arguments: list[str] | None = None) -> int:
    """0 when its input has ended, 1 for what no service of ours would send."""
    parser = argparse.ArgumentParser()
    for name in ("parent", "memory", "cpu", "cpu-each"):
        parser.add_argument(f"--{name}", type=int, required=True)
    given = parser.parse_args(arguments)
    cut_off = hardening.isolate()
    hardening.die_with(given.parent)
    hardening.limit(given.memory, given.cpu)
    pictures = sys.stdin.buffer
    # Libraries that print shall not print into the protocol.
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    child = Child(answers)
    child.tell(child.load(cut_off=cut_off))
    while header := pictures.read(frames.LENGTH.size):
        if len(header) < frames.LENGTH.size:
            return 1
        (length,) = frames.LENGTH.unpack(header)
        if length > frames.MAX_PICTURE:
            return 1
        hardening.cpu_from_now(given.cpu_each)
        child.read(pictures.read(length))
    return 0


if __name__ == "__main__":
    sys.exit(main())
