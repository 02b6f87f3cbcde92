"""Fixtures that every kind of test may use: no sockets, no database."""

from __future__ import annotations

import gc
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import settings

from tests.fakes.pki import Pki
from tests.faults import FIGURES

# How long one example takes on a busy machine says nothing of the promise.
settings.register_profile("untimed", deadline=None)
settings.load_profile("untimed")


@pytest.fixture(scope="session")
def pki(tmp_path_factory: pytest.TempPathFactory) -> Pki:
    """The authority that the servers under test trust."""
    return Pki(tmp_path_factory.mktemp("pki"))


@pytest.fixture(scope="session")
def foreign_pki(tmp_path_factory: pytest.TempPathFactory) -> Pki:
    """An authority that they do not trust."""
    return Pki(Path(tmp_path_factory.mktemp("foreign-pki")))


# ``figures("D1", early=0)`` publishes what a long run of a fault test found.
Figures = Callable[..., None]


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--long", action="store_true", help="fault tests at full length")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """A fault test at full length gets an hour and a half, whatever its short run may take."""
    if not config.getoption("--long"):
        return
    for item in items:
        if item.get_closest_marker("faults") is not None:
            item.add_marker(pytest.mark.timeout(5400))


def pytest_collection_finish() -> None:
    """Keep what collecting has loaded out of the garbage collector's rounds.

    It went through two million objects again and again: up to three seconds each, in which a
    workflow under test counted as deadlocked after two.
    """
    gc.collect()
    gc.freeze()


@pytest.fixture
def long(request: pytest.FixtureRequest) -> bool:
    """Whether fault tests run at full length, as ``make faults`` does, or as part of the suite."""
    return bool(request.config.getoption("--long"))


@pytest.fixture
def figures(request: pytest.FixtureRequest, long: bool) -> Figures:
    """Publish figures of a long run in ``build/faults/<id>.json``, by the name of the test."""

    def publish(name: str, **values: Any) -> None:
        if not long:
            return
        FIGURES.mkdir(parents=True, exist_ok=True)
        path = FIGURES / f"{name}.json"
        known = json.loads(path.read_text("utf-8")) if path.exists() else {}
        known[request.node.name] = values
        path.write_text(json.dumps(known, indent=1, sort_keys=True) + "\n", "utf-8")

    return publish
