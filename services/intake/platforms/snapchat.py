"""Snapchat: public profiles, Spotlight, public stories and share links."""

from __future__ import annotations

import re
from typing import Final

from services.intake.platforms.slots import lower_ascii, token, words
from services.intake.platforms.table import Platform, Route, Slot

SITE: Final = "https://www.snapchat.com"
UUID: Final = r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"
USER: Final = r"[a-z0-9][a-z0-9_.-]{1,28}[a-z0-9_]"

SLOTS: Final = {
    "user": Slot(re.compile(f"@?({USER})"), prepare=lower_ascii),
    "handle": Slot(re.compile(f"@({USER})"), prepare=lower_ascii),
    "profile": Slot(re.compile(UUID), prepare=lower_ascii),
    "snap": Slot(
        re.compile(r"[A-Za-z0-9][A-Za-z0-9_.:-]{7,219}"),
        reserved=words("spotlight spotlights highlight highlights lens lenses stories"),
    ),
    "story": Slot(re.compile(r"[A-Za-z0-9][A-Za-z0-9_.:-]{1,219}")),
    "publisher": Slot(
        re.compile(r"[a-z0-9][a-z0-9_.-]{1,80}"),
        prepare=lower_ascii,
        reserved=words("stories spotlight lenses"),
    ),
    "code": token("A-Za-z0-9_-", 4, 40),
}


def _account(path: str, name: str = "user") -> Route:
    return Route(path, "account", "", f"{{{name}}}", f"{SITE}/@{{{name}}}")


def _story(path: str, account: str = "", canonical: str = "") -> Route:
    return Route(path, "story", "{snap}", account, canonical or SITE + path)


_OWN_STORY: Final = SITE + "/@{user}/{snap}"

WEB: Final = (
    _account("/add/{user}"),
    Route("/spotlight/{snap}", "video", "{snap}", "", SITE + "/spotlight/{snap}"),
    Route(
        "/p/{profile}/{story:snap}/*",
        "story",
        "{story}",
        "{profile}",
        SITE + "/p/{profile}/{story}",
    ),
    Route("/p/{profile}", "account", "", "{profile}", SITE + "/p/{profile}"),
    Route("/t/{code}", "short_link", "{code}", "", SITE + "/t/{code}"),
    _story("/s/{snap:story}", canonical="https://story.snapchat.com/s/{snap}"),
    _account("/u/{user}"),
    Route(
        "/discover/{publisher}/{snap:story}/*",
        "story",
        "{snap}",
        "{publisher}",
        SITE + "/discover/{publisher}/{snap}",
    ),
    Route("/discover/{publisher}", "page", "", "{publisher}", SITE + "/discover/{publisher}"),
    _story("/add/{user}/{snap}/*", "{user}", _OWN_STORY),
    Route(
        "/{user:handle}/spotlight/{snap}",
        "video",
        "{snap}",
        "{user}",
        SITE + "/@{user}/spotlight/{snap}",
    ),
    _story("/{user:handle}/highlight/{snap}", "{user}", SITE + "/@{user}/highlight/{snap}"),
    _story("/{user:handle}/highlights/{snap}", "{user}", SITE + "/@{user}/highlight/{snap}"),
    _story("/{user:handle}/{snap}", "{user}", _OWN_STORY),
    _account("/{user:handle}"),
)
STORY: Final = (
    _story("/s/{snap:story}", canonical="https://story.snapchat.com/s/{snap}"),
    _story("/o/{snap:story}", canonical="https://story.snapchat.com/o/{snap}"),
    _account("/u/{user}"),
    _account("/add/{user}"),
    *(route for route in WEB if route.path.startswith(("/p/", "/spotlight/", "/{user:handle}"))),
)
MAP: Final = (
    Route("/ttp/snap/{snap}/*", "story", "{snap}", "", "https://map.snapchat.com/ttp/snap/{snap}"),
)
SHORT: Final = (Route("/{code}", "short_link", "{code}", "", "https://t.snapchat.com/{code}"),)

PLATFORM: Final = Platform(
    name="snapchat",
    title="Snapchat",
    hosts={
        "snapchat.com": "web",
        "www.snapchat.com": "web",
        "m.snapchat.com": "web",
        "web.snapchat.com": "web",
        "story.snapchat.com": "story",
        "map.snapchat.com": "map",
        "t.snapchat.com": "short",
    },
    sections={"web": WEB, "story": STORY, "map": MAP, "short": SHORT},
    slots=SLOTS,
    owned=("snapchat.com", "snap.com", "sc-cdn.net", "snapkit.com"),
    brands=("snapchat",),
)
