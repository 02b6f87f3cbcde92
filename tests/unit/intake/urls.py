"""The golden and the hostile URLs, and the rewritings that must not change what a URL names."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Final

HERE: Final = Path(__file__).parent
TRACKING: Final = (
    "utm_source=share&utm_medium=social&fbclid=IwAR0abc&mibextid=Zxz2cZ&__tn__=-R&ref=share"
    "&igsh=MzRlODBi&s=46&t=QwErTy&si=AbCdEf&feature=share&_r=1&_d=e0&u_code=d9k&lang=en&web_id=1"
)
EQUIVALENT_HOSTS: Final = {
    "www.facebook.com": (
        *("facebook.com", "m.facebook.com", "mbasic.facebook.com", "web.facebook.com"),
        *("touch.facebook.com", "fr-fr.facebook.com", "ar-ar.facebook.com", "www.fb.com"),
    ),
    "www.instagram.com": ("instagram.com", "m.instagram.com", "instagr.am"),
    "www.tiktok.com": ("tiktok.com", "m.tiktok.com"),
    "x.com": (
        *("www.x.com", "mobile.x.com", "twitter.com", "www.twitter.com"),
        *("mobile.twitter.com", "m.twitter.com"),
    ),
    "www.youtube.com": ("youtube.com", "m.youtube.com", "music.youtube.com"),
    "www.snapchat.com": ("snapchat.com",),
    "t.me": ("www.t.me", "telegram.me", "telegram.dog"),
}
Variant = Callable[[str], str]


def golden() -> list[dict[str, Any]]:
    """Rows of url, platform, kind, content_id, account, key."""
    return _rows("golden_urls.ndjson")


def hostile() -> list[dict[str, Any]]:
    """Rows of url and the reason for which it must be refused."""
    return _rows("hostile_urls.ndjson")


def _rows(name: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (HERE / name).read_text("utf-8").splitlines()]


def parts(url: str) -> tuple[str, str, str, str, str]:
    """Scheme, host, path, query and fragment, each with its leading delimiter but the host."""
    rest, hash_mark, fragment = url.partition("#")
    rest, question_mark, query = rest.partition("?")
    scheme, _, rest = rest.partition("://")
    host, slash, path = rest.partition("/")
    return scheme, host, slash + path, question_mark + query, hash_mark + fragment


def _tracked(url: str) -> str:
    scheme, host, path, query, fragment = parts(url)
    joined = f"{query}&{TRACKING}" if query else f"?{TRACKING}"
    return f"{scheme}://{host}{path or '/'}{joined}{fragment}"


def _tracked_first(url: str) -> str:
    scheme, host, path, query, fragment = parts(url)
    joined = f"?fbclid=x&{query[1:]}" if query else "?fbclid=x"
    return f"{scheme}://{host}{path or '/'}{joined}{fragment}"


def _with_fragment(url: str) -> str:
    return url if "#" in url else url + "#comments"


def _slashed(url: str) -> str:
    scheme, host, path, query, fragment = parts(url)
    return f"{scheme}://{host}{path.rstrip('/')}/{query}{fragment}"


def _doubled_slashes(url: str) -> str:
    scheme, host, path, query, fragment = parts(url)
    return f"{scheme}://{host}{path.replace('/', '//')}{query}{fragment}"


def _index_page(url: str) -> str:
    scheme, host, path, query, fragment = parts(url)
    return f"{scheme}://{host}{path.rstrip('/')}/index.html{query}{fragment}"


def _host(rewrite: Variant) -> Variant:
    def apply(url: str) -> str:
        scheme, host, path, query, fragment = parts(url)
        return f"{scheme}://{rewrite(host)}{path}{query}{fragment}"

    return apply


def _dots(url: str) -> str:
    scheme, host, path, query, fragment = parts(url)
    return f"{scheme}://{host}/x/..{path or '/'}{query}{fragment}"


def _encoded_letter(url: str) -> str:
    scheme, host, path, query, fragment = parts(url)
    if len(path) < len("/x") or not path[1].isascii() or path[1] == "%":
        return url
    return f"{scheme}://{host}/%{ord(path[1]):02X}{path[2:]}{query}{fragment}"


VARIANTS: Final[dict[str, Variant]] = {
    "http": lambda url: url.replace("https://", "http://", 1),
    "scheme in capitals": lambda url: url.replace("https://", "HTTPS://", 1),
    "no slashes": lambda url: url.replace("https://", "https:", 1),
    "backslashes": lambda url: url.replace("https://", "https:\\\\", 1),
    "three slashes": lambda url: url.replace("https://", "https:///", 1),
    "spaces around": lambda url: f"  {url} ",
    "host in capitals": _host(str.upper),
    "dot after the host": _host(lambda host: host + "."),
    "default port": _host(lambda host: host + ":443"),
    "tracking parameters": _tracked,
    "tracking parameter first": _tracked_first,
    "fragment": _with_fragment,
    "slash at the end": _slashed,
    "doubled slashes": _doubled_slashes,
    "index page": _index_page,
    "dot segments": _dots,
    "encoded letter": _encoded_letter,
}


def on_equivalent_hosts(url: str) -> Iterator[str]:
    """The same address on the platform's other hosts."""
    scheme, host, path, query, fragment = parts(url)
    for other in EQUIVALENT_HOSTS.get(host, ()):
        yield f"{scheme}://{other}{path}{query}{fragment}"
