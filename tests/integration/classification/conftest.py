"""A tesseract of the tests' own, in a folder of its own."""

from __future__ import annotations

from pathlib import Path

import pytest

TESSERACT = """#!/bin/sh
case "$1" in
  --list-langs) printf 'List of available languages (3):\\nara\\neng\\nfas\\n' ;;
  --version) printf 'tesseract 5.3.0\\n leptonica-1.82.0\\n' ;;
  *)
    if [ -p "{folder}/works" ]; then echo $$ > "{folder}/works"; exec sleep 600; fi
    head -c 2 | grep -q P6 || exit 3
    cat > /dev/null
    printf 'قارب إلى بريطانيا\\nlatin\\n\\n' ;;
esac
"""


@pytest.fixture
def tesseract(tmp_path: Path) -> Path:
    """A folder with a program of that name, which hangs once there is a pipe to tell of it."""
    program = tmp_path / "tesseract"
    program.write_text(TESSERACT.format(folder=tmp_path), "utf-8")
    program.chmod(0o755)
    return tmp_path
