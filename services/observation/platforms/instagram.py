"""Instagram. The embed endpoint first, then the embed page, whose classes know no language.
Who removed something is never told. Sources: docs/platforms/instagram.md.
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

_ITEMS: Final = frozenset({"POST", "REEL", "PHOTO", "VIDEO"})
_CRAWLER: Final = (("User-Agent", "TakedownVerifier/1 (+bot; crawler)"),)


def _has_html(fetched: Fetched, _: Content) -> bool:
    return bool(body_json(fetched)["html"])


def _media_not_found(fetched: Fetched, _: Content) -> bool:
    error = body_json(fetched)["error"]
    return bool(error["code"] == 24 and error["error_subcode"] == 2207045)  # noqa: PLR2004


def _other_error(fetched: Fetched, _: Content) -> bool:
    return bool(body_json(fetched)["error"])


_OEMBED: Final = (
    Row("html", everything(status(200), _has_html), A.AVAILABLE, C.MEDIUM),
    Row("media_not_found", everything(status(400), _media_not_found), A.NOT_FOUND, C.MEDIUM),
    Row("other_error", _other_error, A.PROBE_BLOCKED, C.MEDIUM),
)

_LIVE: Final = contains("EmbeddedMedia", "View profile", "View more on Instagram")
_BROKEN: Final = contains('class="ebmMessage"', "EmbedBrokenMedia")
_WALLS: Final = (
    Row("login", final_path("/accounts/login"), A.LOGIN_WALL, C.HIGH),
    Row("challenge", final_path("/challenge/"), A.PROBE_BLOCKED, C.HIGH),
)
_EMBED: Final = (
    *_WALLS,
    Row("age", contains('"restricted_age":18', "Age-restricted content"), A.AGE_RESTRICTED, C.HIGH),
    Row("media", everything(_LIVE, neither(_BROKEN)), A.AVAILABLE, C.HIGH),
    Row("ebm_message", everything(_BROKEN, neither(_LIVE)), A.NOT_FOUND, C.HIGH),
)


def _user_private(fetched: Fetched, _: Content) -> bool:
    return body_json(fetched)["data"]["user"]["is_private"] is True


def _user(fetched: Fetched, content: Content) -> bool:
    user = body_json(fetched)["data"]["user"]
    return str(user["username"]).lower() == content.account.lower()


def _please_wait(fetched: Fetched, _: Content) -> bool:
    return body_json(fetched).get("require_login") is True


_PROFILE: Final = (
    *_WALLS,
    Row("rate_limit", everything(status(401), _please_wait), A.PROBE_BLOCKED, C.HIGH),
    Row("private", everything(status(200), _user_private), A.PRIVATE, C.HIGH),
    Row("user", everything(status(200), _user), A.AVAILABLE, C.HIGH),
    Row("not_found", status(404), A.NOT_FOUND, C.MEDIUM),
)


def _oembed_url(content: Content) -> str | None:
    media = quote(f"https://www.instagram.com/p/{content.content_id}", safe="")
    return f"https://graph.facebook.com/v25.0/instagram_oembed?url={media}&omitscript=true"


PROBES: Final = (
    Probe("instagram.oembed", _ITEMS, _oembed_url, _OEMBED),
    Probe("instagram.embed", _ITEMS,
          lambda content: f"https://www.instagram.com/p/{content.content_id}/embed/captioned/",
          _EMBED, _CRAWLER),
    Probe("instagram.profile", frozenset({"ACCOUNT"}),
          lambda content: "https://www.instagram.com/api/v1/users/web_profile_info/"
          f"?username={quote(content.account, safe='')}",
          _PROFILE, (("X-IG-App-ID", "936619743392459"),)),
)  # fmt: skip
