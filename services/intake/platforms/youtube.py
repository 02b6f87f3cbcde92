"""YouTube. One video has one 11-character id, whether shown as a video, a short or a live stream.

Handles (/@name), custom names (/c/name) and old user names (/user/name) are three name spaces, so
the account says which: ``name``, ``c/name``, ``user/name``; a channel id keeps its case.
"""

from __future__ import annotations

import re
from typing import Final

from services.intake.platforms.slots import HASHTAG, ROOT_FILES, SEARCH, fold, token, words
from services.intake.platforms.table import Overlay, Platform, Route, Slot

SITE: Final = "https://www.youtube.com"

RESERVED: Final = ROOT_FILES | words(
    "about account ads api attribution_link c channel channels clip creators data_export e",
    "embed feed feeds film gaming get_video_info hashtag help history howyoutubeworks",
    "iframe_api jobs kids library live live_chat live_chat_replay login logout m me movies",
    "music my_videos new news oembed oops paid_memberships playlist playlists podcasts post",
    "premium press privacy profile redirect reel reporthistory results s select_site settings",
    "shared shorts show signin signup source sports storefront studio subscribe t terms",
    "testtube trending tv upload user v verify vi watch watch_popup watch_videos watchlater",
    "yt ytd",
)
# Letters and marks of any script; of ASCII only letters, digits, "-", "_" and ".".
_NAME: Final = r"[^\s\x00-,/:-@\[-^`{-\u00a0\u2028\u2029\ufffd]"
TABS: Final = (
    r"featured|videos|shorts|streams|live|playlists|community|posts|channels|about|podcasts"
    r"|releases|courses|store|membership|join|search|discussion|home|lb"
)

SLOTS: Final = {
    "video": token("A-Za-z0-9_-", 11, 11),
    "clip": Slot(re.compile(r"Ugkx[A-Za-z0-9_-]{8,60}")),
    "post": Slot(re.compile(r"Ug[A-Za-z0-9_-]{8,60}")),
    # Watch later (WL) and liked videos (LL) are private to whoever looks.
    "list": Slot(re.compile(r"(?:PL|UU|FL|RD|OL|EC|TL|UL|PU|SP)[A-Za-z0-9_-]{8,100}")),
    "channel": Slot(re.compile(r"UC[A-Za-z0-9_-]{22}")),
    "handle": Slot(re.compile(rf"@({_NAME}{{1,60}})"), prepare=fold),
    "name": Slot(re.compile(rf"{_NAME}{{1,100}}"), prepare=fold, reserved=RESERVED),
    "tab": Slot(re.compile(TABS), prepare=fold),
    "comment": Slot(re.compile(r"[A-Za-z0-9_-]{6,60}(?:\.[A-Za-z0-9_-]{6,60})?")),
    "tag": HASHTAG,
    "terms": SEARCH,
}


def _video(path: str, query: str = "") -> Route:
    return Route(path, "video", "{video}", "", SITE + "/watch?v={video}", query)


def _playlist(path: str) -> Route:
    return Route(path, "playlist", "{list}", "", SITE + "/playlist?list={list}", "list={list}")


def _post(path: str, account: str = "", query: str = "") -> Route:
    return Route(path, "post", "{post}", account, SITE + "/post/{post}", query)


def _channel(path: str, account: str, canonical: str) -> tuple[Route, ...]:
    """A channel, its tabs, and its posts as the community tab used to show them."""
    url = SITE + canonical
    return (
        _post(path + "/community", account, "lb={post}"),
        Route(path, "channel", "", account, url),
        Route(path + "/{tab}", "channel", "", account, url),
    )


def _search(path: str, query: str) -> Route:
    return Route(path, "search", "{q}", "", SITE + "/results?search_query={q}", query)


WEB: Final = (
    _video("/watch", "v={video}"),
    _playlist("/watch"),
    _video("/watch/{video}"),
    _video("/watch_popup", "v={video}"),
    _video("/live_chat", "v={video}"),
    Route("/shorts/{video}/*", "short", "{video}", "", SITE + "/shorts/{video}"),
    Route("/live/{video}/*", "live", "{video}", "", SITE + "/live/{video}"),
    _playlist("/embed/videoseries"),
    Route(
        "/embed/live_stream",
        "channel",
        "",
        "{channel}",
        SITE + "/channel/{channel}",
        "channel={channel}",
    ),
    _video("/embed/{video}"),
    _video("/v/{video}"),
    _video("/e/{video}"),
    _video("/vi/{video}"),
    _playlist("/playlist"),
    _post("/post/{post}"),
    Route("/clip/{clip}", "video", "{clip}", "", SITE + "/clip/{clip}"),
    *_channel("/channel/{channel}", "{channel}", "/channel/{channel}"),
    *_channel("/c/{name}", "c/{name}", "/c/{name}"),
    *_channel("/user/{name}", "user/{name}", "/user/{name}"),
    Route("/hashtag/{tag}/*", "hashtag", "{tag}", "", SITE + "/hashtag/{tag}"),
    _search("/results", "search_query={q:terms}"),
    _search("/results", "q={q:terms}"),
    Route("/attribution_link", canonical=SITE, unwrap="u"),
    *_channel("/{handle}", "{handle}", "/@{handle}"),
    # A custom name also works without the /c/ (support.google.com/youtube/answer/2657968).
    *_channel("/{name}", "c/{name}", "/c/{name}"),
)
SHORT: Final = (
    _playlist("/playlist"),
    _video("/watch", "v={video}"),
    _video("/{video}"),
)

PLATFORM: Final = Platform(
    name="youtube",
    title="YouTube",
    hosts={
        **dict.fromkeys(
            (
                *("youtube.com", "www.youtube.com", "m.youtube.com", "music.youtube.com"),
                *(
                    "gaming.youtube.com",
                    "kids.youtube.com",
                    "youtubekids.com",
                    "www.youtubekids.com",
                ),
                *("youtube-nocookie.com", "www.youtube-nocookie.com", "youtube.googleapis.com"),
            ),
            "web",
        ),
        "youtu.be": "short",
        "www.youtu.be": "short",
    },
    sections={"web": WEB, "short": SHORT},
    slots=SLOTS,
    owned=(
        *("youtube.com", "youtu.be", "yt.be", "youtube-nocookie.com", "youtubekids.com"),
        *("ytimg.com", "googlevideo.com", "youtubeeducation.com", "youtube.googleapis.com"),
    ),
    brands=("youtube",),
    families={"short": "video", "live": "video"},
    overlays=(
        Overlay(
            frozenset({"video", "short", "live", "post"}), "lc={comment}", "comment", "{comment}"
        ),
    ),
)
