"""Instagram. A shortcode is one item however it is shown: /p/, /reel/ and /tv/ are one family."""

from __future__ import annotations

import base64
import binascii
import re
from typing import Final

from services.intake.platforms.slots import (
    HASHTAG,
    ROOT_FILES,
    SEARCH,
    lower_ascii,
    number,
    token,
    words,
)
from services.intake.platforms.table import Platform, Route, Slot

SITE: Final = "https://www.instagram.com"

RESERVED: Final = ROOT_FILES | words(
    "about accounts ads api ar archive blog branded_content business challenge challenges",
    "channel create creators data developer developers direct directory download emails",
    "explore features graphql guide help highlights igtv invites legal linkshim lite live",
    "locations login logout nametag oauth p popular press privacy publicapi push qr query",
    "reel reels s saved security session settings share signup static stories support terms",
    "threads topics tv user users web your_activity",
)
HIGHLIGHT_IN_BASE64: Final = re.compile(r"highlight:([1-9][0-9]{0,18})")


def highlight_number(text: str) -> str:
    """The highlight's number out of the base64 that the share sheet writes."""
    try:
        plain = base64.b64decode(text + "=" * (-len(text) % 4), validate=True).decode("ascii")
    except (binascii.Error, ValueError):
        return ""
    found = HIGHLIGHT_IN_BASE64.fullmatch(plain)
    return found[1] if found else ""


SLOTS: Final = {
    "user": Slot(
        re.compile(r"@?((?!.*\.\.)[a-z0-9_](?:[a-z0-9_.]{0,28}[a-z0-9_])?)"),
        prepare=lower_ascii,
        reserved=RESERVED,
    ),
    "code": token("A-Za-z0-9_-", 5, 64),
    # The app writes <item>_<owner>.
    "story": Slot(re.compile(r"([1-9][0-9]{0,18})(?:_[0-9]{1,19})?")),
    "number": number(),
    "shared": Slot(re.compile(r"([A-Za-z0-9+/]{12,120})={0,2}"), decode=highlight_number),
    "tab": Slot(
        re.compile(r"channel|reels|tagged|saved|followers|following|guides|feed|igtv|embed"),
        prepare=lower_ascii,
    ),
    "link": token("A-Za-z0-9_-", 4, 64),
    "tag": HASHTAG,
    "terms": SEARCH,
}


def _media(form: str, kind: str, canonical: str) -> tuple[Route, ...]:
    """One way of showing an item, under the site and under its account, and its comments."""
    routes: list[Route] = []
    for owner, account in (("", ""), ("/{user}", "{user}")):
        path = f"{owner}/{form}/{{code}}"
        url = f"{SITE}/{canonical}/{{code}}/"
        reply = url + "c/{comment}/r/{reply}/"
        routes += (
            Route(
                path + "/c/{comment:number}/r/{reply:number}", "comment", "{reply}", account, reply
            ),
            Route(
                path + "/c/{comment:number}", "comment", "{comment}", account, url + "c/{comment}/"
            ),
            Route(path + "/*", kind, "{code}", account, url),
        )
    return tuple(routes)


def _account(path: str) -> Route:
    return Route(path, "account", "", "{user}", SITE + "/{user}/")


def _share(path: str) -> Route:
    return Route(path, "short_link", "{link}", "", f"{SITE}{path}")


_HIGHLIGHT: Final = SITE + "/stories/highlights/{story}/"
_STORY: Final = SITE + "/stories/{user}/{story}/"

WEB: Final = (
    Route("/reels/audio/*"),
    *_media("p", "post", "p"),
    *_media("reel", "reel", "reel"),
    *_media("reels", "reel", "reel"),
    *_media("tv", "video", "tv"),
    Route("/stories/highlights/{story:number}", "story", "{story}", "", _HIGHLIGHT),
    Route("/s/{story:shared}", "story", "{story}", "", _HIGHLIGHT),
    Route("/stories/{user}/{story}", "story", "{story}", "{user}", _STORY),
    Route("/stories/{user}", "story", "", "{user}", SITE + "/stories/{user}/"),
    Route("/explore/tags/{tag}/*", "hashtag", "{tag}", "", SITE + "/explore/tags/{tag}/"),
    Route(
        "/explore/search/keyword",
        "search",
        "{q}",
        "",
        SITE + "/explore/search/keyword/?q={q}",
        "q={q:terms}",
    ),
    Route("/channel/{link}", "channel", "{link}", "", SITE + "/channel/{link}/"),
    _share("/share/{link}"),
    _share("/share/p/{link}"),
    _share("/share/reel/{link}"),
    _share("/share/v/{link}"),
    _account("/_u/{user}"),
    Route("/{user}/live", "live", "", "{user}", SITE + "/{user}/live/"),
    Route("/{user}/live/{live:number}", "live", "{live}", "{user}", SITE + "/{user}/live/{live}/"),
    _account("/{user}"),
    _account("/{user}/{tab}"),
)
SHORT: Final = (
    _account("/m/{user}"),
    _account("/u/{user}"),
    Route("/j/{link}", "group", "{link}", "", "https://ig.me/j/{link}"),
    Route("/{link}", "short_link", "{link}", "", "https://ig.me/{link}"),
)
LINK_SHIM: Final = (Route("/", canonical=SITE, unwrap="u"),)

PLATFORM: Final = Platform(
    name="instagram",
    title="Instagram",
    hosts={
        "instagram.com": "web",
        "www.instagram.com": "web",
        "m.instagram.com": "web",
        "instagr.am": "web",
        "www.instagr.am": "web",
        "ig.me": "short",
        "www.ig.me": "short",
        "l.instagram.com": "link_shim",
    },
    sections={"web": WEB, "short": SHORT, "link_shim": LINK_SHIM},
    slots=SLOTS,
    owned=("instagram.com", "instagr.am", "ig.me", "cdninstagram.com", "instagram.net"),
    brands=("instagram",),
    families={"post": "media", "reel": "media", "video": "media"},
)
