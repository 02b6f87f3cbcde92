"""The thin server: pages by host name, notice APIs by platform, answers by webhook."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import json
import ssl
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from urllib.parse import parse_qs, unquote, urlsplit

import httpx2
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from tests.simulators import pages
from tests.simulators.answers import (
    answer,
    facebook_key,
    fault_response,
    key_of,
    reference,
    repeated,
    signature,
)
from tests.simulators.ledger import Effect, Ledger
from tests.simulators.pages import Page
from tests.simulators.script import Behaviour, Due, Script

HOSTS = (
    "www.tiktok.com", "vm.tiktok.com", "vt.tiktok.com", "cdn.syndication.twimg.com", "api.x.com",
    "x.com", "t.co", "www.instagram.com", "instagram.com", "graph.facebook.com",
    "www.facebook.com", "fb.watch", "fb.me", "instagr.am", "ig.me", "facebook.com",
)  # fmt: skip
SHELLS = frozenset({"x.com", "facebook.com", "instagram.com"})
PUSHES = frozenset({"facebook", "instagram", "x"})


@dataclass
class Push:
    """Where a platform's answers go, and the Standard Webhooks secret they are signed with."""

    url: str
    secret: str


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
        broken = await fault_response(fault)
        if broken is not None and fault != "lost_answer":
            return broken
        digest = hashlib.sha256(body).hexdigest()
        effect = self.ledger.accept(
            Effect(notice_id, platform, key, notice["number"], self.clock(), digest, None, 1)
        )
        if effect.body_sha256 != digest:
            return JSONResponse({"error": "this key was used for another notice"}, 409)
        if broken is not None:
            return broken
        if effect.requests == 1 and behaviour.slow:
            await asyncio.sleep(behaviour.slow)
        return JSONResponse({"reference": reference(effect), "status": "received"}, 202)

    async def _show_notice(self, request: Request) -> Response:
        platform = request.path_params["platform"]
        if not self._authorised(request, platform):
            return JSONResponse({"error": "unauthorised"}, 401)
        effect = self.ledger.find(request.path_params["notice_id"])
        if effect is None:
            return JSONResponse({"error": "no such notice"}, 404)
        now = self.clock()
        due = self._due(effect, now)
        for item in due:
            self.ledger.tell(effect.notice_id, item.place, now)
        behaviour, answered = self._behaviour(effect)
        return JSONResponse(
            {
                "reference": reference(effect),
                "answers": [answer(effect, repeated(behaviour, effect, i, now)) for i in due],
                "done": behaviour.finished(effect.number, effect.accepted, answered, now),
            }
        )

    def _behaviour(self, effect: Effect) -> tuple[Behaviour, float | None]:
        """What this platform does about a notice, and when it got an answer about it."""
        behaviour = self.script.find(effect.platform, effect.key)
        times = self.ledger.answer_times(effect.notice_id) if behaviour.answered else []
        return behaviour, times[0] if times else None

    def _due(self, effect: Effect, now: float) -> list[Due]:
        behaviour, answered = self._behaviour(effect)
        return behaviour.answers_due(effect.number, effect.accepted, answered, now)

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
        page = self.render(
            request.headers.get("host", ""),
            str(request.url.path),
            request.url.query,
            request.headers.get("user-agent", ""),
        )
        headers = {"location": page.location} if page.location else {}
        return Response(page.body, page.status, headers, media_type=page.content_type)

    def render(self, host: str, path: str, query: str, user_agent: str) -> Page:
        """What a logged-out visitor of this host and path gets now."""
        host = host.partition(":")[0]
        found = parse_qs(query)
        parts = [unquote(part) for part in path.split("/") if part]
        handlers: dict[str, Callable[[], Page]] = {
            "www.tiktok.com": lambda: self._tiktok(parts, found),
            "cdn.syndication.twimg.com": lambda: self._syndication(found),
            "api.x.com": lambda: self._x_user(found),
            "www.instagram.com": lambda: self._instagram(parts, found, user_agent),
            "graph.facebook.com": lambda: self._graph(parts, found),
            "www.facebook.com": lambda: self._facebook(path, query),
        }
        if host in handlers:
            return handlers[host]()
        if host in SHELLS:
            # No post text and no Open Graph, for browsers and crawlers alike.
            return Page(
                200, b"<!DOCTYPE html><html><body><div id='react-root'></div></body></html>"
            )
        if parts and host in HOSTS:
            return self._short_link(host, parts)
        return Page(404)

    def _state(self, platform: str, key: str) -> str:
        key = key.lower()
        behaviour = self.script.find(platform, key)
        accepted = self.ledger.accepted_times(platform, key)
        answered = self.ledger.answered_times(platform, key) if behaviour.answered else {}
        return behaviour.page_state(accepted, answered, self.clock())

    def _tiktok(self, parts: list[str], found: dict[str, list[str]]) -> Page:
        if parts[:1] == ["oembed"]:
            video = urlsplit(found.get("url", [""])[0]).path.rpartition("/")[2]
            return pages.tiktok_oembed(self._state("tiktok", video))
        if parts[:1] == ["login"]:
            return Page(200, b"<html>Log in</html>")
        if parts[:1] == ["t"] and len(parts) == 2:
            return self._short_link("www.tiktok.com", parts[1:])
        if len(parts) == 3 and parts[1] in ("video", "photo"):
            state = self._state("tiktok", parts[2])
            return pages.tiktok_video(state, parts[2], parts[0].lstrip("@"))
        account = parts[0].lstrip("@") if parts else ""
        return pages.tiktok_profile(self._state("tiktok", account), account)

    def _syndication(self, found: dict[str, list[str]]) -> Page:
        post = found.get("id", [""])[0]
        return pages.x_syndication(self._state("x", post), post, found.get("token", [""])[0])

    def _x_user(self, found: dict[str, list[str]]) -> Page:
        account = json.loads(found.get("variables", ["{}"])[0]).get("screen_name", "")
        return pages.x_user(self._state("x", account), account)

    def _instagram(self, parts: list[str], found: dict[str, list[str]], agent: str) -> Page:
        if parts[:1] == ["accounts"] or parts[:1] == ["challenge"]:
            return Page(200, b"<html>Log in</html>")
        if parts[:3] == ["api", "v1", "users"]:
            account = found.get("username", [""])[0]
            return pages.instagram_profile(self._state("instagram", account), account)
        key = parts[1] if len(parts) > 1 else (parts[0] if parts else "")
        return pages.instagram_embed(self._state("instagram", key), agent)

    def _graph(self, parts: list[str], found: dict[str, list[str]]) -> Page:
        target = found.get("url", [""])[0]
        if parts[-1:] == ["instagram_oembed"]:
            code = [part for part in urlsplit(target).path.split("/") if part][-1]
            return pages.instagram_oembed(self._state("instagram", code))
        return pages.facebook_oembed(self._state("facebook", facebook_key(target)))

    def _facebook(self, path: str, query: str) -> Page:
        if path.startswith("/login"):
            return Page(200, b'<form id="login_form"></form>')
        key = facebook_key(f"https://www.facebook.com{path}?{query}")
        return pages.facebook_page(self._state("facebook", key), key)

    def _short_link(self, host: str, parts: list[str]) -> Page:
        platform = {"t.co": "x"}.get(host, "tiktok" if "tiktok" in host else "facebook")
        platform = "instagram" if host in ("instagr.am", "ig.me") else platform
        target = self.script.find(platform, parts[0]).leads_to
        return Page(302, location=target) if target else Page(404)

    # --- answers that are pushed -------------------------------------------------------

    async def push(self, stop: asyncio.Event) -> None:
        """Send every due answer as a signed webhook until it is taken."""
        verify = ssl.create_default_context(cafile=self.ca_file) if self.ca_file else True
        async with httpx2.AsyncClient(verify=verify, timeout=5, trust_env=False) as client:
            while not stop.is_set():
                for effect in self.ledger.effects():
                    if effect.platform in self.pushes:
                        await self._push_due(client, effect)
                try:
                    await asyncio.wait_for(stop.wait(), 0.05)
                except TimeoutError:
                    continue

    async def _push_due(self, client: httpx2.AsyncClient, effect: Effect) -> None:
        due = {item.place: item for item in self._due(effect, self.clock())}
        behaviour = self.script.find(effect.platform, effect.key)
        for place in self.ledger.untold(effect.notice_id, list(due)):
            said = repeated(behaviour, effect, due[place], self.clock())
            sent_at = self.clock()
            # A repetition is the same answer in a message of its own.
            message_id = f"{effect.notice_id}:{place}"
            push = self.pushes[effect.platform]
            if await self._send(client, push, message_id, answer(effect, said)):
                self.ledger.tell(effect.notice_id, place, sent_at)

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
