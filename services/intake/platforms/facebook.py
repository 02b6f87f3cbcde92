"""Facebook: profiles, pages, groups and what stands on them.

A ``pfbid`` and a number can name the same post, but only Facebook can tell; they stay two
identities. Names of pages and people ignore case and dots (facebook.com/help/105399436216001).
"""

from __future__ import annotations

import base64
import binascii
import re
from typing import Final

from services.intake.platforms.slots import (
    ANYTHING,
    HASHTAG,
    LARGEST_ID,
    ROOT_FILES,
    SEARCH,
    lower_ascii,
    number,
    token,
    words,
)
from services.intake.platforms.table import HostPattern, Overlay, Platform, Route, Slot

SITE: Final = "https://www.facebook.com"

RESERVED: Final = ROOT_FILES | words(
    "about account accounts ad ads advertising ajax api apps business careers checkpoint",
    "common composer connect cookie cookies create creators developers device dialog",
    "directory dyi events explore fblite feed feeds find-friends follow friends fundraisers",
    "games gaming group groups hashtag help home jobs l legal legal_request live local login",
    "logout marketplace me media memories messages messenger mobile nearby notes",
    "notifications offers onthisday p page pages people permalink pg photo photos places",
    "plugins policies policy posts privacy professional profile public r recover reel reels",
    "reg rooms safety sale saved search security settings share sharer signup site stories",
    "story support terms tr trending v video videos watch weather whitehat work xti",
)
COMMENT_IN_BASE64: Final = re.compile(r"comment:[0-9A-Za-z]+_([1-9][0-9]{0,18})")


def comment_number(text: str) -> str:
    """A comment's own number, out of ``post_comment`` or its base64 form ``comment:post_comment``.

    The part before it depends on how the post was addressed; the comment's number does not.
    """
    if text.isdigit():
        return text
    try:
        plain = base64.b64decode(text + "=" * (-len(text) % 4), validate=True).decode("ascii")
    except (binascii.Error, ValueError):
        return ""
    found = COMMENT_IN_BASE64.fullmatch(plain)
    return found[1] if found else ""


COMMENTED: Final = frozenset({"post", "video", "reel", "live", "photo"})
COMMENT: Final = "comment_id={parent:comment}"
NUMBER: Final = number()
ITEM: Final = Slot(re.compile(r"[1-9][0-9]{0,18}|pfbid[A-Za-z0-9]{5,150}"), ceiling=LARGEST_ID)
SLOTS: Final = {
    "number": NUMBER,
    "item": ITEM,
    "post": ITEM,
    "person": ITEM,
    "first": Slot(re.compile(r"([1-9][0-9]{0,18})(?:,.*)?"), ceiling=LARGEST_ID),
    "page": Slot(
        re.compile(r"(?!.*\.(?:php|html?|xml|txt|js)$)[a-z0-9][a-z0-9._-]{0,79}"),
        prepare=lower_ascii,
        reserved=RESERVED,
    ),
    # Pages without a name of their own: facebook.com/Some-Title-100064812345678.
    "titled": Slot(re.compile(r".{1,200}-([1-9][0-9]{8,18})")),
    "tab": Slot(
        re.compile(
            r"about(_\w+)?|app|community|events|followers|following|friends|likes|live|live_videos"
            r"|map|mentions|photos(_\w+)?|posts|reels(_tab)?|reviews|services|shop|sports|stories"
            r"|timeline|videos(_\w+)?|music|movies|tv|books|check-ins|groups|directory_\w+"
        ),
        prepare=lower_ascii,
    ),
    "group": Slot(
        re.compile(r"[a-z0-9][a-z0-9._-]{0,79}"),
        prepare=lower_ascii,
        reserved=words("browse create discover feed joins notifications search you your_groups"),
    ),
    "grouptab": Slot(
        re.compile(
            r"about|announcements|buy_sell_discussion|discussion|events|featured|files|guides"
            r"|media|members|people|photos|reels|videos"
        ),
        prepare=lower_ascii,
    ),
    "albumset": Slot(re.compile(r"(?:a|oa|ms\.c|g)\.([1-9][0-9]{0,18})(?:\.[0-9.]+)?")),
    "card": token("A-Za-z0-9_=-", 4, 250),
    "code": token("A-Za-z0-9_-", 4, 64),
    "comment": Slot(
        re.compile(r"(?:[0-9A-Za-z]{1,160}_)?([1-9][0-9]{0,18})|([A-Za-z0-9+/]{12,400}={0,2})"),
        decode=comment_number,
    ),
    "tag": HASHTAG,
    "terms": SEARCH,
    "name": ANYTHING,
    "scope": Slot(re.compile(r"[a-z_]{3,20}"), prepare=lower_ascii),
}


