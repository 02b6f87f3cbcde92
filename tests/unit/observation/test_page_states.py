"""Every page that a simulated platform can show is read as what it is."""

from __future__ import annotations

import pytest

from services.observation.client import ForbiddenAddressError, check, is_public
from services.observation.domain import Content, Fetched
from services.observation.platforms import facebook, instagram, tiktok, x
from tests.simulators import pages
from tests.simulators.pages import Page

VIDEO = Content("tiktok", "VIDEO", "7300000000000000011", "a", "https://www.tiktok.com/@a/video/1")
POST = Content("x", "POST", "1800000000000000011", "a", "https://x.com/a/status/1")
MEDIA = Content("instagram", "POST", "CxYz0000011", "", "https://www.instagram.com/p/CxYz0000011/")
ITEM = Content("facebook", "POST", "123456789012345", "a", "https://www.facebook.com/a/posts/1")


def fetched(page: Page, url: str = "https://example.com/page") -> Fetched:
    final = page.location or url
    status = 200 if page.location else page.status
    return Fetched(url, final, status, body=page.body)


TIKTOK = {
    "available": "AVAILABLE", "removed": "REMOVED", "author_deleted": "AUTHOR_DELETED",
    "private": "PRIVATE", "withheld": "GEO_WITHHELD", "age": "AGE_RESTRICTED",
    "not_found": "NOT_FOUND", "login_wall": "LOGIN_WALL", "blocked": "PROBE_BLOCKED",
    "soft_404": "UNKNOWN",
}  # fmt: skip
X = {
    "available": "AVAILABLE", "removed": "REMOVED", "author_deleted": "AUTHOR_DELETED",
    "suspended": "ACCOUNT_SUSPENDED", "private": "PRIVATE", "age": "AGE_RESTRICTED",
    "withheld": "GEO_WITHHELD", "not_found": "NOT_FOUND", "blocked": "PROBE_BLOCKED",
    "soft_404": "UNKNOWN",
}  # fmt: skip


@pytest.mark.parametrize(("state", "meaning"), TIKTOK.items())
def test_a_tiktok_page_is_read_by_its_own_data(state: str, meaning: str) -> None:
    page = pages.tiktok_video(state, VIDEO.content_id, VIDEO.account)
    assert tiktok.PROBES[0].read(fetched(page), VIDEO).availability == meaning


@pytest.mark.parametrize(("state", "meaning"), X.items())
def test_an_x_post_is_read_from_its_syndication(state: str, meaning: str) -> None:
    page = pages.x_syndication(state, POST.content_id, "token")
    assert x.PROBES[0].read(fetched(page), POST).availability == meaning


def test_an_x_answer_without_a_token_is_a_blocked_probe() -> None:
    page = pages.x_syndication("available", POST.content_id, "")
    assert x.PROBES[0].read(fetched(page), POST).availability == "PROBE_BLOCKED"


@pytest.mark.parametrize("state", ["removed", "author_deleted", "suspended", "not_found"])
def test_instagram_and_facebook_never_say_who_removed_it(state: str) -> None:
    embed = pages.instagram_embed(state, "some crawler bot")
    assert instagram.PROBES[1].read(fetched(embed), MEDIA).availability == "NOT_FOUND"
    page = pages.facebook_page(state, ITEM.content_id)
    assert facebook.PROBES[2].read(fetched(page), ITEM).availability == "NOT_FOUND"


def test_facebooks_error_route_is_ambiguous_and_so_unknown() -> None:
    page = pages.facebook_page("soft_404", ITEM.content_id)
    assert facebook.PROBES[2].read(fetched(page), ITEM).availability == "UNKNOWN"


def test_the_refusal_text_in_a_live_pages_bundle_means_nothing() -> None:
    page = pages.tiktok_video("available", VIDEO.content_id, "a")
    assert b"video is unavailable" in page.body
    assert tiktok.PROBES[0].read(fetched(page), VIDEO).counts_as_gone is False


@pytest.mark.parametrize("probe", [*tiktok.PROBES, *x.PROBES, *instagram.PROBES, *facebook.PROBES])
@pytest.mark.parametrize("body", [b"", b"{}", b"[]", b"null", b"<html></html>", b"\xff\x00" * 50])
def test_what_cannot_be_read_never_counts_as_gone(probe: object, body: bytes) -> None:
    reading = probe.read(Fetched("u", "https://h/p", 200, body=body), VIDEO)  # type: ignore[attr-defined]
    assert reading.counts_as_gone is False


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1", "10.0.0.1", "192.168.1.1", "169.254.169.254", "100.64.0.1", "0.0.0.0", "::1",
        "fe80::1", "fd00::1", "::ffff:127.0.0.1", "64:ff9b::7f00:1", "2002:7f00:1::", "224.0.0.1",
    ],
)  # fmt: skip
def test_an_address_that_is_not_on_the_open_internet_is_refused(address: str) -> None:
    assert is_public(address) is False


@pytest.mark.parametrize("address", ["1.1.1.1", "2606:4700:4700::1111"])
def test_a_public_address_is_allowed(address: str) -> None:
    assert is_public(address) is True


@pytest.mark.parametrize(
    "url",
    [
        "ftp://example.com/", "https://user@example.com/", "https://example.com:8443/",
        "http://2130706433/", "http://127.0.0.1/", "http://[::1]/", "http://0x7f000001/", "file:///x",
    ],
)  # fmt: skip
def test_a_url_that_must_not_be_fetched_is_refused(url: str) -> None:
    with pytest.raises(ForbiddenAddressError):
        check(url)
