"""The page-state tables read every simulated state and every known test vector rightly."""

from __future__ import annotations

import json
from typing import Any

import httpcore2
import pytest

from services.observation.client import ForbiddenAddressError, check, is_public
from services.observation.domain import A, Availability, Content, Fetched
from services.observation.platforms import REGISTRY
from tests.simulators import pages
from tests.simulators.pages import Page

VIDEO = Content(
    "tiktok",
    "VIDEO",
    "7300000000000000001",
    "a",
    "https://www.tiktok.com/@a/video/7300000000000000001",
)
POST = Content(
    "x", "POST", "1800000000000000001", "a", "https://x.com/a/status/1800000000000000001"
)
INSTA = Content("instagram", "POST", "Cabc", "", "https://www.instagram.com/p/Cabc/")
FACE = Content("facebook", "POST", "900", "a", "https://www.facebook.com/a/posts/900")
GONE_WALLS = dict.fromkeys(("removed", "author_deleted", "suspended", "not_found"), A.NOT_FOUND)

EXPECTED: dict[str, tuple[Content, dict[str, Availability]]] = {
    "tiktok.page": (VIDEO, {
        "available": A.AVAILABLE, "removed": A.REMOVED, "author_deleted": A.AUTHOR_DELETED,
        "private": A.PRIVATE, "withheld": A.GEO_WITHHELD, "age": A.AGE_RESTRICTED,
        "not_found": A.NOT_FOUND, "login_wall": A.LOGIN_WALL, "blocked": A.PROBE_BLOCKED,
        "soft_404": A.UNKNOWN,
    }),
    "x.syndication": (POST, {
        "available": A.AVAILABLE, "removed": A.REMOVED, "author_deleted": A.AUTHOR_DELETED,
        "suspended": A.ACCOUNT_SUSPENDED, "private": A.PRIVATE, "withheld": A.GEO_WITHHELD,
        "age": A.AGE_RESTRICTED, "not_found": A.NOT_FOUND, "blocked": A.PROBE_BLOCKED,
        "login_wall": A.PROBE_BLOCKED, "soft_404": A.UNKNOWN,
    }),
    "instagram.embed": (INSTA, GONE_WALLS | {
        "available": A.AVAILABLE, "age": A.AGE_RESTRICTED, "login_wall": A.LOGIN_WALL,
        "blocked": A.PROBE_BLOCKED, "soft_404": A.UNKNOWN,
    }),
    "facebook.page": (FACE, GONE_WALLS | {
        "available": A.AVAILABLE, "login_wall": A.LOGIN_WALL, "blocked": A.PROBE_BLOCKED,
        "withheld": A.GEO_WITHHELD, "soft_404": A.UNKNOWN,
    }),
}  # fmt: skip
STATES = [(name, state) for name, (_, found) in EXPECTED.items() for state in found]


def _read(name: str, content: Content, fetched: Fetched) -> Availability:
    (probe,) = (p for p in REGISTRY[content.platform] if p.name == name)
    return probe.read(fetched, content).availability


def _simulated(name: str, state: str, content: Content) -> Page:
    if name == "tiktok.page":
        return pages.tiktok_video(state, content.content_id, content.account)
    if name == "x.syndication":
        return pages.x_syndication(state, content.content_id, "token")
    if name == "instagram.embed":
        return pages.instagram_embed(state, "crawler bot")
    return pages.facebook_page(state, content.content_id)


@pytest.mark.parametrize(("name", "state"), STATES)
def test_every_simulated_state_is_read_back(name: str, state: str) -> None:
    content, expected = EXPECTED[name]
    page = _simulated(name, state, content)
    status = 200 if page.location else page.status
    fetched = Fetched(content.url, page.location or content.url, status, body=page.body)
    assert _read(name, content, fetched) is expected[state]


def _tiktok(code: int, words: str = "", **more: Any) -> bytes:
    detail = {"webapp.video-detail": {"statusCode": code, "statusMsg": words, **more}}
    data = json.dumps({"__DEFAULT_SCOPE__": detail})
    return f'<script id="__UNIVERSAL_DATA_FOR_REHYDRATION__">{data}</script>'.encode()


