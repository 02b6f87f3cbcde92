"""One simulator of all platforms and one observation for all tests of this folder."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import pytest_asyncio

from services.kernel.config import TlsSettings
from tests.fakes.pki import Pki
from tests.integration.conftest import DatabaseUrls, Postgres, fresh_schema
from tests.integration.observation.serving import (
    Observation,
    serving,
    simulator_of,
    simulator_tls,
    web_server,
)
from tests.integration.observation.states import PAGES, SHORT_LINKS


@dataclass
class World:
    pki: Pki
    folder: Path
    tls: TlsSettings
    urls: DatabaseUrls
    origin: int
    observation: Observation


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def world(
    pki: Pki, postgres: Postgres, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[World]:
    folder = tmp_path_factory.mktemp("observation")
    tls = simulator_tls(pki, folder)
    simulator = simulator_of(PAGES, SHORT_LINKS)
    async with (
        fresh_schema(postgres, "observation") as urls,
        web_server(simulator.app(), tls) as origin,
        serving(pki, urls, folder, origin) as observation,
    ):
        yield World(pki, folder, tls, urls, origin, observation)
    simulator.ledger.close()
