"""Pictures for tests, drawn when they are needed."""

from __future__ import annotations

import io
import struct
import zlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import matplotlib
from PIL import Image, ImageDraw, ImageFont

# Of a wheel that is here anyway: Pillow's own font has no marked letters.
FONT = Path(matplotlib.get_data_path()) / "fonts" / "ttf" / "DejaVuSans.ttf"
ADVERT = ("Boat to UK tonight,", "children free,", "WhatsApp 07700 900123")


def drawn(lines: Sequence[str] = ADVERT, size: tuple[int, int] = (640, 360)) -> Image.Image:
    """Dark letters on a light ground, with something to be told apart by."""
    image = Image.new("RGB", size, (240, 236, 220))
    draw = ImageDraw.Draw(image)
    draw.polygon([(0, size[1]), (size[0], size[1] * 2 // 3), size], fill=(70, 110, 160))
    for number, line in enumerate(lines):
        draw.text(
            (24, 30 + number * 70), line, fill=(20, 20, 30), font=ImageFont.truetype(str(FONT), 32)
        )
    return image


def encoded(image: Image.Image, kind: str = "PNG", **options: Any) -> bytes:
    into = io.BytesIO()
    image.save(into, kind, **options)
    return into.getvalue()


def header_only(width: int, height: int) -> bytes:
    """A PNG that says it is so large, of a few bytes."""

    def chunk(kind: bytes, body: bytes) -> bytes:
        checksum = struct.pack(">I", zlib.crc32(kind + body))
        return struct.pack(">I", len(body)) + kind + body + checksum

    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", head)
        + chunk(b"IDAT", zlib.compress(bytes(1000)))
        + chunk(b"IEND", b"")
    )