def _post(path: str, query: str = "") -> Route:
    return Route(path, "post", "{post}", "{page}", SITE + "/{page}/posts/{post}", query)


def _group_post(path: str, query: str = "") -> Route:
    canonical = SITE + "/groups/{group}/posts/{post}"
    return Route(path, "post", "{post}", "{group}", canonical, query)


def _video(path: str, query: str = "") -> Route:
    return Route(path, "video", "{video}", "", SITE + "/watch/?v={video}", query)


def _page_video(path: str) -> Route:
    return Route(path, "video", "{video}", "{page}", SITE + "/{page}/videos/{video}")


def _reel(path: str, account: str = "") -> Route:
    return Route(path, "reel", "{reel}", account, SITE + "/reel/{reel}")


def _photo(path: str, query: str = "", account: str = "") -> Route:
    return Route(path, "photo", "{photo}", account, SITE + "/photo/?fbid={photo}", query)


def _page(path: str) -> Route:
    return Route(path, "page", "", "{page}", SITE + "/{page}")


def _tabbed(path: str) -> tuple[Route, Route]:
    return _page(path), _page(path + "/{tab}")


def _person(path: str, query: str = "") -> Route:
    return Route(path, "account", "", "{person}", SITE + "/profile.php?id={person}", query)


def _group(path: str) -> Route:
    return Route(path, "group", "", "{group}", SITE + "/groups/{group}")


def _listed(path: str, canonical: str) -> Route:
    """Events and offers for sale; this vocabulary has no nearer word for them than a post."""
    return Route(path, "post", "{item}", "", SITE + canonical)


def _tagged(path: str) -> Route:
    return Route(path, "hashtag", "{tag}", "", SITE + "/hashtag/{tag}")


def _search(path: str) -> Route:
    return Route(path, "search", "{q}", "", SITE + "/search/top/?q={q}", "q={q:terms}")


def _short(origin: str, path: str = "", letters: str = "") -> tuple[Route, ...]:
    """A code, alone or behind one letter that says what it leads to."""
    forms = (path + "/{code}", *(f"{path}/{letter}/{{code}}" for letter in letters))
    return tuple(Route(form, "short_link", "{code}", "", origin + form) for form in forms)


def _wrapper(path: str, parameter: str) -> Route:
    return Route(path, canonical=SITE, unwrap=parameter)


def _owned_by(owner: str) -> tuple[Route, ...]:
    return (
        _post(f"/{owner}/posts/{{post}}"),
        _post(f"/{owner}/posts/{{name}}/{{post}}"),
        _post(f"/{owner}/activity/{{post:number}}"),
        _page_video(f"/{owner}/videos/{{video:item}}"),
        _page_video(f"/{owner}/videos/{{name}}/{{video:item}}"),
        _reel(f"/{owner}/reels/{{reel:item}}", "{page}"),
        _reel(f"/{owner}/reel/{{reel:item}}", "{page}"),
        _photo(f"/{owner}/photos/{{photo:item}}", account="{page}"),
        _photo(f"/{owner}/photos/{{name}}/{{photo:item}}/*", account="{page}"),
    )


