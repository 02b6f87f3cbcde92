"""X, formerly Twitter. A post is its number; X ignores the handle before it and redirects."""

from __future__ import annotations

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

SITE: Final = "https://x.com"

RESERVED: Final = ROOT_FILES | words(
    "about account accounts ads anyone api articles blog bookmarks careers communities",
    "compose connect_people download events explore favorites find_friends follower_requests",
    "followers following grok hashtag help home i intent invitations invite jobs lists login",
    "logout mentions messages moments newtwitter notifications oauth personalization premium",
    "privacy profile rules search search-advanced sessions settings share signin signup",
    "similar_to spaces status statuses support teams terms timeline tos translate trends",
    "verified who_to_follow widgets",
)

SLOTS: Final = {
    "handle": Slot(re.compile(r"@?([a-z0-9_]{1,20})"), prepare=lower_ascii, reserved=RESERVED),
    "digits": Slot(re.compile(r"@?([0-9]{1,20})")),
    "post": number(),
    "number": number(),
    "tab": Slot(
        re.compile(
            r"with_replies|media|likes|followers|following|verified_followers|highlights|articles"
            r"|photo|header_photo|about|affiliates|superfollows|subscriptions|followers_you_follow"
            r"|communities|lists|topics|reposts|creator-subscriptions"
        ),
        prepare=lower_ascii,
    ),
    "code": token("A-Za-z0-9", 4, 24),
    "live": token("A-Za-z0-9", 5, 30),
    "tag": HASHTAG,
    "terms": SEARCH,
}


def _post(path: str, query: str = "") -> Route:
    return Route(path, "post", "{post}", "", SITE + "/i/status/{post}", query)


def _named(path: str, query: str, kind: str, content: str, canonical: str) -> tuple[Route, Route]:
    """A handle may be all digits; an "@" then keeps it apart from a numeric user id."""
    digits = "{handle:digits}"
    return (
        Route(
            path.replace("{handle}", digits),
            kind,
            content,
            "@{handle}",
            SITE + canonical,
            query.replace("{handle}", digits),
        ),
        Route(path, kind, content, "{handle}", SITE + canonical, query),
    )


def _account(path: str, query: str = "") -> tuple[Route, Route]:
    return _named(path, query, "account", "", "/{handle}")


def _own_post(form: str) -> tuple[Route, Route]:
    path = f"/{{handle}}/{form}/{{post}}/*"
    return _named(path, "", "post", "{post}", "/{handle}/status/{post}")


def _user(path: str, query: str = "") -> Route:
    return Route(path, "account", "", "{user}", SITE + "/i/user/{user}", query)


def _live(form: str) -> Route:
    return Route(f"/i/{form}/{{live}}/*", "live", "{live}", "", f"{SITE}/i/{form}/{{live}}")


WEB: Final = (
    _post("/i/web/status/{post}/*"),
    _post("/i/status/{post}/*"),
    _post("/i/videos/tweet/{post}"),
    _post("/status/{post}/*"),
    _post("/statuses/{post}/*"),
    _post("/intent/like", "tweet_id={post}"),
    _post("/intent/favorite", "tweet_id={post}"),
    _post("/intent/retweet", "tweet_id={post}"),
    *_account("/intent/user", "screen_name={handle}"),
    *_account("/intent/follow", "screen_name={handle}"),
    _user("/intent/user", "user_id={user:number}"),
    _user("/intent/follow", "user_id={user:number}"),
    _user("/i/user/{user:number}"),
    Route(
        "/i/communities/{group:number}/*", "group", "", "{group}", SITE + "/i/communities/{group}"
    ),
    Route("/i/lists/{list:number}/*", "playlist", "{list}", "", SITE + "/i/lists/{list}"),
    _live("spaces"),
    _live("broadcasts"),
    Route("/hashtag/{tag}", "hashtag", "{tag}", "", SITE + "/hashtag/{tag}"),
    Route("/search", "search", "{q}", "", SITE + "/search?q={q}", "q={q:terms}"),
    Route("/i/search", "search", "{q}", "", SITE + "/search?q={q}", "q={q:terms}"),
    *_own_post("status"),
    *_own_post("statuses"),
    *_own_post("article"),
    *_account("/{handle}"),
    *_account("/{handle}/{tab}"),
)
SHORT: Final = (Route("/{code}", "short_link", "{code}", "", "https://t.co/{code}"),)
EMBED: Final = (_post("/embed/Tweet.html", "id={post}"),)

PLATFORM: Final = Platform(
    name="x",
    title="X",
    hosts={
        **dict.fromkeys(("x.com", "www.x.com", "mobile.x.com", "m.x.com"), "web"),
        **dict.fromkeys(
            ("twitter.com", "www.twitter.com", "mobile.twitter.com", "m.twitter.com"), "web"
        ),
        "t.co": "short",
        "www.t.co": "short",
        # The same code as t.co, as older posts show it.
        "pic.twitter.com": "short",
        "pic.x.com": "short",
        "platform.twitter.com": "embed",
        "platform.x.com": "embed",
    },
    sections={"web": WEB, "short": SHORT, "embed": EMBED},
    slots=SLOTS,
    owned=("x.com", "twitter.com", "t.co", "twimg.com"),
    brands=("twitter",),
)
