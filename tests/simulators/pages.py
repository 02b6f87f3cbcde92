"""Pages and endpoints with the structures that each platform really uses, per state.

States: available, removed, author_deleted, suspended, withheld, age, private, not_found,
login_wall, blocked, soft_404. A state that a platform cannot show logged out looks like the
nearest that it can: Facebook and Instagram never say who removed something.
"""

from __future__ import annotations

import html
import json
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Page:
    status: int = 200
    body: bytes = b""
    content_type: str = "text/html; charset=utf-8"
    location: str = ""


def _html(text: str, status: int = 200) -> Page:
    return Page(status, text.encode())


def _json(value: Any, status: int = 200) -> Page:
    return Page(status, json.dumps(value).encode(), "application/json")


def _redirect(location: str) -> Page:
    return Page(302, location=location)


# --- TikTok -------------------------------------------------------------------------------

# The refusal sentence ships in every page's text bundle: reading it as a marker is a mistake.
_TIKTOK_BUNDLE = '{"i18n":{"video_gone":"Video currently unavailable","video is unavailable":1}}'
_TIKTOK_CHALLENGE = '<html><body><p id="cs">x</p><p id="wci">y</p>Please wait...</body></html>'
_TIKTOK_WORDS = {
    "removed": (10204, "item_privacy_authorization&status_audit_not_pass"),
    "author_deleted": (10204, "item_privacy_authorization&status_deleted"),
    "suspended": (10204, "item_privacy_authorization&status_audit_not_pass"),
    "private": (10204, "item_privacy_authorization&status_self_see"),
    "withheld": (10231, "cross_border_violation"),
    "age": (0, "content_classification"),
    "not_found": (10204, "item doesn't exist"),
}


def _tiktok_document(scope: dict[str, Any]) -> Page:
    data = json.dumps({"__DEFAULT_SCOPE__": scope})
    return _html(
        "<!DOCTYPE html><html><head><title>TikTok - Make Your Day</title></head><body>"
        '<script id="__UNIVERSAL_DATA_FOR_REHYDRATION__" type="application/json">'
        f"{data}</script><script>{_TIKTOK_BUNDLE}</script></body></html>"
    )


def tiktok_video(state: str, content_id: str, account: str) -> Page:
    if state == "login_wall":
        return _redirect("https://www.tiktok.com/login")
    if state == "blocked":
        return _html(_TIKTOK_CHALLENGE)
    if state in ("available", "soft_404"):
        shown = content_id if state == "available" else str(int(content_id) + 1)
        item = {"id": shown, "createTime": int(content_id) >> 32, "author": account, "video": {}}
        detail: dict[str, Any] = {
            "statusCode": 0,
            "statusMsg": "",
            "itemInfo": {"itemStruct": item},
        }
        return _tiktok_document({"webapp.video-detail": detail})
    code, words = _TIKTOK_WORDS[state]
    return _tiktok_document({"webapp.video-detail": {"statusCode": code, "statusMsg": words}})


def tiktok_profile(state: str, account: str) -> Page:
    if state in ("login_wall", "blocked"):
        return tiktok_video(state, "1", account)
    if state in ("available", "soft_404"):
        user = {"uniqueId": account if state == "available" else "somebody_else", "id": "1"}
        detail: dict[str, Any] = {"statusCode": 0, "userInfo": {"user": user}}
    else:
        gone = {"suspended": 10221, "removed": 10221, "private": 10222}
        detail = {"statusCode": gone.get(state, 10202)}
    return _tiktok_document({"webapp.user-detail": detail})


def tiktok_oembed(state: str) -> Page:
    if state == "blocked":
        return _html(_TIKTOK_CHALLENGE, 429)
    if state in ("available", "withheld", "age"):
        return _json({"title": "x", "author_unique_id": "somebody", "html": "<blockquote/>"})
    return Page(400)


# --- X ------------------------------------------------------------------------------------

_TOMBSTONES = {
    "removed": "This Post violated the X Rules. Learn more",
    "author_deleted": "This Post was deleted by the Post author. Learn more",
    "suspended": "This Post is from a suspended account. Learn more",
    "private": "You\u2019re unable to view this Post because this account owner limits who can"
    " view their Posts. Learn more",
    "age": "Age-restricted adult content. This content might not be appropriate",
    "withheld": "This Post from @somebody has been withheld in GB in response to a legal demand",
    "soft_404": "This Post is unavailable. Learn more",
}