WEB: Final = (
    _person("/profile.php", "id={person:number}"),
    _post("/permalink.php", "story_fbid={post}&id={page:number}"),
    _post("/story.php", "story_fbid={post}&id={page:number}"),
    Route("/people/{name}/{person}", "account", "", "{person}", SITE + "/people/_/{person}"),
    *_tabbed("/pages/{name}/{page:number}"),
    *_tabbed("/pages/category/{category:name}/{page:titled}"),
    *_tabbed("/p/{page:titled}"),
    _page("/p/{page:number}"),
    *_tabbed("/pg/{page:titled}"),
    *_tabbed("/pg/{page}"),
    _page("/gaming/{page}"),
    _video("/watch", "v={video:item}"),
    Route("/watch/live", "live", "{video}", "", SITE + "/watch/live/?v={video}", "v={video:item}"),
    _video("/video.php", "v={video:item}"),
    _video("/video/video.php", "v={video:item}"),
    _video("/video/embed", "video_id={video:item}"),
    _reel("/reel/{reel:item}"),
    _reel("/reels/{reel:item}"),
    Route(
        "/stories/{owner:number}/{card}/*",
        "story",
        "{card}",
        "{owner}",
        SITE + "/stories/{owner}/{card}",
    ),
    Route("/stories/{owner:number}", "story", "", "{owner}", SITE + "/stories/{owner}"),
    _photo("/photo", "fbid={photo:item}"),
    _photo("/photo.php", "fbid={photo:item}"),
    Route(
        "/media/set", "photo", "{set}", "", SITE + "/media/set/?set=a.{set}", "set={set:albumset}"
    ),
    _group_post("/groups/{group}/posts/{post}"),
    _group_post("/groups/{group}/permalink/{post}"),
    _group_post("/groups/{group}", "view=permalink&id={post}"),
    _group_post("/groups/{group}", "multi_permalinks={post:first}"),
    _group_post("/groups/{group}/{post:number}"),
    _person("/groups/{group}/user/{person:number}"),
    _group("/groups/{group}"),
    _group("/groups/{group}/{grouptab}"),
    _listed("/events/{item:number}/*", "/events/{item}"),
    _listed("/events/s/{name}/{item:number}", "/events/{item}"),
    _listed("/events/{name}/{item:number}", "/events/{item}"),
    _listed("/marketplace/item/{item:number}", "/marketplace/item/{item}"),
    Route("/ads/library", "ad", "{ad}", "", SITE + "/ads/library/?id={ad}", "id={ad:number}"),
    _tagged("/hashtag/{tag}"),
    _tagged("/watch/hashtag/{tag}"),
    _search("/search"),
    _search("/search/{scope}"),
    *_short(SITE, "/share", "pvrg"),
    _wrapper("/l.php", "u"),
    _wrapper("/flx/warn", "u"),
    _wrapper("/plugins/post.php", "href"),
    _wrapper("/plugins/video.php", "href"),
    *_owned_by("{page:titled}"),
    *_owned_by("{page}"),
    _page("/{page:number}"),
    *_tabbed("/{page:titled}"),
    *_tabbed("/{page}"),
)
# m.me opens a conversation with the very page or person of that name.
MESSENGER: Final = (_page("/{page:number}"), _page("/{page}"))
LINK_SHIM: Final = (_wrapper("/l.php", "u"),)

WEB_HOSTS: Final = (
    *("facebook.com", "www.facebook.com", "m.facebook.com", "mbasic.facebook.com"),
    *("touch.facebook.com", "web.facebook.com", "mobile.facebook.com", "free.facebook.com"),
    *("0.facebook.com", "x.facebook.com", "d.facebook.com", "p.facebook.com"),
    *("iphone.facebook.com", "business.facebook.com", "fb.com", "www.fb.com", "m.fb.com"),
)

PLATFORM: Final = Platform(
    name="facebook",
    title="Facebook",
    hosts={
        **dict.fromkeys(WEB_HOSTS, "web"),
        "l.facebook.com": "link_shim",
        "lm.facebook.com": "link_shim",
        "fb.watch": "short_watch",
        "www.fb.watch": "short_watch",
        "fb.me": "short",
        "www.fb.me": "short",
        "on.fb.me": "old_short",
        "m.me": "messenger",
        "www.m.me": "messenger",
    },
    # Locales: de-de.facebook.com, ckb-iq.facebook.com, es.facebook.com.
    host_patterns=(
        HostPattern(re.compile(r"(?:[a-z]{2}|[a-z]{2,3}-[a-z]{2})\.facebook\.com"), "web"),
    ),
    sections={
        "web": WEB,
        "link_shim": LINK_SHIM,
        "short_watch": _short("https://fb.watch", letters="vr"),
        "short": _short("https://fb.me", letters="epvg"),
        "old_short": _short("https://on.fb.me"),
        "messenger": MESSENGER,
    },
    slots=SLOTS,
    owned=(
        *("facebook.com", "fb.com", "fb.me", "fb.watch", "fb.gg", "m.me", "messenger.com"),
        *("facebook.net", "fbcdn.net", "fbsbx.com", "facebookmail.com", "meta.com"),
    ),
    brands=("facebook",),
    families={"video": "video", "reel": "video", "live": "video", "page": "account"},
    overlays=(
        Overlay(COMMENTED, f"{COMMENT}&reply_comment_id={{comment}}", "comment", "{comment}"),
        Overlay(COMMENTED, "comment_id={comment}", "comment", "{comment}"),
    ),
    dotless_families=frozenset({"account"}),
)
