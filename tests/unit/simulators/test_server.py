"""What a simulated platform says over HTTP, and what it keeps when it is killed."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

import httpx2
import pytest

from services.adapters.answers import read_event
from takedown.referral.v1 import enums_pb2 as enums
from tests.simulators.ledger import Ledger
from tests.simulators.script import Behaviour, Script, Step
from tests.simulators.server import Simulator

NOTICE = "b3f1f3a4-7c1c-5d0e-9b0e-1f6f0f0c2a10"
ASKS = Behaviour(
    steps={1: (Step(0, "acknowledge"), Step(1, "ask", "Which account?"), Step(1, "suspend"),
               Step(2, "reverse"), Step(2, "repeat"), Step(3, "stray"))}
)  # fmt: skip


@dataclass
class Clock:
    now: float = 1_764_000_000.0

    def __call__(self) -> float:
        return self.now


class Platform:
    """A simulated TikTok on a ledger that outlives it."""

    def __init__(self, folder: Path, behaviour: Behaviour) -> None:
        self.clock = Clock()
        self._file = folder / "ledger.sqlite"
        self._script = Script({"tiktok/*": behaviour})
        self.ledger = Ledger(self._file)

    def restart(self) -> None:
        self.ledger.close()
        self.ledger = Ledger(self._file)

    async def call(
        self, method: str, path: str, body: Any = None, key: str = ""
    ) -> httpx2.Response:
        simulator = Simulator(self._script, self.ledger, {"tiktok": "t"}, clock=self.clock)
        transport = httpx2.ASGITransport(app=simulator.app())
        async with httpx2.AsyncClient(transport=transport, base_url="https://p") as client:
            headers = {"authorization": "Bearer t", "idempotency-key": key}
            content = json.dumps(body).encode() if body is not None else None
            path = f"/api/tiktok/notices{path}"
            return await client.request(method, path, headers=headers, content=content)

    async def notify(self) -> httpx2.Response:
        content = {"content_id": "7", "account": "a"}
        return await self.call(
            "POST", "", {"notice_id": NOTICE, "number": 1, "content": content}, NOTICE
        )

    async def answer(self, words: str, place: int = 1) -> int:
        asked = f"{NOTICE}:{place}"
        body = {"clarification_id": asked, "answer": words}
        path = f"/{NOTICE}/clarifications/{quote(asked, safe='')}"
        return (await self.call("POST", path, body)).status_code

    async def answers(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = (await self.call("GET", f"/{NOTICE}")).json()["answers"]
        return found


@pytest.fixture
def platform(tmp_path: Path) -> Iterator[Platform]:
    made = Platform(tmp_path, ASKS)
    yield made
    made.ledger.close()


async def test_a_platform_that_asked_goes_on_when_it_was_answered(platform: Platform) -> None:
    await platform.notify()
    platform.clock.now += 3600
    assert [a["type"] for a in await platform.answers()] == [
        "acknowledgement", "clarification_request",
    ]  # fmt: skip
    assert await platform.answer("The one in the video.") == 200
    platform.clock.now += 1
    assert (await platform.answers())[-1]["decision"]["account_action"] == "suspended"


async def test_each_answer_to_a_question_is_kept_once(platform: Platform) -> None:
    await platform.notify()
    platform.clock.now += 1
    assert await platform.answer("The one in the video.") == 200
    first = platform.ledger.heard(NOTICE)
    platform.clock.now += 10
    assert await platform.answer("The one in the video.") == 200
    assert await platform.answer("Another one.") == 409
    assert platform.ledger.heard(NOTICE) == first
    assert list(first) == [1]


async def test_a_killed_platform_goes_on_where_it_was(platform: Platform) -> None:
    await platform.notify()
    platform.clock.now += 1
    await platform.answer("The one in the video.")
    platform.clock.now += 2
    before = await platform.answers()
    platform.restart()
    assert await platform.answers() == before
    platform.clock.now += 1
    assert len(await platform.answers()) == len(before) + 1


async def test_the_product_can_read_everything_a_platform_says(platform: Platform) -> None:
    await platform.notify()
    platform.clock.now += 1
    await platform.answer("The one in the video.")
    platform.clock.now += 3
    events = [read_event("tiktok", answer) for answer in await platform.answers()]
    assert [enums.PlatformEventType.Name(e.type)[20:] for e in events] == [
        "ACKNOWLEDGEMENT", "CLARIFICATION_REQUEST", "DECISION", "REVERSAL", "REVERSAL",
        "ACKNOWLEDGEMENT",
    ]  # fmt: skip
    assert events[3].event_id == events[4].event_id
    assert events[1].message == "Which account?"


async def test_a_stray_answer_names_no_notice_that_anybody_sent(platform: Platform) -> None:
    await platform.notify()
    platform.clock.now += 1
    await platform.answer("The one in the video.")
    platform.clock.now += 3
    stray = (await platform.answers())[-1]
    assert stray["notice_id"] != NOTICE
    assert "platform_reference" not in stray


async def test_a_platform_may_answer_before_it_says_that_it_has_the_notice(tmp_path: Path) -> None:
    early = Platform(
        tmp_path, Behaviour(steps={1: (Step(0, "acknowledge"),)}, faults=("slow:0.05",))
    )
    try:
        assert (await early.notify()).status_code == 202
        effect = early.ledger.find(NOTICE)
        assert effect is not None
        assert effect.requests == 1
        assert [a["type"] for a in await early.answers()] == ["acknowledgement"]
    finally:
        early.ledger.close()
