"""What a logged-out visitor of the simulated platforms gets, by host name."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from urllib.parse import parse_qs, unquote, urlsplit

from tests.simulators import pages
from tests.simulators.ledger import Ledger
from tests.simulators.pages import Page
from tests.simulators.script import Script

HOSTS = (
    "www.tiktok.com", "vm.tiktok.com", "vt.tiktok.com", "cdn.syndication.twimg.com", "api.x.com",
    "x.com", "t.co", "www.instagram.com", "instagram.com", "graph.facebook.com",
    "www.facebook.com", "fb.watch", "fb.me", "instagr.am", "ig.me", "facebook.com",
)  # fmt: skip
SHELLS = frozenset({"x.com", "facebook.com", "instagram.com"})


@dataclass
class Visits:
    script: Script
    ledger: Ledger
    clock: Callable[[], float]

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
        return behaviour.page_state(accepted, self.clock(), self.ledger.heard_times(platform, key))

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


def facebook_key(url: str) -> str:
    """The id in a Facebook address, as the product's canonical form writes it."""
    parts = urlsplit(url)
    found = parse_qs(parts.query)
    for name in ("story_fbid", "fbid", "v", "id"):
        if found.get(name):
            return found[name][0].lower()
    path = [part for part in parts.path.split("/") if part]
    return path[-1].lower() if path else ""
