"""The thin server: pages by host name, notice APIs by platform, answers by webhook."""

from __future__ import annotations

import asyncio
import base64
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
from tests.simulators.ledger import Effect, Ledger, event_id
from tests.simulators.pages import Page
from tests.simulators.script import Script, Step

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
        broken = await _fault(fault)
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
        return JSONResponse({"reference": reference(effect), "status": "received"}, 202)

    async def _show_notice(self, request: Request) -> Response:
        platform = request.path_params["platform"]
        if not self._authorised(request, platform):
            return JSONResponse({"error": "unauthorised"}, 401)
        effect = self.ledger.find(request.path_params["notice_id"])
        if effect is None:
            return JSONResponse({"error": "no such notice"}, 404)
        behaviour = self.script.find(platform, effect.key)
        now = self.clock()
        due = behaviour.answers_due(effect.number, effect.accepted, now)
        for place, _ in due:
            self.ledger.tell(effect.notice_id, place, now)
        return JSONResponse(
            {
                "reference": reference(effect),
                "answers": [answer(effect, place, step) for place, step in due],
                "done": behaviour.finished(effect.number, effect.accepted, now),
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
        return behaviour.page_state(self.ledger.accepted_times(platform, key), self.clock())

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
        behaviour = self.script.find(effect.platform, effect.key)
        due = dict(behaviour.answers_due(effect.number, effect.accepted, self.clock()))
        for place in self.ledger.untold(effect.notice_id, list(due)):
            message = answer(effect, place, due[place])
            sent_at = self.clock()
            if await self._send(client, self.pushes[effect.platform], message):
                self.ledger.tell(effect.notice_id, place, sent_at)

    async def _send(
        self, client: httpx2.AsyncClient, push: Push, message: dict[str, object]
    ) -> bool:
        body = json.dumps({"type": "notice.answer", "data": message}).encode()
        stamp, message_id = int(time.time()), str(message["event_id"]).replace(".", "-")
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


def key_of(content: dict[str, str]) -> str:
    return (content["content_id"] or content["account"]).lower()


def facebook_key(url: str) -> str:
    """The id in a Facebook address, as the product's canonical form writes it."""
    parts = urlsplit(url)
    found = parse_qs(parts.query)
    for name in ("story_fbid", "fbid", "v", "id"):
        if found.get(name):
            return found[name][0].lower()
    path = [part for part in parts.path.split("/") if part]
    return path[-1].lower() if path else ""


def reference(effect: Effect) -> str:
    return f"{effect.platform.upper()}-{effect.notice_id[:13]}"


def answer(effect: Effect, place: int, step: Step) -> dict[str, object]:
    """One answer on the wire, as docs/adapter-guide.md describes it."""
    at = time.gmtime(effect.accepted + step.after)
    fraction = f"{(effect.accepted + step.after) % 1:.6f}"[1:]
    found: dict[str, object] = {
        "event_id": event_id(effect.notice_id, place),
        "notice_id": effect.notice_id,
        "platform_reference": reference(effect),
        "occurred_at": time.strftime("%Y-%m-%dT%H:%M:%S", at) + fraction + "Z",
    }
    kinds = {"acknowledge": "acknowledgement", "claim": "removal_claim"}
    found["type"] = kinds.get(step.do, "decision")
    if step.do == "decide_remove":
        found["decision"] = {"kind": "remove", "visibility": "removed"}
    elif step.do == "decline":
        found["decision"] = {"kind": "decline", "decline_reason": step.value}
        found["message"] = "We looked at it under our Community Guidelines."
    elif step.do == "restrict":
        countries = step.value.split(",")
        found["decision"] = {
            "kind": "restrict", "visibility": "disabled", "countries": countries,
        }  # fmt: skip
    return found


async def _fault(fault: str) -> Response | None:
    """The response to a send that goes wrong; "lost_answer" is accepted and then not heard."""
    if not fault:
        return None
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
