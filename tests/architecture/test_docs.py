"""What the documentation names exists: functions, reasons, links and make targets."""

from __future__ import annotations

import ast
import re
from functools import cache
from pathlib import Path

from services.kernel.errors import REASONS
from services.observation.platforms import REGISTRY
from workflows.lifecycle import TABLE, State

ROOT = Path(__file__).resolve().parents[2]
_FUNCTION = re.compile(r"`((?:services|workflows|infra)/[\w/]+\.py):([\w.]+)`")
_TEST = re.compile(r"`(test_\w+)`")
_LINK = re.compile(r"\]\(([^)\s#]+)(?:#[^)\s]*)?\)")
_REASON_ROW = re.compile(r"^\| `([A-Z_]+)` \|", re.M)
_STATE_ROW = re.compile(r"^\| ([A-Z_]+) \| [^|]+ \| ([^|]+) \|", re.M)
_MARKER_ROW = re.compile(r"^\| `([a-z_.]+)` \| [^|]+ \| ([a-z_]+) \| (low|medium|high) \|", re.M)
_TARGET = re.compile(r"^([a-z-]+):", re.M)
_FENCE = re.compile(r"^```sh\n(.*?)^```", re.M | re.S)
_MAKE_COMMAND = re.compile(r"^make ([a-z-]+)", re.M)
_MAKE_NAMED = re.compile(r"`make ([a-z-]+)[^`]*`")


def pages() -> list[Path]:
    return [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").rglob("*.md"))]


@cache
def names(path: Path) -> frozenset[str]:
    """Functions, classes and methods of a module: ``f``, ``C`` and ``C.f``."""
    found: set[str] = set()
    for node in ast.parse(path.read_text(encoding="utf-8")).body:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            found.add(node.name)
        if isinstance(node, ast.ClassDef):
            found |= {
                f"{node.name}.{inner.name}"
                for inner in node.body
                if isinstance(inner, ast.FunctionDef | ast.AsyncFunctionDef)
            }
    return frozenset(found)


def missing_functions(text: str) -> list[str]:
    return [
        f"{file}:{name}"
        for file, name in _FUNCTION.findall(text)
        if not (ROOT / file).is_file() or name not in names(ROOT / file)
    ]


def broken_links(page: Path, text: str) -> list[str]:
    return [
        target
        for target in _LINK.findall(text)
        if "://" not in target and not (page.parent / target).exists()
    ]


def test_every_function_that_the_lifecycle_names_exists() -> None:
    text = (ROOT / "docs" / "lifecycle.md").read_text(encoding="utf-8")
    assert len(_FUNCTION.findall(text)) > 40
    assert missing_functions(text) == []


def test_every_function_that_any_page_names_exists() -> None:
    found = {page.name: missing_functions(page.read_text(encoding="utf-8")) for page in pages()}
    assert {name: missing for name, missing in found.items() if missing} == {}


def test_every_test_that_the_page_on_reliability_names_exists() -> None:
    named = set(_TEST.findall((ROOT / "docs" / "reliability.md").read_text(encoding="utf-8")))
    known: set[str] = set()
    for path in (ROOT / "tests").rglob("test_*.py"):
        known |= names(path)
    assert len(named) > 10
    assert named - known == set()


def test_a_function_that_is_gone_is_noticed() -> None:
    text = "`workflows/policy.py:review_reasons` `workflows/policy.py:gone` `workflows/no.py:f`"
    assert missing_functions(text) == ["workflows/policy.py:gone", "workflows/no.py:f"]


def test_the_table_of_states_is_that_of_the_code() -> None:
    rows = dict(_STATE_ROW.findall((ROOT / "docs" / "lifecycle.md").read_text(encoding="utf-8")))
    named = {
        state: {word for word in re.findall(r"[A-Z_]{6,}", cell) if word in State.__members__}
        for state, cell in rows.items()
    }
    # A state that an event leaves as it is needs no line of its own in a table for people.
    assert named == {
        str(state): {str(after) for after in row.values() if after is not state}
        for state, row in TABLE.items()
    }


def test_every_platform_page_lists_exactly_the_markers_of_its_table() -> None:
    for platform, probes in REGISTRY.items():
        page = ROOT / "docs" / "platforms" / f"{platform}.md"
        listed = _MARKER_ROW.findall(page.read_text(encoding="utf-8"))
        assert listed == [
            (f"{probe.name}.{row.name}", row.availability.lower(), row.confidence.lower())
            for probe in probes
            for row in probe.rows
        ]


def test_the_page_of_errors_lists_exactly_the_published_reasons() -> None:
    rows = _REASON_ROW.findall((ROOT / "docs" / "errors.md").read_text(encoding="utf-8"))
    assert sorted(rows) == sorted(REASONS)


def test_every_link_between_pages_resolves() -> None:
    found = {page.name: broken_links(page, page.read_text(encoding="utf-8")) for page in pages()}
    assert {name: broken for name, broken in found.items() if broken} == {}


def test_a_broken_link_is_noticed() -> None:
    text = "[a](README.md) [b](nowhere.md#part) [c](https://example.org/x)"
    assert broken_links(ROOT / "README.md", text) == ["nowhere.md"]


def test_every_make_target_in_the_readme_exists() -> None:
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    named = set(_MAKE_NAMED.findall(text))
    for block in _FENCE.findall(text):
        named |= set(_MAKE_COMMAND.findall(block))
    assert {"demo", "test", "up", "down"} <= named
    assert named <= set(_TARGET.findall((ROOT / "Makefile").read_text(encoding="utf-8")))


def test_every_decision_has_its_parts_and_a_number_of_its_own() -> None:
    decisions = sorted((ROOT / "docs" / "decisions").glob("[0-9]*.md"))
    numbers = [page.name[:4] for page in decisions]
    assert numbers == [f"{number:04}" for number in range(1, len(decisions) + 1)]
    for page in decisions:
        headings = re.findall(r"^## (.+)$", page.read_text(encoding="utf-8"), re.M)
        assert headings == ["Context", "Decision", "Consequences"], page.name
