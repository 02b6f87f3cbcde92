"""Every form of address that platforms use in practice is read for what it names."""

from __future__ import annotations

from collections import Counter

import pytest

from services.intake.canonical import canonicalise
from services.intake.platforms.query import Query
from services.intake.platforms.registry import PLATFORMS
from services.intake.platforms.table import Found, Platform, Route
from services.intake.url_refusals import MAX_URL_LENGTH
from tests.unit.intake.urls import VARIANTS, golden, on_equivalent_hosts

PUBLISHED_KINDS = {
    *("post", "video", "short", "story", "reel", "live", "photo", "comment", "account", "page"),
    *("group", "channel", "playlist", "hashtag", "search", "ad", "short_link"),
}
ROWS = golden()


@pytest.mark.parametrize("platform", [platform.name for platform in PLATFORMS])
def test_every_golden_url_has_exactly_the_identity_written_down(platform: str) -> None:
    rows = [row for row in ROWS if row["platform"] == platform]
    assert len(rows) >= 50
    for row in rows:
        content = canonicalise(row["url"])
        assert {
            "url": row["url"],
            "platform": content.platform,
            "kind": content.kind,
            "content_id": content.content_id,
            "account": content.account,
            "key": content.key,
        } == row


def test_a_canonical_url_leads_back_to_the_same_identity_and_to_itself() -> None:
    for row in ROWS:
        first = canonicalise(row["url"])
        again = canonicalise(first.canonical_url)
        assert (again.key, again.kind) == (first.key, first.kind)
        assert again.canonical_url == first.canonical_url
        assert first.canonical_url.startswith("https://")
        assert len(first.canonical_url) <= MAX_URL_LENGTH
        assert first.canonical_url.isascii()


@pytest.mark.parametrize("name", VARIANTS)
def test_how_a_url_is_written_does_not_change_what_it_names(name: str) -> None:
    for row in ROWS:
        variant = VARIANTS[name](row["url"])
        content = canonicalise(variant)
        assert (content.key, content.kind) == (row["key"], row["kind"]), variant


def test_the_host_on_which_an_item_is_shown_does_not_change_what_it_names() -> None:
    tried = 0
    for row in ROWS:
        for url in on_equivalent_hosts(row["url"]):
            content = canonicalise(url)
            assert (content.key, content.kind) == (row["key"], row["kind"]), url
            tried += 1
    assert tried >= 2000


def test_the_golden_table_covers_every_published_kind_and_repeats_no_url() -> None:
    assert len(ROWS) >= 600
    assert {row["kind"] for row in ROWS} == PUBLISHED_KINDS
    assert max(Counter(row["url"] for row in ROWS).values()) == 1


def test_every_route_of_every_platform_is_reached_by_a_golden_url(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    reached: set[tuple[str, Route]] = set()
    original = Platform._found

    def spy(self: Platform, route: Route, values: dict[str, str], query: Query) -> Found | None:
        reached.add((self.name, route))
        return original(self, route, values, query)

    monkeypatch.setattr(Platform, "_found", spy)
    for row in ROWS:
        canonicalise(row["url"])
    declared = {
        (platform.name, route)
        for platform in PLATFORMS
        for routes in platform.sections.values()
        for route in routes
        if route.kind or route.unwrap
    }
    missed = sorted((name, route.path, route.query) for name, route in declared - reached)
    assert missed == []
