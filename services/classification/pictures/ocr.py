"""Text in pictures, in the child: rapidocr for Latin letters, tesseract for Arabic ones.

rapidocr (PP-OCR on onnxruntime) is of the extra ``pictures`` and brings its models in its wheel;
they are named here by path, because without one it would download what it misses. tesseract is
used where its program is on PATH with a language in Arabic script.
"""

from __future__ import annotations

import importlib.metadata
import os
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any, Final, Protocol

import numpy as np
from numpy.typing import NDArray

from services.classification.pictures import hardening
from services.classification.pictures.facts import MAX_PICTURE_TEXT, NOT_INSTALLED

Pixels = NDArray[Any]
_DETECTION: Final = "PP-OCRv6_det_small.onnx"
_RECOGNITION: Final = "PP-OCRv6_rec_small.onnx"
_ARABIC_PACKS: Final = ("ara", "fas", "pus", "ckb", "kur_ara", "Arabic", "script/Arabic")
_ARABIC: Final = re.compile("[\u0600-\u06ff\u0750-\u077f\u08a0-\u08ff\ufb50-\ufdff\ufe70-\ufefc]")
_VERSION: Final = re.compile(r"^tesseract v?(\d+(?:\.\d+)*)")


class OcrUnavailableError(RuntimeError):
    """Nothing reads text here; the message says why."""


class Reader(Protocol):
    name: str

    def lines(self, pixels: Pixels) -> list[str]:
        """Lines of text in red-green-blue pixels of (height, width, 3), from top to bottom."""


class LatinReader:
    """Raises OcrUnavailableError when the extra is missing or its models do not load."""

    def __init__(self) -> None:
        try:
            import cv2
            import rapidocr
        except ImportError as error:
            raise OcrUnavailableError(NOT_INSTALLED) from error
        cv2.setNumThreads(1)
        models = Path(rapidocr.__file__).with_name("models")
        self.name = f"rapidocr {importlib.metadata.version('rapidocr')}"
        try:
            self._engine: Any = rapidocr.RapidOCR(params=_parameters(models))
            # Models are loaded when they are first needed: now, while that is nobody's picture.
            self.lines(np.full((64, 64, 3), 255, np.uint8))
            self._engine(np.full((48, 64, 3), 255, np.uint8), use_det=False)
        except Exception as error:
            raise OcrUnavailableError(
                f"the reader of text does not load here ({type(error).__name__})"
            ) from error

    def lines(self, pixels: Pixels) -> list[str]:
        # What one call leaves out, later ones would leave out as well.
        found = self._engine(np.ascontiguousarray(pixels[:, :, ::-1]), use_det=True)
        return [str(line) for line in found.txts or ()]


def _parameters(models: Path) -> dict[str, Any]:
    return {
        "Global.log_level": "critical",
        "Global.use_cls": False,
        "Det.model_path": str(models / _DETECTION),
        "Rec.model_path": str(models / _RECOGNITION),
        # As it comes: small pictures would be made larger, and cost more, for little.
        "Det.limit_type": "max",
        "Det.limit_side_len": 960,
        # A line at a time holds the memory down.
        "Rec.rec_batch_num": 1,
        "EngineConfig.onnxruntime.intra_op_num_threads": 1,
        "EngineConfig.onnxruntime.inter_op_num_threads": 1,
    }


class ArabicReader:
    """Raises OcrUnavailableError when there is no such program, or no pack for it."""

    def __init__(self, *, latin_too: bool) -> None:
        program = shutil.which("tesseract")
        if program is None:
            raise OcrUnavailableError("tesseract is not installed")
        self._program = program
        there = set(self._run("--list-langs").decode("utf-8", "replace").split("\n"))
        packs = [pack for pack in _ARABIC_PACKS if pack in there]
        if not packs:
            raise OcrUnavailableError("tesseract has no language in Arabic script")
        version = _VERSION.match(self._run("--version").decode("utf-8", "replace"))
        self.name = f"tesseract {version[1] if version else ''} ({', '.join(packs)})"
        self.latin_too = latin_too and "eng" in there
        self._packs = "+".join([*packs, "eng"] if self.latin_too else packs)

    def lines(self, pixels: Pixels) -> list[str]:
        from PIL import Image

        header = f"P6 {pixels.shape[1]} {pixels.shape[0]} 255\n".encode("ascii")
        picture = header + Image.fromarray(pixels).tobytes()
        found = self._run("stdin", "stdout", "-l", self._packs, given=picture)
        lines = found[: 8 * MAX_PICTURE_TEXT].decode("utf-8", "ignore").splitlines()
        # What rapidocr reads better is left to it.
        return [line for line in lines if self.latin_too or _ARABIC.search(line)]

    def _run(self, *arguments: str, given: bytes = b"") -> bytes:
        """What it wrote. The child's limits hold for it, and the child's end is its own."""
        child = os.getpid()
        done = subprocess.run(  # noqa: S603 - one thread, and a path that was looked up
            [self._program, *arguments], input=given, capture_output=True, check=False,
            env={"PATH": os.environ.get("PATH", ""), "OMP_THREAD_LIMIT": "1", "LC_ALL": "C.UTF-8"},
            preexec_fn=lambda: hardening.die_with(child),
        )  # fmt: skip
        if done.returncode:
            raise OcrUnavailableError(f"tesseract ended with {done.returncode}")
        return done.stdout


def readers() -> tuple[list[Reader], str]:
    """What reads text here; where nothing does, why, and else what is not looked for, and why."""
    try:
        latin, no_latin = [LatinReader()], ""
    except OcrUnavailableError as error:
        latin, no_latin = [], str(error)
    try:
        arabic = ArabicReader(latin_too=not latin)
    except OcrUnavailableError as error:
        return [*latin], no_latin or f"Arabic script was not looked for ({error})"
    if latin or arabic.latin_too:
        return [*latin, arabic], ""
    return [arabic], f"Latin letters were not looked for ({no_latin})"
