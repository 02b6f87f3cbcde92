"""One look at one item: control probes first, then the platform's table, then a reading."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Final

from services.kernel import telemetry
from services.kernel.clock import Clock
from services.observation.client import GuardedClient
from services.observation.domain import (
    A,
    C,
    Content,
    Fetched,
    Look,
    Reading,
    blocked,
    decisive,
    unknown,
)
from services.observation.platforms import REGISTRY
from services.observation.platforms.table import Probe

SHORT_LINK: Final = "SHORT_LINK"
_TOO_MANY: Final = 429
_SERVER_ERROR: Final = 500


class Controls:
    """A known-live and a known-dead item per platform: the only defence against redesigns.

    A passed control speaks for its platform for ``seconds``; a misread one makes every look
    probe_blocked until the next try.
    """

    def __init__(
        self,
        client: GuardedClient,
        items: Mapping[str, tuple[Content, Content]],
        seconds: float,
        clock: Clock,
    ) -> None:
        self._client = client
        self._items = items
        self._seconds = seconds
        self._clock = clock
        self._passed_until: dict[str, float] = {}
        self._locks: dict[str, asyncio.Lock] = {}

    async def pass_for(self, platform: str) -> bool:
        """Whether this platform's controls read as they should; False without controls."""
        if platform not in self._items:
            return False
        lock = self._locks.setdefault(platform, asyncio.Lock())
        async with lock:
            if self._passed_until.get(platform, 0.0) > self._clock.monotonic():
                return True
            live, dead = self._items[platform]
            seen, gone = await asyncio.gather(
                run_probes(self._client, live), run_probes(self._client, dead)
            )
            passed = seen.reading.availability is A.AVAILABLE and gone.reading.counts_as_gone
            if passed:
                self._passed_until[platform] = self._clock.monotonic() + self._seconds
            return passed


class Observer:
    def __init__(self, client: GuardedClient, controls: Controls) -> None:
        self._client = client
        self._controls = controls
        self._probes = telemetry.meter().create_counter(telemetry.PROBES)

    async def look(self, content: Content) -> tuple[Look, bool]:
        """(what was found, whether the controls passed). Never raises for what is out there."""
        look, passed = await self._look(content)
        self._probes.add(
            1,
            {"platform": content.platform, "availability": look.reading.availability.value},
        )
        return look, passed

    async def _look(self, content: Content) -> tuple[Look, bool]:
        if content.kind == SHORT_LINK:
            return await self._follow(content), True
        probes = probes_for(content)
        if not probes:
            return Look(unknown(f"{content.platform}.no_probe")), False
        if not await self._controls.pass_for(content.platform):
            return Look(blocked(f"{content.platform}.controls_misread")), False
        return await run_probes(self._client, content), True

    async def _follow(self, content: Content) -> Look:
        """Where a short link leads; a dead one answers not found, or leads home."""
        fetched = await self._client.fetch(content.url)
        if fetched.failure:
            return Look(blocked(f"short_link.{fetched.failure}"), fetched)
        if fetched.final_url != content.url and not _home(fetched):
            return Look(unknown("short_link.resolved"), fetched, resolved_url=fetched.final_url)
        return Look(_unresolved(fetched, moved=fetched.final_url != content.url), fetched)


def _unresolved(fetched: Fetched, *, moved: bool) -> Reading:
    """A short link that leads nowhere. Only being told so is evidence: a busy or broken server
    answers no redirect either."""
    if fetched.status == _TOO_MANY or fetched.status >= _SERVER_ERROR:
        return blocked(f"short_link.http_{fetched.status}")
    if fetched.status in (404, 410):
        return Reading(A.NOT_FOUND, C.MEDIUM, "short_link.not_found")
    if moved:
        return Reading(A.NOT_FOUND, C.MEDIUM, "short_link.leads_home")
    return unknown("short_link.no_redirect")


def _home(fetched: Fetched) -> bool:
    path = fetched.final_url.split("://", 1)[-1].partition("/")[2]
    return path == "" or path.startswith("?")


def probes_for(content: Content) -> list[Probe]:
    table = REGISTRY.get(content.platform, ())
    return [probe for probe in table if content.kind in probe.kinds]


async def run_probes(client: GuardedClient, content: Content) -> Look:
    """Each probe in its order until one is decisive; else the first that said anything."""
    best: Look | None = None
    for probe in probes_for(content):
        url = probe.url(content)
        if url is None:
            continue
        fetched = await client.fetch(url, probe.headers)
        look = Look(probe.read(fetched, content), fetched)
        if decisive(look.reading):
            return look
        # What said nothing gives way to what names a wall.
        if best is None or best.reading.availability is A.UNKNOWN:
            best = look
    return best or Look(unknown(f"{content.platform}.no_probe"))
