"""What a simulated platform pushes: each answer until it is taken, nothing in vain."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import httpx2
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from tests.simulators.ledger import Effect, Ledger
from tests.simulators.script import Behaviour, Script, Step
from tests.simulators.webhooks import Push, Pusher

SECRET = "whsec_c2VjcmV0LW9mLWEtdGVzdA=="
ANSWERS = (Step(1.0, "acknowledge"), Step(2.0, "page", "removed"), Step(3.0, "claim"))


class Receiver:
    """Takes webhooks, by their ids, or refuses them all."""

    def __init__(self) -> None:
        self.taken: list[str] = []
        self.status = 204

    def app(self) -> Starlette:
        return Starlette(routes=[Route("/webhooks", self._take, methods=["POST"])])

    async def _take(self, request: Request) -> Response:
        if self.status < 300:
            self.taken.append(request.headers["webhook-id"])
        return Response(status_code=self.status)


class Pushing:
    """A platform whose clock stands where the test puts it."""

    def __init__(self, folder: Path, behaviours: dict[str, Behaviour]) -> None:
        self.now = 0.0
        self.path = folder / "ledger.sqlite"
        self.script = Script(behaviours)
        self.restart()

    def restart(self) -> None:
        self.ledger = Ledger(self.path)
        pushes = {"x": Push("http://receiver/webhooks", SECRET)}
        self.pusher = Pusher(self.script, self.ledger, pushes, None, lambda: self.now)

    def accept(self, notice_id: str, key: str) -> None:
        self.ledger.accept(Effect(notice_id, "x", key, 1, self.now, "digest", None, 1))


@pytest.fixture
def receiver() -> Receiver:
    return Receiver()


@pytest.fixture
async def client(receiver: Receiver) -> AsyncIterator[httpx2.AsyncClient]:
    transport = httpx2.ASGITransport(app=receiver.app())
    async with httpx2.AsyncClient(transport=transport) as opened:
        yield opened


@pytest.fixture
def platform(tmp_path: Path) -> Iterator[Pushing]:
    made = Pushing(
        tmp_path,
        {
            "x/answers": Behaviour(steps={1: ANSWERS}),
            "x/asks": Behaviour(steps={1: (Step(1.0, "ask", "Which?"), Step(1.0, "claim"))}),
            "x/silent": Behaviour(steps={}),
        },
    )
    yield made
    made.ledger.close()


async def test_each_answer_is_sent_until_it_is_taken_and_then_never_again(
    platform: Pushing, receiver: Receiver, client: httpx2.AsyncClient
) -> None:
    platform.accept("n1", "answers")
    platform.now, receiver.status = 1.5, 503
    await platform.pusher.push_due(client)
    assert receiver.taken == []
    receiver.status = 204
    for now in (1.5, 1.6, 3.5, 9.0):
        platform.now = now
        await platform.pusher.push_due(client)
    assert receiver.taken == ["n1:0", "n1:2"]


async def test_a_notice_whose_every_answer_is_told_is_not_looked_at_again(
    platform: Pushing, client: httpx2.AsyncClient
) -> None:
    platform.accept("n1", "answers")
    platform.accept("n2", "silent")
    platform.now = 1.5
    assert await platform.pusher.push_due(client) == 2
    assert await platform.pusher.push_due(client) == 1
    platform.now = 3.5
    assert await platform.pusher.push_due(client) == 1
    assert await platform.pusher.push_due(client) == 0


async def test_a_notice_that_waits_for_a_person_is_looked_at_until_it_is_answered(
    platform: Pushing, receiver: Receiver, client: httpx2.AsyncClient
) -> None:
    platform.accept("n1", "asks")
    platform.now = 100.0
    assert [await platform.pusher.push_due(client) for _ in range(3)] == [1, 1, 1]
    platform.ledger.answered("n1", "n1:0", "digest", platform.now)
    platform.now = 102.0
    await platform.pusher.push_due(client)
    assert receiver.taken == ["n1:0", "n1:1"]
    assert await platform.pusher.push_due(client) == 0


async def test_a_killed_pusher_sends_what_it_had_not_sent_and_nothing_twice(
    platform: Pushing, receiver: Receiver, client: httpx2.AsyncClient
) -> None:
    platform.accept("n1", "answers")
    platform.now = 1.5
    await platform.pusher.push_due(client)
    platform.ledger.close()
    platform.restart()
    platform.now = 3.5
    await platform.pusher.push_due(client)
    assert receiver.taken == ["n1:0", "n1:2"]
