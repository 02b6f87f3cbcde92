"""For any text at all: an identity that is a fixed point, or a refusal; never anything else."""

from __future__ import annotations

import sys
from collections.abc import Callable

from hypothesis import example, given, settings
from hypothesis import strategies as st

from services.intake.canonical import (
    Address,
    ContentIdentity,
    canonicalise,
    split,
    split_by_parser,
)
from services.intake.platforms.slots import fold
from services.intake.url_refusals import MAX_URL_LENGTH, UrlReason, UrlRefused
from tests.unit.intake.urls import golden, hostile

URLS = [row["url"] for row in golden()] + [row["url"] for row in hostile()]
HOSTS = sorted({url.partition("://")[2].partition("/")[0] for url in URLS if "://" in url})
any_text = st.text(st.characters(codec=None), max_size=300)
hostile_pieces = st.sampled_from(
    [
        *("/", "//", "\\", "%2F", "%00", "%ff", "%", "?", "&", "=", "#", "@", ":", "..", ".", " "),
        *(
            "+",
            "\u202e",
            "\u200c",
            "\x00",
            "é",
            "\u212a",
            "\u0130",
            "\U0001f6a4",
            "1" * 40,
            "a" * 200,
        ),
    ]
)


def outcome(url: str) -> ContentIdentity | None:
    try:
        return canonicalise(url)
    except UrlRefused:
        return None


def assert_fixed_point(url: str) -> None:
    content = outcome(url)
    if content is None:
        return
    again = canonicalise(content.canonical_url)
    assert (again.platform, again.kind, again.key, again.canonical_url) == (
        content.platform,
        content.kind,
        content.key,
        content.canonical_url,
    )
    assert content.content_id or content.account
    assert len(content.canonical_url) <= MAX_URL_LENGTH


@given(any_text)
@example("https://x.com/\ud800")
@example("https://[")
@settings(max_examples=500, deadline=None)
def test_any_text_is_read_or_refused(text: str) -> None:
    assert_fixed_point(text)


@given(st.sampled_from(HOSTS), any_text)
@settings(max_examples=500, deadline=None)
def test_any_text_behind_a_platforms_host_is_read_or_refused(host: str, text: str) -> None:
    assert_fixed_point(f"https://{host}/{text}")


@given(st.sampled_from(URLS), st.data())
@settings(max_examples=1000, deadline=None)
def test_a_damaged_url_is_read_or_refused(url: str, data: st.DataObject) -> None:
    start = data.draw(st.integers(0, len(url)))
    stop = data.draw(st.integers(start, min(len(url), start + 5)))
    piece = data.draw(st.one_of(hostile_pieces, st.text(max_size=4), st.just("")))
    assert_fixed_point(url[:start] + piece + url[stop:])


@given(
    st.sampled_from(
        [
            "https://x.com/hashtag/{}",
            "https://x.com/search?q={}",
            "https://www.youtube.com/@{}",
            "https://www.youtube.com/c/{}",
            "https://www.facebook.com/hashtag/{}",
            "https://www.instagram.com/explore/search/keyword/?q={}",
            "https://www.tiktok.com/discover/{}",
        ]
    ),
    st.text(min_size=1, max_size=150),
)
@settings(max_examples=1000, deadline=None)
def test_words_in_any_script_have_one_spelling(form: str, text: str) -> None:
    assert_fixed_point(form.format(text))


def taken_apart(by: Callable[[str], Address], url: str) -> Address | UrlReason:
    try:
        return by(url)
    except UrlRefused as refused:
        return refused.reason
    except ValueError:
        return UrlReason.UNPARSABLE


@given(
    st.sampled_from(["http:", "https:", "HTTPS:/", "http:\\\\"]),
    st.sampled_from(
        [*HOSTS, "x.com:443", "x.com:8", "1.2.3.4", "0x7f1", "[::1]", "x.com2", "a@x.com"]
    ),
    any_text | st.lists(hostile_pieces, max_size=12).map("".join),
)
@example("https:", "", "?a?b#c?d#e/")
@settings(max_examples=1000, deadline=None)
def test_an_address_has_the_parts_that_the_parser_names(scheme: str, host: str, rest: str) -> None:
    url = f"{scheme}//{host}{rest}"
    assert taken_apart(split, url) == taken_apart(split_by_parser, url)


def test_folding_any_character_twice_changes_nothing_more() -> None:
    for code in range(sys.maxunicode + 1):
        once = fold(chr(code))
        assert fold(once) == once, hex(code)