OTHER: dict[str, Any] = {"itemInfo": {"itemStruct": {"id": "1"}}}
PREFIX = "item_privacy_authorization&"
VECTORS: list[tuple[str, Content, int, bytes, Availability]] = [
    ("tiktok.page", VIDEO, 200, _tiktok(10204, PREFIX + "status_deleted"), A.AUTHOR_DELETED),
    ("tiktok.page", VIDEO, 200, _tiktok(10204, PREFIX + "status_self_see"), A.PRIVATE),
    ("tiktok.page", VIDEO, 200, _tiktok(10231, "cross_border_violation"), A.GEO_WITHHELD),
    ("tiktok.page", VIDEO, 200, _tiktok(10204), A.UNKNOWN),
    ("tiktok.page", VIDEO, 200, _tiktok(0, **OTHER), A.UNKNOWN),
    ("tiktok.page", VIDEO, 200, b"<html>hello</html>", A.PROBE_BLOCKED),
    ("x.syndication", POST, 200, b'{"__typename":"TweetTombstone","tombstone":{}}', A.NOT_FOUND),
    ("x.syndication", POST, 200, b"{}", A.PROBE_BLOCKED),
    ("x.syndication", POST, 404, b"<html/>", A.NOT_FOUND),
    ("instagram.oembed", INSTA, 429, b'{"error":{"code":24,"error_subcode":2207045}}',
     A.PROBE_BLOCKED),
    ("instagram.embed", INSTA, 200, '<div class="ebmMessage">無効</div>'.encode(), A.NOT_FOUND),
]  # fmt: skip


@pytest.mark.parametrize(("name", "content", "status", "body", "expected"), VECTORS)
def test_known_vectors(
    name: str, content: Content, status: int, body: bytes, expected: Availability
) -> None:
    assert _read(name, content, Fetched(content.url, content.url, status, body=body)) is expected


PROBES = [(platform, probe) for platform, table in REGISTRY.items() for probe in table]


@pytest.mark.parametrize(("platform", "probe"), PROBES, ids=lambda v: getattr(v, "name", v))
def test_a_page_without_a_marker_never_counts_as_gone(platform: str, probe: Any) -> None:
    content = Content(platform, sorted(probe.kinds)[0], "123", "a", "https://example.com/")
    for body in (b"", b"<html>nothing to see</html>", b"[]", b"null", b"{" * 5000, b"\xff\x00"):
        for status in (200, 403, 418):
            reading = probe.read(Fetched("u", "https://example.com/", status, body=body), content)
            assert not reading.counts_as_gone, (status, body[:20])
    for fetched in (
        Fetched("u", failure="timed_out"),
        Fetched("u", "u", 503),
        Fetched("u", "u", 429),
    ):
        assert probe.read(fetched, content).availability is A.PROBE_BLOCKED


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1", "10.0.0.1", "192.168.1.1", "172.16.0.1", "169.254.169.254", "0.0.0.0",
        "100.64.0.1", "224.0.0.1", "240.0.0.1", "255.255.255.255", "198.18.0.1", "192.0.2.1",
        "::", "::1", "fe80::1", "fc00::1", "ff02::1", "::ffff:127.0.0.1", "::ffff:169.254.169.254",
        "64:ff9b::7f00:1", "64:ff9b::a9fe:a9fe", "64:ff9b:1::a00:1", "2002:7f00:1::",
        "2002:a9fe:a9fe::1", "2001:0:7f00:1::", "::127.0.0.1", "fe80::1%eth0", "fec0::1",
        "2001:db8::1",
    ],
)  # fmt: skip
def test_no_inside_address_is_public(address: str) -> None:
    assert not is_public(address)


@pytest.mark.parametrize("address", ["1.1.1.1", "157.240.1.35", "2606:4700::1111"])
def test_addresses_of_the_open_internet_are_public(address: str) -> None:
    assert is_public(address)


@pytest.mark.parametrize(
    "url",
    [
        "file:///etc/passwd", "gopher://x.com/", "ftp://x.com/", "//x.com/", "x.com", "",
        "https://", "https://a:b@x.com/", "https://a@x.com/", "https://x.com:8443/",
        "http://x.com:443/", "https://x.com:99999/", "https://127.0.0.1/", "https://[::1]/",
        "https://2130706433/", "https://0x7f000001/", "https://[::1", "https://x.com/" + "a" * 8200,
        "https://\uff11\uff12\uff17.0.0.1/",
    ],
)  # fmt: skip
def test_a_url_that_no_platform_has_is_not_fetched(url: str) -> None:
    with pytest.raises(ForbiddenAddressError) as caught:
        check(url)
    assert isinstance(caught.value, httpcore2.ConnectError)
