"""TikTok. The number alone identifies a video or photo post; the name before it is not checked."""

from __future__ import annotations

import re
from typing import Final

from services.intake.platforms.slots import HASHTAG, SEARCH, lower_ascii, number, token
from services.intake.platforms.table import Platform, Route, Slot

SITE: Final = "https://www.tiktok.com"
NAME: Final = r"(?:[a-z0-9_.]{0,23}[a-z0-9_])"

SLOTS: Final = {
    "user": Slot(re.compile(f"@({NAME})"), prepare=lower_ascii),
    # TikTok serves the item under any name, and under none.
    "anyone": Slot(re.compile(r"@[a-zA-Z0-9_.-]{0,64}")),
    "item": number(shortest=6),
    "page": Slot(re.compile(r"([1-9][0-9]{5,18})(?:\.html)?")),
    "room": number(shortest=6),
    "list": Slot(re.compile(r"(?:.{1,200}-)?([1-9][0-9]{5,18})")),
    "code": token("A-Za-z0-9_-", 5, 24),
    "tag": HASHTAG,
    "terms": SEARCH,
    "scope": Slot(re.compile(r"top|video|user|live|photo|general"), prepare=lower_ascii),
}


def _owned(form: str, kind: str) -> tuple[Route, Route]:
    return (
        Route(
            f"/{{user}}/{form}/{{item}}/*",
            kind,
            "{item}",
            "{user}",
            f"{SITE}/@{{user}}/{form}/{{item}}",
        ),
        Route(f"/{{anyone}}/{form}/{{item}}/*", kind, "{item}", "", f"{SITE}/@/{form}/{{item}}"),
    )


def _video(path: str, query: str = "") -> Route:
    return Route(path, "video", "{item}", "", SITE + "/@/video/{item}", query)


def _account(path: str) -> Route:
    return Route(path, "account", "", "{user}", SITE + "/@{user}")


def _playlist(path: str) -> Route:
    return Route(path, "playlist", "{list}", "{user}", SITE + "/@{user}/playlist/{list}")


def _search(path: str) -> Route:
    return Route(path, "search", "{q}", "", SITE + "/search?q={q}", "q={q:terms}")


def _code(prefix: str) -> tuple[Route, ...]:
    canonical = prefix + "/{code}/"
    return (Route("/{code}", "short_link", "{code}", "", canonical),)


_SHARED: Final = Route("/t/{code}", "short_link", "{code}", "", SITE + "/t/{code}/")

WEB: Final = (
    _SHARED,
    *_owned("video", "video"),
    *_owned("photo", "photo"),
    _video("/video/{item}"),
    Route("/photo/{item}", "photo", "{item}", "", SITE + "/@/photo/{item}"),
    _video("/v/{item:page}"),
    _video("/embed/{item}"),
    _video("/embed/v2/{item}"),
    _video("/embed/v3/{item}"),
    _video("/player/v1/{item}"),
    _video("/share/video/{item}"),
    _video("/i18n/share/video/{item}"),
    _video("/h5/share/v/{item:page}"),
    _video("/share/item/{item}"),
    _video("/", "item_id={item}"),
    _video("/foryou", "item_id={item}"),
    _video("/following", "item_id={item}"),
    _video("/trending", "item_id={item}"),
    _video("/explore", "item_id={item}"),
    _video("/share", "item_id={item}"),
    _video("/video", "item_id={item}"),
    Route("/{user}/live/*", "live", "", "{user}", SITE + "/@{user}/live"),
    Route("/share/live/{room}", "live", "{room}", "", SITE + "/share/live/{room}"),
    _playlist("/{user}/playlist/{list}"),
    Route(
        "/{user}/collection/{list}",
        "playlist",
        "{list}",
        "{user}",
        SITE + "/@{user}/collection/{list}",
    ),
    _account("/{user}"),
    _account("/embed/{user}"),
    _account("/node/share/user/{user}"),
    Route("/tag/{tag}", "hashtag", "{tag}", "", SITE + "/tag/{tag}"),
    Route("/hashtag/{tag}", "hashtag", "{tag}", "", SITE + "/tag/{tag}"),
    _search("/search"),
    _search("/search/{scope}"),
    Route("/discover/{tag}", "search", "{tag}", "", SITE + "/discover/{tag}"),
)
AD_LIBRARY: Final = (
    Route(
        "/ads/detail",
        "ad",
        "{ad}",
        "",
        "https://library.tiktok.com/ads/detail/?ad_id={ad}",
        "ad_id={ad:item}",
    ),
)

PLATFORM: Final = Platform(
    name="tiktok",
    title="TikTok",
    hosts={
        **dict.fromkeys(
            ("tiktok.com", "www.tiktok.com", "m.tiktok.com", "us.tiktok.com", "t.tiktok.com"), "web"
        ),
        **dict.fromkeys(("tiktokv.com", "www.tiktokv.com", "m.tiktokv.com"), "web"),
        "vm.tiktok.com": "vm",
        "vt.tiktok.com": "vt",
        "lite.tiktok.com": "lite",
        "library.tiktok.com": "ad_library",
    },
    sections={
        "web": WEB,
        "vm": _code("https://vm.tiktok.com"),
        "vt": _code("https://vt.tiktok.com"),
        "lite": (_SHARED,),
        "ad_library": AD_LIBRARY,
    },
    slots=SLOTS,
    owned=("tiktok.com", "tiktokv.com", "tiktokcdn.com", "tiktokcdn-us.com", "tiktokw.us"),
    brands=("tiktok",),
    families={"video": "item", "photo": "item"},
)
