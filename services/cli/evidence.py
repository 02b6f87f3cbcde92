"""Files that go along with a submission."""

from __future__ import annotations

import hashlib
import mimetypes
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from services.cli.output import Failure
from takedown.intake.v1 import referral_service_pb2 as pb

# As many, and of so many bytes each, as intake takes.
MOST: Final = 8
MOST_BYTES: Final = 1 << 20
_OTHERWISE: Final = "application/octet-stream"


def attach(request: pb.SubmitReferralRequest, paths: Sequence[Path]) -> None:
    """Put each file's bytes, its name and its SHA-256 into ``request``.

    Raises:
        Failure: too many files, or one that cannot be read, is empty or too large; which, and why.
    """
    if len(paths) > MOST:
        raise Failure(f"A submission takes at most {MOST} files; give --evidence less often.")
    for path in paths:
        content = _read(path)
        request.evidence.add(
            file_name=path.name,
            media_type=mimetypes.guess_type(path.name)[0] or _OTHERWISE,
            content=content,
            sha256=hashlib.sha256(content).hexdigest(),
        )


def _read(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            content = file.read(MOST_BYTES + 1)
    except OSError as error:
        raise Failure(f"{path} cannot be read: {error.strerror}.") from error
    if not content:
        raise Failure(f"{path} is empty.")
    if len(content) > MOST_BYTES:
        raise Failure(f"{path} is larger than {MOST_BYTES} bytes; send a smaller copy of it.")
    return content
