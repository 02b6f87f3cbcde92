"""Whatever is not certainly one platform's content is refused, for the right reason."""

from __future__ import annotations

from collections import Counter

import pytest

from services.intake.canonical import canonicalise
from services.intake.url_refusals import MAX_URL_LENGTH, UrlReason, UrlRefused
from tests.unit.intake.urls import VARIANTS, hostile

ROWS = hostile()


def refusal(url: str) -> UrlRefused:
    with pytest.raises(UrlRefused) as caught:
        canonicalise(url)
    return caught.value


@pytest.mark.parametrize("reason", list(UrlReason))
def test_every_hostile_url_is_refused_for_the_reason_written_down(reason: UrlReason) -> None:
    rows = [row for row in ROWS if row["reason"] == reason]
    assert rows
    assert [(row["url"], refusal(row["url"]).reason) for row in rows] == [
        (row["url"], reason) for row in rows
    ]


def test_there_are_enough_hostile_urls_of_every_sort() -> None:
    assert len(ROWS) >= 300
    assert set(Counter(row["reason"] for row in ROWS)) == set(UrlReason)


def test_a_refusal_is_one_sentence_with_a_remedy_and_never_repeats_the_url() -> None:
    for row in ROWS:
        message = refusal(row["url"]).message
        assert message.endswith(".")
        assert "\n" not in message
        host = row["url"].partition("://")[2].partition("/")[0]
        assert len(host) < len("a.bc") or host not in message.replace("https://", "")


def test_rewriting_a_hostile_url_never_makes_it_acceptable() -> None:
    rows = [
        row
        for row in ROWS
        if row["reason"] not in {UrlReason.RELATIVE, UrlReason.SCHEME_NOT_HTTP}
        and row["url"].startswith("https://")
        # The fragment is the address there.
        and "web.telegram.org" not in row["url"]
    ]
    for name in ("scheme in capitals", "host in capitals", "tracking parameters", "fragment"):
        for row in rows:
            refusal(VARIANTS[name](row["url"]))


def test_a_url_of_exactly_the_limit_is_read_and_one_more_is_refused() -> None:
    start = "https://x.com/boat/status/17?t="
    full = start + "a" * (MAX_URL_LENGTH - len(start))
    assert canonicalise(full).content_id == "17"
    assert refusal(full + "a").reason is UrlReason.TOO_LONG


def test_a_redirecting_link_is_followed_one_level_and_judged_as_if_given_alone() -> None:
    once = "https://l.facebook.com/l.php?u=https%3A%2F%2Ft.me%2Fboats_uk%2F12"
    assert canonicalise(once).key == "telegram/post/boats_uk/12"
    twice = "https://l.facebook.com/l.php?u=https%3A%2F%2Fl.facebook.com%2Fl.php%3Fu%3Dhttps%253A%252F%252Ft.me%252Fboats_uk"
    assert refusal(twice).reason is UrlReason.UNSUPPORTED_PATH


@pytest.mark.parametrize(
    "url",
    [
        "https://www.youtube.com/watch?v=dQw4w9WgXcQ&v=00000000000",
        "https://www.facebook.com/watch/?v=11&v=12",
        "https://www.facebook.com/boats/posts/11?comment_id=1&comment_id=2",
        "https://www.tiktok.com/foryou?item_id=7234567890123456789&item_id=7234567890123456780",
    ],
)
def test_an_address_that_names_two_items_is_refused_instead_of_guessed(url: str) -> None:
    assert refusal(url).reason is UrlReason.UNSUPPORTED_PATH


def test_the_same_item_named_twice_is_not_ambiguous() -> None:
    url = "https://www.youtube.com/watch?v=dQw4w9WgXcQ&v=dQw4w9WgXcQ"
    assert canonicalise(url).content_id == "dQw4w9WgXcQ"
