"""Facebook. The tokenless embed endpoint first, then the page. It never says why content is
gone, by design; its error route also means a blocked probe. Sources: docs/platforms/facebook.md.
"""

from __future__ import annotations

from typing import Final
from urllib.parse import quote

from services.observation.domain import Content, Fetched
from services.observation.platforms.table import (
    A,
    C,
    Probe,
    Row,
    body_json,
    contains,
    everything,
    final_path,
    neither,
    status,
)

_VIDEOS: Final = frozenset({"VIDEO", "REEL", "LIVE"})
_POSTS: Final = frozenset({"POST", "PHOTO", "STORY", "COMMENT"})
_WHOLE: Final = frozenset({"ACCOUNT", "PAGE", "GROUP", "AD"})
_LIMITS: Final = frozenset({4, 17, 32, 613})
_TITLE_SEARCHED: Final = 3000


def _has_html(fetched: Fetched, _: Content) -> bool:
    return bool(body_json(fetched)["html"])


def _limited(fetched: Fetched, _: Content) -> bool:
    return body_json(fetched)["error"]["code"] in _LIMITS


def _not_public(fetched: Fetched, _: Content) -> bool:
    return bool(body_json(fetched)["error"]["error_subcode"])


_OEMBED: Final = (
    Row("html", everything(status(200), _has_html), A.AVAILABLE, C.MEDIUM),
    Row("limit", _limited, A.PROBE_BLOCKED, C.MEDIUM),
    # Deleted, removed, private and restricted look alike here.
    Row("not_public", everything(status(400, 404), _not_public), A.NOT_FOUND, C.MEDIUM),
)

_GONE: Final = contains(
    '"props":{"title":"This content isn\'t available right now"',
    "This content isn't available right now",
)
_ROUTE: Final = contains('"tracePolicy":"comet.')
_ERROR_ROUTE: Final = contains(
    '"__dr":"CometErrorRoot.react"', '"tracePolicy":"comet.error"', "CometErrorRoute"
)


def _page_not_found(fetched: Fetched, _: Content) -> bool:
    return "Page Not Found</title>" in fetched.text[:_TITLE_SEARCHED]


def _client_challenge(fetched: Fetched, _: Content) -> bool:
    challenged = "Client challenge" in fetched.reason or "/__rd_verify" in fetched.text
    return fetched.status == 403 and challenged  # noqa: PLR2004


def _named(fetched: Fetched, content: Content) -> bool:
    """The page is about the very item that was asked for: soft errors never are."""
    wanted = (content.content_id or content.account).lower()
    return bool(wanted) and f'"entity_id":"{wanted}"' in fetched.text.lower()


_PAGE: Final = (
    Row("client_challenge", _client_challenge, A.PROBE_BLOCKED, C.HIGH),
    Row("blocked", contains("You have been temporarily blocked"), A.PROBE_BLOCKED, C.MEDIUM),
    # A login pop-up over real content is still content.
    Row("content", everything(_ROUTE, _named, neither(_ERROR_ROUTE)), A.AVAILABLE, C.HIGH),
    Row("unavailable", everything(_GONE, neither(_ERROR_ROUTE)), A.NOT_FOUND, C.HIGH),
    Row("page_not_found", _page_not_found, A.NOT_FOUND, C.MEDIUM),
    Row("country", contains("isn't available in your country"), A.GEO_WITHHELD, C.MEDIUM),
    Row("checkpoint", final_path("/checkpoint"), A.PROBE_BLOCKED, C.HIGH),
    Row("login", final_path("/login"), A.LOGIN_WALL, C.HIGH),
    Row("login_form", contains('id="login_form"', 'id="loginbutton"',
        ">You must log in to continue"), A.LOGIN_WALL, C.HIGH),
    # Ambiguous between gone and blocked: unknown.
    Row("error_route", _ERROR_ROUTE, A.UNKNOWN, C.HIGH),
)  # fmt: skip


def _oembed(endpoint: str, content: Content) -> str:
    target = quote(content.url, safe="")
    return f"https://graph.facebook.com/v26.0/{endpoint}?url={target}"


PROBES: Final = (
    Probe("facebook.oembed_post", _POSTS, lambda c: _oembed("oembed_post", c), _OEMBED),
    Probe("facebook.oembed_video", _VIDEOS, lambda c: _oembed("oembed_video", c), _OEMBED),
    Probe("facebook.page", _POSTS | _VIDEOS | _WHOLE, lambda c: c.url, _PAGE),
)
