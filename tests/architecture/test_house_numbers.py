"""The house numbers of the style: short functions, short files, tiny mains."""

from __future__ import annotations

import ast
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
P90_LINES = 30
FILE_LINES = 300
MAIN_LINES = 60


def sources() -> list[Path]:
    found = [p for top in ("services", "workflows", "infra") for p in (ROOT / top).rglob("*.py")]
    return [path for path in found if "migrations" not in path.parts]


def checks() -> list[Path]:
    return list((ROOT / "tests").rglob("*.py"))


def test_nine_functions_in_ten_fit_in_thirty_lines() -> None:
    lengths = sorted(
        (node.end_lineno or node.lineno) - node.lineno + 1
        for path in sources()
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef))
    )
    assert lengths[int(len(lengths) * 0.9)] <= P90_LINES


def test_files_are_short() -> None:
    long = {
        str(path.relative_to(ROOT)): count
        for path in [*sources(), *checks()]
        if (count := len(path.read_text(encoding="utf-8").splitlines())) > FILE_LINES
    }
    assert long == {}


def test_mains_are_tiny() -> None:
    mains = [path for path in sources() if path.name == "__main__.py"]
    long = [
        str(path.relative_to(ROOT))
        for path in mains
        if len(path.read_text(encoding="utf-8").splitlines()) > MAIN_LINES
    ]
    assert long == []


def test_no_hole_is_left_in_the_code() -> None:
    words = ("TODO", "FIXME", "NotImplementedError")
    holes = [
        f"{path.relative_to(ROOT)}: {word}"
        for path in sources()
        for word in words
        if word in path.read_text(encoding="utf-8")
    ]
    assert holes == []
