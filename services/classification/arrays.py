"""Files of plain arrays: a zip of .npy members, the same bytes for the same arrays.

No pickle in either direction: a model file can hold numbers and nothing that runs.
"""

from __future__ import annotations

import hashlib
import io
import json
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

# The largest model file that is read; the models of a release are a few megabytes.
LARGEST: Final = 64 << 20
_FACTS: Final = "facts.json"
# A zip member needs a date; one for all keeps the bytes the same.
_DATE: Final = (1980, 1, 1, 0, 0, 0)

Arrays = Mapping[str, NDArray[Any]]


class ModelFileError(ValueError):
    """A model file that cannot be used; the message names the file and the reason."""


def write(path: Path, arrays: Arrays, facts: Mapping[str, Any]) -> str:
    """Write arrays and JSON facts; the SHA-256 of the file."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as target:
        for name in sorted(arrays):
            member = io.BytesIO()
            plain = np.ascontiguousarray(arrays[name])
            np.lib.format.write_array(member, plain, version=(1, 0), allow_pickle=False)
            target.writestr(_member(f"{name}.npy"), member.getvalue())
        told = json.dumps(facts, indent=1, sort_keys=True, ensure_ascii=False)
        target.writestr(_member(_FACTS), told.encode("utf-8"))
    path.write_bytes(buffer.getvalue())
    return hashlib.sha256(buffer.getvalue()).hexdigest()


def _member(name: str) -> zipfile.ZipInfo:
    member = zipfile.ZipInfo(name, _DATE)
    member.compress_type = zipfile.ZIP_DEFLATED
    member.create_system = 3
    return member


def opened(folder: Path, name: str) -> tuple[dict[str, NDArray[Any]], dict[str, Any], str]:
    """As ``read``; raises ModelFileError also when the package's file cannot be opened."""
    try:
        return read(folder / name)
    except OSError as error:
        raise ModelFileError(f"{name}: cannot be opened ({error.strerror})") from error


def read(path: Path) -> tuple[dict[str, NDArray[Any]], dict[str, Any], str]:
    """(arrays, facts, SHA-256); raises ModelFileError, OSError when it cannot be opened."""
    if path.stat().st_size > LARGEST:
        raise ModelFileError(f"{path.name}: larger than {LARGEST} bytes")
    raw = path.read_bytes()
    arrays: dict[str, NDArray[Any]] = {}
    try:
        with zipfile.ZipFile(io.BytesIO(raw)) as source:
            if sum(member.file_size for member in source.infolist()) > LARGEST:
                raise ModelFileError(f"{path.name}: larger than {LARGEST} bytes unpacked")
            for name in source.namelist():
                if name.endswith(".npy"):
                    member = io.BytesIO(source.read(name))
                    arrays[name.removesuffix(".npy")] = np.lib.format.read_array(
                        member, allow_pickle=False
                    )
            facts = json.loads(source.read(_FACTS))
    except (zipfile.BadZipFile, KeyError, EOFError, ValueError, zipfile.LargeZipFile) as error:
        raise ModelFileError(f"{path.name}: damaged ({error})") from error
    if not isinstance(facts, dict):
        raise ModelFileError(f"{path.name}: damaged (its facts are no object)")
    return arrays, facts, hashlib.sha256(raw).hexdigest()