def x_syndication(state: str, content_id: str, token: str) -> Page:
    if not token:
        return _json({})
    if state in ("blocked", "login_wall"):
        return Page(429)
    if state == "available":
        return _json({"__typename": "Tweet", "id_str": content_id, "lang": "en", "text": "x"})
    if state == "not_found":
        return _html("<html>404</html>", 404)
    text = {"text": _TOMBSTONES[state]}
    return _json({"__typename": "TweetTombstone", "tombstone": {"text": text}})


def x_user(state: str, account: str) -> Page:
    if state in ("blocked", "login_wall"):
        return Page(429)
    if state in ("available", "private"):
        legacy = {"screen_name": account, "protected": state == "private"}
        return _json({"data": {"user": {"result": {"__typename": "User", "legacy": legacy}}}})
    if state in ("removed", "suspended"):
        gone = {"__typename": "UserUnavailable", "reason": "Suspended"}
        return _json({"data": {"user": {"result": gone}}})
    return _json({"data": {}})


# --- Instagram ----------------------------------------------------------------------------


def instagram_oembed(state: str) -> Page:
    if state == "blocked":
        return _json({"error": {"code": 4, "message": "Application request limit reached"}}, 429)
    if state == "available":
        return _json({"html": "<blockquote class='instagram-media'/>", "version": "1.0"})
    if state in ("age", "login_wall", "soft_404"):
        return _json({"error": {"code": 100, "error_subcode": 33, "message": "Unsupported"}}, 400)
    error = {"code": 24, "error_subcode": 2207045, "message": "Media Not Found"}
    return _json({"error": error}, 400)


def instagram_embed(state: str, user_agent: str) -> Page:  # noqa: PLR0911 - a case a state
    if state == "login_wall":
        return _redirect("https://www.instagram.com/accounts/login/?next=x")
    if state == "blocked":
        return _redirect("https://www.instagram.com/challenge/?next=x")
    if "bot" not in user_agent.lower():
        return _html("<html><body><div id='react-root'></div></body></html>")
    if state == "available":
        return _html('<div class="EmbeddedMedia"></div><a>View more on Instagram</a>')
    if state == "age":
        return _html('<script>{"failure_reason":"MA","restricted_age":18}</script>')
    if state == "soft_404":
        return _html("<html><body>Instagram</body></html>")
    # In another language than English on purpose: the class is what counts.
    return _html('<div class="ebmMessage">このリンクは無効です</div>')


def instagram_profile(state: str, account: str) -> Page:
    if state in ("blocked", "login_wall"):
        wait = "Please wait a few minutes before you try again."
        return _json({"message": wait, "require_login": True, "status": "fail"}, 401)
    if state in ("available", "private"):
        user = {"username": account, "is_private": state == "private"}
        return _json({"data": {"user": user}})
    return _json({"status": "fail"}, 404)


# --- Facebook -----------------------------------------------------------------------------


def facebook_oembed(state: str) -> Page:
    if state == "blocked":
        return _json({"error": {"code": 4, "message": "Application request limit reached"}}, 400)
    if state == "available":
        return _json({"html": "<div class='fb-post'/>", "version": "1.0"})
    if state in ("login_wall", "soft_404", "withheld"):
        return _json({"error": {"code": 10, "message": "Permission denied"}}, 400)
    error = {"code": 100, "error_subcode": 1349125, "message": "Not public"}
    return _json({"error": error}, 400)


def facebook_page(state: str, key: str) -> Page:
    if state == "login_wall":
        return _redirect("https://www.facebook.com/login/?next=x")
    if state == "blocked":
        return _html('<script src="/__rd_verify_x"></script>', 403)
    if state == "available":
        return _html(
            '<script>{"__dr":"CometSinglePostRoot.react","tracePolicy":"comet.post.single",'
            f'"entity_id":"{html.escape(key)}"}}</script>'
        )
    if state == "soft_404":
        return _html('<script>{"__dr":"CometErrorRoot.react","tracePolicy":"comet.error"}</script>')
    if state == "withheld":
        return _html("<div>This post isn\u2019t available in your country</div>")
    return _html(
        '<script>{"props":{"title":"This content isn\'t available right now"}}</script>'
        "<span>This content isn\u2019t available right now</span>"
    )
