"""Which way imports may point is executed, not remembered."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
BIN = Path(sys.executable).parent


def test_imports_point_only_where_they_may() -> None:
    done = subprocess.run(
        [str(BIN / "lint-imports")], cwd=ROOT, check=False, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stdout


def test_production_never_imports_tests() -> None:
    found = [
        str(path.relative_to(ROOT))
        for top in ("services", "workflows", "infra")
        for path in (ROOT / top).rglob("*.py")
        if "from tests" in path.read_text(encoding="utf-8")
    ]
    assert found == []
