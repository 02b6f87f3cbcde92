"""From a URL as somebody copied it to the identity of the content it names.

The URL is read as browsers read it (WHATWG, by ada), then looked up in the platforms' tables.
Nothing is fetched. Whatever cannot be read with certainty is refused with a reason and a remedy.
"""

from __future__ import annotations

import re
from typing import Final, NamedTuple
from urllib.parse import unquote

from ada_url import HostType, normalize_url, parse_url

from services.intake.platforms.query import AmbiguousParameterError, Query
from services.intake.platforms.registry import BY_NAME, Place, place_of
from services.intake.platforms.slots import CONTROL, INVISIBLE, JOINERS
from services.intake.platforms.table import Found, Platform
from services.intake.url_refusals import MAX_URL_LENGTH, UrlReason, UrlRefused

MAX_SEGMENTS: Final = 32
MAX_PATH_LENGTH: Final = 4096  # encoded; nothing that names content comes near

_CONTROL: Final = re.compile(f"[{CONTROL}]")
_INVISIBLE: Final = re.compile(f"[{INVISIBLE}{JOINERS}]")
_INVISIBLE_BUT_JOINERS: Final = re.compile(f"[{INVISIBLE}]")
_SCHEME: Final = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*):")
# "t.me:443/name" has a host before its colon, not a scheme.
_HOST_AND_PORT: Final = re.compile(r"[A-Za-z0-9-]+\.[A-Za-z0-9.-]+:[0-9]*(?:[/?#]|$)")
# What stands between the scheme and the path, as the WHATWG parser delimits it.
_AUTHORITY: Final = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:[/\\]*([^/\\?#]*)(\\+[^/\\?#]*@)?")
# An address as the parser writes it, but for user name, port and a host that ends in a digit:
# only what delimits is left as "/", "?" and "#".
_WRITTEN: Final = re.compile(
    r"https?://([^/?#:@\[\]]*[^/?#:@\[\]0-9])(/[^?#]*)(?:\?([^#]*))?(?:#(.*))?"
)
_ATTRIBUTES: Final = ("port", "host_type", "hostname", "pathname", "search", "hash")
_INDEX_PAGES: Final = frozenset({"index.html", "index.htm", "index.php"})


class Address(NamedTuple):
    """A web address taken apart; query and fragment without what introduces them."""

    host: str
    path: str
    query: str
    fragment: str


class ContentIdentity(NamedTuple):
    """One item of content on one platform.

    ``platform`` and ``kind`` are lower-case words; ``content_id`` is "" where the account, page,
    group or channel itself is meant; ``account`` is the handle or number in the URL, "" when the
    URL does not tell, and is not checked by the platforms that go by the number alone.
    """

    platform: str
    kind: str
    content_id: str
    account: str
    canonical_url: str

    @property
    def key(self) -> str:
        """``<platform>/<family>/<id>``: equal exactly when two URLs name the same content.

        Kinds that share one space of ids (a YouTube video and its short) are one family.
        """
        platform = BY_NAME[self.platform]
        family = platform.families.get(self.kind, self.kind)
        dotless = family in platform.dotless_families
        account = self.account.replace(".", "") if dotless else self.account
        return f"{self.platform}/{family}/{self.content_id or account}"


def canonicalise(url: str) -> ContentIdentity:
    """The identity of the content that a URL names.

    Raises UrlRefused, and nothing else, for every other text.
    """
    return _identify(url, wrapped=False)


def _identify(url: str, *, wrapped: bool) -> ContentIdentity:
    host, path, query, fragment = _parsed(_printable(url))
    place = _place(host)
    platform = place.platform
    if place.section in platform.fragment_sections:
        path, _, query = fragment.partition("?")
    try:
        found = platform.find(place.section, (*place.leading, *_segments(path)), Query.of(query))
    except AmbiguousParameterError:
        message = "The URL names two different items in one parameter; give the address of one."
        raise UrlRefused(UrlReason.UNSUPPORTED_PATH, message) from None
    if found is None:
        raise UrlRefused(UrlReason.UNSUPPORTED_PATH, _names_nothing(platform))
    if found.unwrap:
        return _unwrapped(found, wrapped)
    return ContentIdentity(
        platform.name, found.kind, found.content_id, found.account, found.canonical_url
    )


def _names_nothing(platform: Platform) -> str:
    return (
        f"This {platform.title} address names nothing that can be referred; open the post, account,"
        " page or group and copy its own address."
    )


def _unwrapped(found: Found, wrapped: bool) -> ContentIdentity:
    """What a platform's redirecting link leads to; one level, so that nothing can nest."""
    if wrapped:
        message = "The URL is a redirecting link inside another; give the address that it leads to."
        raise UrlRefused(UrlReason.UNSUPPORTED_PATH, message)
    relative = found.unwrap.startswith("/") and found.unwrap[1:2] not in {"/", "\\"}
    return _identify(found.canonical_url + found.unwrap if relative else found.unwrap, wrapped=True)


def _printable(url: str) -> str:
    """The URL without blanks around it; refuses what cannot be seen."""
    if len(url) > MAX_URL_LENGTH:
        raise UrlRefused(UrlReason.TOO_LONG)
    text = url.strip(" ")
    if not text:
        raise UrlRefused(UrlReason.MISSING)
    _refuse_unseen(text, _INVISIBLE)
    return text


def _refuse_unseen(text: str, invisible: re.Pattern[str]) -> None:
    if text.isascii() and text.isprintable():
        return
    if _CONTROL.search(text):
        raise UrlRefused(UrlReason.CONTROL_CHARACTERS)
    if invisible.search(text):
        raise UrlRefused(UrlReason.BIDI_CHARACTERS)


def _parsed(text: str) -> Address:
    """The URL as a browser would read it; refuses schemes, user names, ports, numbers for hosts."""
    scheme = _SCHEME.match(text)
    if scheme is None or _HOST_AND_PORT.match(text):
        raise UrlRefused(UrlReason.RELATIVE)
    if scheme[1].lower() not in {"http", "https"}:
        raise UrlRefused(UrlReason.SCHEME_NOT_HTTP)
    authority = _AUTHORITY.match(text)
    # Where a browser ends the host at a backslash, other programs still see a user name.
    if authority is None or "@" in authority[1] or authority[2]:
        raise UrlRefused(UrlReason.USERINFO)
    parts = split(text)
    if _disguised(authority[1]):
        raise UrlRefused(_reason_for_foreign(parts.host, disguised=True))
    return parts


def split(text: str) -> Address:
    """The parts of a web address without user name.

    Raises:
        UrlRefused: UNPARSABLE, PORT or IP_ADDRESS_HOST.
    """
    try:
        # One call into the library for the whole instead of one for each part.
        written = _WRITTEN.fullmatch(normalize_url(text))
    except ValueError:
        raise UrlRefused(UrlReason.UNPARSABLE) from None
    return split_by_parser(text) if written is None else Address(*written.groups(default=""))


def split_by_parser(text: str) -> Address:
    """As ``split``, part by part, of what can be parsed."""
    parsed = parse_url(text, _ATTRIBUTES)
    if parsed["port"]:
        raise UrlRefused(UrlReason.PORT)
    if parsed["host_type"] is not HostType.DEFAULT:
        raise UrlRefused(UrlReason.IP_ADDRESS_HOST)
    return Address(parsed["hostname"], parsed["pathname"], parsed["search"][1:], parsed["hash"][1:])


def _disguised(authority: str) -> bool:
    """Whether the host is written in characters that only turn into a host name by decoding."""
    return not authority.isascii() or "%" in authority


def _place(host: str) -> Place:
    place = place_of(host.removesuffix("."))
    if place is None:
        raise UrlRefused(_reason_for_foreign(host, disguised=False))
    if not place.section:
        raise UrlRefused(UrlReason.UNSUPPORTED_PATH, _names_nothing(place.platform))
    return place


def _reason_for_foreign(host: str, *, disguised: bool) -> UrlReason:
    from services.intake.platforms.lookalike import imitates

    bare = host.removesuffix(".")
    if bare.endswith(".onion"):
        return UrlReason.UNKNOWN_PLATFORM
    if imitates(bare) or (disguised and place_of(bare) is not None):
        return UrlReason.LOOKALIKE_HOST
    return UrlReason.UNKNOWN_PLATFORM


def _segments(path: str) -> list[str]:
    """The path's parts, each decoded once; a decoded slash stays inside its part."""
    if len(path) > MAX_PATH_LENGTH:
        raise UrlRefused(UrlReason.UNSUPPORTED_PATH)
    segments = [segment for segment in path.split("/") if segment]
    if segments and segments[-1].lower() in _INDEX_PAGES:
        segments.pop()
    if len(segments) > MAX_SEGMENTS:
        raise UrlRefused(UrlReason.UNSUPPORTED_PATH)
    if "%" not in path:
        return segments
    try:
        decoded = [unquote(segment, errors="strict") for segment in segments]
    except UnicodeDecodeError:
        raise UrlRefused(UrlReason.UNPARSABLE) from None
    for segment in decoded:
        _refuse_unseen(segment, _INVISIBLE_BUT_JOINERS)
    return decoded
