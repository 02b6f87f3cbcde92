"""Fixtures that every kind of test may use: no sockets, no database."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.fakes.pki import Pki


@pytest.fixture(scope="session")
def pki(tmp_path_factory: pytest.TempPathFactory) -> Pki:
    """The authority that the servers under test trust."""
    return Pki(tmp_path_factory.mktemp("pki"))


@pytest.fixture(scope="session")
def foreign_pki(tmp_path_factory: pytest.TempPathFactory) -> Pki:
    """An authority that they do not trust."""
    return Pki(Path(tmp_path_factory.mktemp("foreign-pki")))
