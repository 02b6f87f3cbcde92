"""Telegram, by its published deep links (core.telegram.org/api/links).

Message numbers count per chat, so a message's identity carries its chat: ``channel/number``.
A chat is a channel here unless the link says otherwise; names ending in "bot" are accounts.
"""

from __future__ import annotations

import re
from typing import Final

from services.intake.platforms.slots import lower_ascii, number, token, words
from services.intake.platforms.table import HostPattern, Overlay, Platform, Route, Slot

SITE: Final = "https://t.me"

RESERVED: Final = words(
    "addemoji addlist addstickers addstyle addtheme auction auth boost call confirmphone contact",
    "giftcode index invoice joinchat login newgroup nft proxy setlanguage settings share socks",
    "stickers terms privacy faq apps www web",
)
NAME: Final = r"[a-z](?!\w*__)[a-z0-9_]{2,30}[a-z0-9]"
# core.telegram.org/bots/features: a bot's name ends in "bot".
BOT: Final = r"[a-z](?!\w*__)[a-z0-9_]{0,28}bot"
LARGEST_MESSAGE: Final = 2**31 - 1
RESOLVE: Final = r"tg://resolve/?\?domain="

SLOTS: Final = {
    "channel": Slot(re.compile(f"@?({NAME})"), prepare=lower_ascii, reserved=RESERVED),
    "bot": Slot(re.compile(f"@?({BOT})"), prepare=lower_ascii),
    "post": number(LARGEST_MESSAGE),
    "chat": number(10**13),
    "hash": Slot(re.compile(r"\+?(?![0-9]{6,15}$)([A-Za-z0-9_-]{10,64})")),
    "invite": Slot(re.compile(r"\+(?![0-9]{6,15}$)([A-Za-z0-9_-]{10,64})")),
    "phone": Slot(re.compile(r"\+([1-9][0-9]{5,14})")),
    "slug": token("A-Za-z0-9_-", 4, 64),
    "app": Slot(re.compile(r"(?=.*[a-z_])[a-z0-9_]{1,64}"), prepare=lower_ascii),
    "stream": Slot(re.compile(r".{1,100}")),
    "webchat": Slot(re.compile(r"-100([1-9][0-9]{4,12})")),
    "user": number(),
    "tgpost": Slot(
        re.compile(rf"{RESOLVE}{NAME}&post=([1-9][0-9]{{0,9}})(?:&.*)?"),
        prepare=lower_ascii,
        ceiling=LARGEST_MESSAGE,
    ),
    "tgowner": Slot(re.compile(rf"{RESOLVE}({NAME})&.*"), prepare=lower_ascii),
    "tgname": Slot(re.compile(rf"(?!.*&post=){RESOLVE}({NAME})(?:&.*)?"), prepare=lower_ascii),
    "tgbot": Slot(re.compile(rf"(?!.*&post=){RESOLVE}({BOT})(?:&.*)?"), prepare=lower_ascii),
}


def _post(path: str, query: str = "") -> Route:
    return Route(path, "post", "{channel}/{post}", "{channel}", SITE + "/{channel}/{post}", query)


def _private_post(path: str) -> Route:
    return Route(path, "post", "{chat}/{post}", "{chat}", SITE + "/c/{chat}/{post}")


def _channel(path: str, query: str = "") -> Route:
    return Route(path, "channel", "", "{channel}", SITE + "/{channel}", query)


def _private(path: str, query: str = "") -> Route:
    return Route(path, "channel", "", "{chat}", SITE + "/c/{chat}", query)


def _bot(path: str, query: str = "") -> Route:
    return Route(path, "account", "", "{bot}", SITE + "/{bot}", query)


def _group(path: str) -> Route:
    return Route(path, "group", "{hash}", "", SITE + "/+{hash}")


def _live(parameter: str) -> Route:
    query = f"{parameter}={{stream}}"
    return Route("/{channel}", "live", "", "{channel}", SITE + "/{channel}?livestream=1", query)


WEB: Final = (
    _private_post("/c/{chat}/{post}"),
    _private_post("/c/{chat}/{topic:post}/{post}"),
    _private("/c/{chat}"),
    _post("/s/{channel}/{post}"),
    _bot("/s/{bot}"),
    _channel("/s/{channel}"),
    _group("/joinchat/{hash}"),
    _channel("/boost/{channel}"),
    _private("/boost", "c={chat}"),
    Route("/addlist/{slug}", "group", "addlist/{slug}", "", SITE + "/addlist/{slug}"),
    _group("/{hash:invite}"),
    Route("/{phone}", "account", "", "+{phone}", SITE + "/+{phone}"),
    Route(
        "/{channel}/s/{story:post}",
        "story",
        "{channel}/s/{story}",
        "{channel}",
        SITE + "/{channel}/s/{story}",
    ),
    _post("/{channel}/{post}"),
    _post("/{channel}/{topic:post}/{post}"),
    _live("livestream"),
    _live("videochat"),
    _live("voicechat"),
    _bot("/{bot}"),
    _bot("/{bot}/{app}"),
    _channel("/{channel}"),
)
# web.telegram.org/k/#@name: what follows "#" is the address.
CLIENT: Final = (
    Route(
        "/",
        "post",
        "{channel}/{post}",
        "{channel}",
        SITE + "/{channel}/{post}",
        "tgaddr={channel:tgowner}&tgaddr={post:tgpost}",
    ),
    _bot("/", "tgaddr={bot:tgbot}"),
    _channel("/", "tgaddr={channel:tgname}"),
    _channel("/im", "p={channel}"),
    _private("/{chat:webchat}"),
    _bot("/{bot}"),
    _channel("/{channel}"),
)

PLATFORM: Final = Platform(
    name="telegram",
    title="Telegram",
    hosts={
        **dict.fromkeys(
            (
                *("t.me", "www.t.me", "telegram.me", "www.telegram.me"),
                *("telegram.dog", "www.telegram.dog"),
            ),
            "web",
        ),
        "web.telegram.org": "client",
    },
    host_patterns=(
        HostPattern(
            re.compile(rf"(?!(?:{'|'.join(sorted(RESERVED))})\.)({NAME})\.t\.me"),
            "web",
            leads_path=True,
        ),
    ),
    sections={"web": WEB, "client": CLIENT},
    slots=SLOTS,
    owned=(
        *("t.me", "telegram.me", "telegram.dog", "telegram.org", "telegram-cdn.org"),
        *("cdn-telegram.org", "telesco.pe", "tdesktop.com", "telegra.ph"),
    ),
    brands=("telegram",),
    overlays=(
        Overlay(frozenset({"post"}), "comment={comment:post}", "comment", "{base}/{comment}"),
    ),
    fragment_sections=frozenset({"client"}),
)
