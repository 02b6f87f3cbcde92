"""Generated code and what is committed beside it are one."""

from __future__ import annotations

import filecmp
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
BIN = Path(sys.executable).parent


@pytest.fixture
def environment() -> dict[str, str]:
    return {**os.environ, "VENV": str(BIN.parent)}


def _files(folder: Path) -> set[str]:
    found = (path for path in folder.rglob("*") if path.suffix in (".py", ".pyi"))
    return {str(path.relative_to(folder)) for path in found}


def test_generated_code_is_what_the_protos_say(tmp_path: Path, environment: dict[str, str]) -> None:
    subprocess.run(
        [str(ROOT / "infra" / "protos.sh"), str(tmp_path / "gen")], check=True, env=environment
    )
    committed, fresh = ROOT / "protos" / "gen", tmp_path / "gen"
    names = _files(fresh)
    assert names == _files(committed)
    _, differing, failed = filecmp.cmpfiles(committed, fresh, sorted(names), shallow=False)
    assert differing == []
    assert failed == []


def test_the_committed_image_is_the_contract_as_it_stands() -> None:
    done = subprocess.run(
        [str(BIN / "buf"), "breaking", "--against", "image.binpb"],
        cwd=ROOT / "protos", check=False, capture_output=True, text=True,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
