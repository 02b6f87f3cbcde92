"""One platform, one acknowledgement and an adapter of each kind, for all tests of this folder."""

from __future__ import annotations

import ssl
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path

import httpx2
import pytest
import pytest_asyncio

from services.kernel import db
from tests.fakes.pki import Pki
from tests.fakes.platform import Platform, platform
from tests.integration.adapters.serving import (
    TOKEN,
    Acknowledgement,
    Adapter,
    serving,
)
from tests.integration.conftest import Postgres, fresh_schema
from tests.simulators.ledger import Ledger
from tests.simulators.script import Behaviour, Script, Step
from tests.simulators.server import Simulator

# Everything is answered at once: when is the script's business, not these tests'.
ALL_AT_ONCE = Behaviour(
    steps={1: (Step(0, "acknowledge"), Step(0, "decide_remove"), Step(0, "claim"))}
)


@dataclass
class World:
    pki: Pki
    folder: Path
    platform: Platform
    acknowledgement: Acknowledgement
    # Answers by webhook; answers when it is asked.
    x: Adapter
    tiktok: Adapter
    web: httpx2.AsyncClient


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def world(
    pki: Pki, postgres: Postgres, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[World]:
    folder = tmp_path_factory.mktemp("adapters")
    script = Script({"tiktok/*": ALL_AT_ONCE, "tiktok/silent": Behaviour(steps={})})
    simulator = Simulator(script, Ledger(":memory:"), {"x": TOKEN, "tiktok": TOKEN})
    async with AsyncExitStack() as stack:
        stack.callback(simulator.ledger.close)
        there = await stack.enter_async_context(platform(simulator, pki.tls("service/simulator")))
        urls = await stack.enter_async_context(fresh_schema(postgres, "acknowledgement"))
        engine = db.engine(urls.settings(), "acknowledgement")
        stack.push_async_callback(engine.dispose)
        acknowledgement = Acknowledgement(pki, urls, engine)
        await acknowledgement.start()
        stack.push_async_callback(acknowledgement.stop)

        async def adapter(slug: str) -> Adapter:
            schema = fresh_schema(postgres, "adapters", f"adapter_{slug}")
            own = await stack.enter_async_context(schema)
            running = serving(pki, own, there, acknowledgement, folder)
            return await stack.enter_async_context(running)

        x, tiktok = await adapter("x"), await adapter("tiktok")
        context = ssl.create_default_context(cafile=str(pki.ca.certificate_file))
        client = httpx2.AsyncClient(verify=context, timeout=10, trust_env=False)
        web = await stack.enter_async_context(client)
        yield World(pki, folder, there, acknowledgement, x, tiktok, web)


@pytest.fixture
def platform_behaves(world: World) -> World:
    """No fault of an earlier test is left for this one."""
    world.platform.faults.clear()
    world.platform.heard.clear()
    world.platform.arrived.clear()
    world.platform.released.clear()
    return world
