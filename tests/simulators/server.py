"""The thin server: pages by host name, notice APIs by platform, answers by webhook."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import json
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from urllib.parse import unquote

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from tests.simulators.ledger import Effect, Ledger
from tests.simulators.script import Script
from tests.simulators.visits import Visits
from tests.simulators.webhooks import Push, Pusher
from tests.simulators.wire import answer, key_of, reference

# After these a platform has the notice, however its answer goes wrong.
_TAKEN = ("lost_answer", "slow")


@dataclass
class Simulator:
    script: Script
    ledger: Ledger
    tokens: dict[str, str]
    pushes: dict[str, Push] = field(default_factory=dict)
    ca_file: str | None = None
    clock: Callable[[], float] = time.time

    def app(self) -> Starlette:
        notices = "/api/{platform}/notices"
        return Starlette(
            routes=[
                Route("/ledger", self._show_ledger),
                Route(notices, self._submit, methods=["POST"]),
                Route(notices + "/{notice_id}", self._show_notice),
                Route(notices + "/{notice_id}/withdrawal", self._withdraw, methods=["POST"]),
                Route(
                    notices + "/{notice_id}/clarifications/{clarification_id:path}",
                    self._hear_answer,
                    methods=["POST"],
                ),
                Route("/{path:path}", self._page),
            ]
        )

    async def push(self, stop: asyncio.Event) -> None:
        """Send every due answer as a signed webhook until it is taken."""
        pusher = Pusher(self.script, self.ledger, self.pushes, self.ca_file, self.clock)
        await pusher.run(stop)

    # --- the notice API ---------------------------------------------------------------

    async def _submit(self, request: Request) -> Response:
        platform = request.path_params["platform"]
        if not self._authorised(request, platform):
            return JSONResponse({"error": "unauthorised"}, 401)
        body = await request.body()
        notice = json.loads(body)
        notice_id = request.headers.get("idempotency-key", "")
        if notice_id != notice.get("notice_id"):
            return JSONResponse({"error": "the idempotency key must be the notice_id"}, 400)
        key = key_of(notice["content"])
        behaviour = self.script.find(platform, key)
        fault = self.ledger.next_fault(f"{platform}/{key}", behaviour.faults)
        if fault and not fault.startswith(_TAKEN):
            return await _refusal(fault)
        digest = hashlib.sha256(body).hexdigest()
        effect = self.ledger.accept(
            Effect(notice_id, platform, key, notice["number"], self.clock(), digest, None, 1)
        )
        if effect.body_sha256 != digest:
            return JSONResponse({"error": "this key was used for another notice"}, 409)
        if fault == "lost_answer":
            return await _refusal(fault)
        if fault:
            await asyncio.sleep(float(fault.partition(":")[2]))
        return JSONResponse({"reference": reference(effect), "status": "received"}, 202)

    async def _show_notice(self, request: Request) -> Response:
        platform = request.path_params["platform"]
        if not self._authorised(request, platform):
            return JSONResponse({"error": "unauthorised"}, 401)
        effect = self.ledger.find(request.path_params["notice_id"])
        if effect is None:
            return JSONResponse({"error": "no such notice"}, 404)
        behaviour = self.script.find(platform, effect.key)
        now, heard = self.clock(), self.ledger.heard(effect.notice_id)
        found = behaviour.answers_due(effect.number, effect.accepted, now, heard)
        for due in found:
            self.ledger.tell(effect.notice_id, due.place, now)
        return JSONResponse(
            {
                "reference": reference(effect),
                "answers": [answer(effect, due) for due in found],
                "done": behaviour.finished(effect.number, effect.accepted, now, heard),
            }
        )

    async def _withdraw(self, request: Request) -> Response:
        if not self._authorised(request, request.path_params["platform"]):
            return JSONResponse({"error": "unauthorised"}, 401)
        notice_id = request.path_params["notice_id"]
        if not self.ledger.withdraw(notice_id, self.clock()):
            return JSONResponse({"error": "no such notice"}, 404)
        return JSONResponse({"status": "withdrawn"}, 200)

    async def _hear_answer(self, request: Request) -> Response:
        """An answer to a question of ours; the same key again has no second effect."""
        if not self._authorised(request, request.path_params["platform"]):
            return JSONResponse({"error": "unauthorised"}, 401)
        notice_id = request.path_params["notice_id"]
        asked = unquote(request.scope["raw_path"].decode().rpartition("/")[2])
        body = await request.body()
        if self.ledger.find(notice_id) is None:
            return JSONResponse({"error": "no such notice"}, 404)
        given = json.loads(body)
        if given.get("clarification_id") != asked or not given.get("answer"):
            return JSONResponse({"error": "no answer to this question"}, 400)
        digest = hashlib.sha256(body).hexdigest()
        if self.ledger.answered(notice_id, asked, digest, self.clock()) != digest:
            return JSONResponse({"error": "answered in other words"}, 409)
        return JSONResponse({"status": "answered"}, 200)

    def _authorised(self, request: Request, platform: str) -> bool:
        expected = f"Bearer {self.tokens.get(platform, '')}"
        return bool(self.tokens.get(platform)) and hmac.compare_digest(
            request.headers.get("authorization", ""), expected
        )

    async def _show_ledger(self, request: Request) -> Response:
        told = self.ledger.told_times()
        return JSONResponse(
            {"effects": [effect.__dict__ for effect in self.ledger.effects()], "told": told}
        )

    # --- pages ------------------------------------------------------------------------

    async def _page(self, request: Request) -> Response:
        page = Visits(self.script, self.ledger, self.clock).render(
            request.headers.get("host", ""),
            str(request.url.path),
            request.url.query,
            request.headers.get("user-agent", ""),
        )
        headers = {"location": page.location} if page.location else {}
        return Response(page.body, page.status, headers, media_type=page.content_type)


async def _refusal(fault: str) -> Response:
    """The response to a send that goes wrong."""
    if fault.startswith("429"):
        return Response(status_code=429, headers={"retry-after": fault.partition(":")[2] or "1"})
    if fault == "garbage":
        return Response(b"\x00<not json", media_type="application/json")
    if fault == "hang":
        await asyncio.sleep(20)
        return Response(status_code=504)
    if fault == "refuse":
        return Response(status_code=422)
    return Response(status_code=500)
