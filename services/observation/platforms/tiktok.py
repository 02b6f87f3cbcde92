"""TikTok. The page's own JSON tells; the same code means different things, so the words of
``statusMsg`` (a set joined with &) are tested for membership, never for equality. Sources:
docs/platforms/tiktok.md.
"""

from __future__ import annotations

import json
import re
from typing import Any, Final
from urllib.parse import quote

from services.observation.domain import Content, Fetched
from services.observation.platforms.table import (
    A,
    C,
    Condition,
    Probe,
    Row,
    contains,
    everything,
    final_path,
    neither,
    status,
)

_SCRIPT: Final = re.compile(
    r'<script[^>]{0,200}\bid="__UNIVERSAL_DATA_FOR_REHYDRATION__"[^>]{0,200}>(.*?)</script>', re.S
)
_ITEMS: Final = frozenset({"VIDEO", "PHOTO", "LIVE", "STORY", "COMMENT"})


def scope(fetched: Fetched, name: str) -> dict[str, Any]:
    """One part of the rehydration data. Raises when the page has none."""
    found = _SCRIPT.search(fetched.text)
    if found is None:
        raise ValueError("no rehydration script")
    part: dict[str, Any] = json.loads(found[1])["__DEFAULT_SCOPE__"][name]
    return part


def _detail(fetched: Fetched) -> dict[str, Any]:
    return scope(fetched, "webapp.video-detail")


def says(*words: str) -> Condition:
    def condition(fetched: Fetched, _: Content) -> bool:
        return not words_of(fetched).isdisjoint(words)

    return condition


def words_of(fetched: Fetched) -> set[str]:
    return set(str(_detail(fetched).get("statusMsg", "")).split("&"))


def code(*codes: int) -> Condition:
    return lambda fetched, _: _detail(fetched).get("statusCode") in codes


def user_code(*codes: int) -> Condition:
    return lambda fetched, _: scope(fetched, "webapp.user-detail").get("statusCode") in codes


def _same_item(fetched: Fetched, content: Content) -> bool:
    detail = _detail(fetched)
    if detail.get("statusCode", 0) != 0:
        return False
    return str(detail["itemInfo"]["itemStruct"]["id"]) == content.content_id


def _classified(fetched: Fetched, content: Content) -> bool:
    item = _detail(fetched)["itemInfo"]["itemStruct"]
    return (
        _same_item(fetched, content)
        and item.get("isContentClassified") is True
        and ("video" not in item)
    )


def _same_user(fetched: Fetched, content: Content) -> bool:
    detail = scope(fetched, "webapp.user-detail")
    user = detail["userInfo"]["user"]
    return detail.get("statusCode", 0) == 0 and (
        str(user["uniqueId"]).lower() == content.account.lower()
    )


def _no_script(fetched: Fetched, _: Content) -> bool:
    return _SCRIPT.search(fetched.text) is None


_WALLS: Final = (
    Row("login", final_path("/login"), A.LOGIN_WALL, C.HIGH),
    Row("captcha", contains("captcha-verify-container", "tiktok-verify-page"),
        A.PROBE_BLOCKED, C.HIGH),
    Row("challenge", everything(_no_script, contains('id="cs"', 'id="wci"', "Please wait...")),
        A.PROBE_BLOCKED, C.HIGH),
    Row("no_script", _no_script, A.PROBE_BLOCKED, C.MEDIUM),
)  # fmt: skip

_PAGE: Final = (
    *_WALLS,
    Row("classified", _classified, A.AGE_RESTRICTED, C.HIGH),
    Row("item", _same_item, A.AVAILABLE, C.HIGH),
    Row("status_audit_not_pass", says("status_audit_not_pass"), A.REMOVED, C.MEDIUM),
    Row("status_deleted", says("status_deleted"), A.AUTHOR_DELETED, C.MEDIUM),
    Row("status_self_see", says("status_self_see", "author_secret"), A.PRIVATE, C.HIGH),
    Row("status_reviewing", says("status_reviewing"), A.UNKNOWN, C.MEDIUM),
    Row("content_classification", says("content_classification"), A.AGE_RESTRICTED, C.MEDIUM),
    Row("geo_words", says("cross_border_violation", "cross_border_violation_ur",
        "person_geo_fencing", "copyright_geo_filter"), A.GEO_WITHHELD, C.HIGH),
    Row("never_existed", says("item doesn't exist"), A.NOT_FOUND, C.MEDIUM),
    Row("private", code(10216, 10222), A.PRIVATE, C.HIGH),
    Row("geofence", code(10231, 10219), A.GEO_WITHHELD, C.HIGH),
    Row("low_age", code(10213, 10214), A.AGE_RESTRICTED, C.LOW),
    Row("verify", code(10000, 10101, 10111, 10113, 10114, 450), A.PROBE_BLOCKED, C.MEDIUM),
    Row("not_login", code(10102, 10119), A.LOGIN_WALL, C.MEDIUM),
)  # fmt: skip

_PROFILE: Final = (
    *_WALLS,
    Row("user", _same_user, A.AVAILABLE, C.HIGH),
    Row("user_ban", user_code(10221), A.ACCOUNT_SUSPENDED, C.MEDIUM),
    Row("user_not_exist", user_code(10202), A.NOT_FOUND, C.MEDIUM),
    Row("user_private", user_code(10222), A.PRIVATE, C.HIGH),
    Row("user_sensitive", user_code(10223, 10225), A.ACCOUNT_SUSPENDED, C.LOW),
    Row("not_login", user_code(10102), A.LOGIN_WALL, C.MEDIUM),
)


def _is_oembed(fetched: Fetched, _: Content) -> bool:
    return bool(json.loads(fetched.body)["author_unique_id"])


_OEMBED: Final = (
    # It also answers 200 for what is withheld by country: the page, asked first, knows.
    Row("embeddable", everything(status(200), _is_oembed), A.AVAILABLE, C.MEDIUM),
    Row("gone_or_private", everything(status(400), neither(_is_oembed)), A.UNKNOWN, C.MEDIUM),
)


def _page_url(content: Content) -> str | None:
    return f"https://www.tiktok.com/@{content.account}/video/{content.content_id}"


def _oembed_url(content: Content) -> str | None:
    page = quote(_page_url(content) or "", safe="")
    return f"https://www.tiktok.com/oembed?url={page}"


PROBES: Final = (
    Probe("tiktok.page", _ITEMS, _page_url, _PAGE),
    Probe("tiktok.oembed", frozenset({"VIDEO", "PHOTO"}), _oembed_url, _OEMBED),
    Probe("tiktok.profile", frozenset({"ACCOUNT"}),
          lambda content: f"https://www.tiktok.com/@{content.account}", _PROFILE),
)  # fmt: skip
