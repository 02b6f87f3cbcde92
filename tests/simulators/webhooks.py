"""Answers that are pushed: Standard Webhooks v1, sent until they are taken."""

from __future__ import annotations

import asyncio
import base64
import hmac
import json
import ssl
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import httpx2

from tests.simulators.ledger import Effect, Ledger, event_id
from tests.simulators.script import Script
from tests.simulators.wire import answer


@dataclass
class Push:
    """Where a platform's answers go, and the Standard Webhooks secret they are signed with."""

    url: str
    secret: str


@dataclass
class Pusher:
    """Sends what is due for every platform that has a place to send it to."""

    script: Script
    ledger: Ledger
    pushes: Mapping[str, Push]
    ca_file: str | None
    clock: Callable[[], float]
    # What still has answers to come, by notice id, and how far the ledger was read for it:
    # thousands of notices that are done with must cost nothing.
    _open: dict[str, Effect] = field(default_factory=dict)
    _read: int = 0

    async def run(self, stop: asyncio.Event) -> None:
        """Send every due answer as a signed webhook until it is taken."""
        verify = ssl.create_default_context(cafile=self.ca_file) if self.ca_file else True
        async with httpx2.AsyncClient(verify=verify, timeout=5, trust_env=False) as client:
            while not stop.is_set():
                await self.push_due(client)
                try:
                    await asyncio.wait_for(stop.wait(), 0.05)
                except TimeoutError:
                    continue

    async def push_due(self, client: httpx2.AsyncClient) -> int:
        """Send what is due now; how many notices were looked at for it."""
        waiting = self._waiting()
        for effect in waiting:
            if await self._push_due(client, effect):
                del self._open[effect.notice_id]
        return len(waiting)

    def _waiting(self) -> list[Effect]:
        for row, effect in self.ledger.accepted_after(self._read):
            self._read = row
            if effect.platform in self.pushes:
                self._open[effect.notice_id] = effect
        return list(self._open.values())

    async def _push_due(self, client: httpx2.AsyncClient, effect: Effect) -> bool:
        """Whether everything that this platform will ever say to the notice is told."""
        behaviour = self.script.find(effect.platform, effect.key)
        heard = self.ledger.heard(effect.notice_id)
        found = behaviour.answers_due(effect.number, effect.accepted, self.clock(), heard)
        due = {answered.place: answered for answered in found}
        for place in self.ledger.untold(effect.notice_id, list(due)):
            message = answer(effect, due[place])
            sent_at = self.clock()
            # A repetition is the same answer in a message of its own.
            message_id = event_id(effect.notice_id, place)
            if await self._send(client, self.pushes[effect.platform], message_id, message):
                self.ledger.tell(effect.notice_id, place, sent_at)
        return not self.ledger.untold(effect.notice_id, behaviour.places(effect.number))

    async def _send(
        self, client: httpx2.AsyncClient, push: Push, message_id: str, message: dict[str, object]
    ) -> bool:
        body = json.dumps({"type": "notice.answer", "data": message}).encode()
        stamp = int(time.time())
        headers = {
            "webhook-id": message_id,
            "webhook-timestamp": str(stamp),
            "webhook-signature": signature(push.secret, message_id, stamp, body),
            "content-type": "application/json",
        }
        try:
            answered = await client.post(push.url, content=body, headers=headers)
        except (httpx2.HTTPError, OSError):
            return False
        return answered.status_code < 300


def signature(secret: str, message_id: str, stamp: int, body: bytes) -> str:
    """Standard Webhooks v1, written apart from the product's own so that each checks the other."""
    key = base64.b64decode(secret.removeprefix("whsec_"))
    signed = b".".join((message_id.encode(), str(stamp).encode(), body))
    return "v1," + base64.b64encode(hmac.digest(key, signed, "sha256")).decode()
