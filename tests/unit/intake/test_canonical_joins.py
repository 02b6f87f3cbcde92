"""Addresses of one item share a key; addresses of different items never do."""

from __future__ import annotations

from collections import defaultdict

import pytest

from services.intake.canonical import canonicalise
from tests.unit.intake.urls import golden

ID = "7234567890123456789"
SAME = [
    (
        "https://www.youtube.com/watch?v=dQw4w9WgXcQ",
        "https://www.youtube.com/shorts/dQw4w9WgXcQ",
        "https://www.youtube.com/live/dQw4w9WgXcQ",
        "https://www.youtube.com/embed/dQw4w9WgXcQ",
        "https://youtu.be/dQw4w9WgXcQ",
    ),
    (
        "https://www.instagram.com/p/C8aBcDeFgHi/",
        "https://www.instagram.com/reel/C8aBcDeFgHi/",
        "https://www.instagram.com/tv/C8aBcDeFgHi/",
        "https://www.instagram.com/boats/p/C8aBcDeFgHi/",
    ),
    (
        f"https://www.tiktok.com/@boats/video/{ID}",
        f"https://www.tiktok.com/@other/video/{ID}",
        f"https://www.tiktok.com/@boats/photo/{ID}",
        f"https://www.tiktok.com/embed/v2/{ID}",
        f"https://m.tiktok.com/v/{ID}.html",
    ),
    (
        "https://x.com/boats/status/1790000000000000001",
        "https://x.com/someone_else/status/1790000000000000001",
        "https://twitter.com/i/web/status/1790000000000000001",
    ),
    (
        "https://www.facebook.com/watch/?v=102938475610293",
        "https://www.facebook.com/reel/102938475610293",
        "https://www.facebook.com/boats/videos/102938475610293",
        "https://www.facebook.com/watch/live/?v=102938475610293",
    ),
    (
        "https://www.facebook.com/boats/posts/102938475610293",
        "https://www.facebook.com/permalink.php?story_fbid=102938475610293&id=100064812345678",
        "https://www.facebook.com/groups/55/permalink/102938475610293/",
    ),
    (
        "https://www.facebook.com/profile.php?id=100064812345678",
        "https://www.facebook.com/100064812345678",
        "https://www.facebook.com/people/Any-Name/100064812345678/",
        "https://www.facebook.com/p/Any-Name-100064812345678/",
    ),
    ("https://www.facebook.com/Boats.To.UK", "https://www.facebook.com/boatstouk"),
    (
        "https://www.facebook.com/boats/posts/11?comment_id=99",
        "https://www.facebook.com/boats/posts/pfbid0AbCdEf?comment_id=11_99",
        "https://www.facebook.com/boats/posts/11?comment_id=Y29tbWVudDoxMV85OQ%3D%3D",
    ),
    (
        "https://t.me/boats_uk/12",
        "https://t.me/s/boats_uk/12",
        "https://t.me/Boats_UK/3/12",
        "https://boats-uk.t.me/12".replace("-", "_"),
        "https://telegram.me/boats_uk/12?single",
    ),
    ("https://t.me/+AbCdEfGhIjKlMnOp", "https://t.me/joinchat/AbCdEfGhIjKlMnOp"),
    ("https://x.com/Boats", "https://twitter.com/intent/user?screen_name=boats"),
    ("https://www.snapchat.com/add/Boats", "https://www.snapchat.com/@boats"),
    ("https://vm.tiktok.com/ZMhAbCdE1/", "https://www.tiktok.com/t/ZMhAbCdE1/"),
]
DIFFERENT = [
    # Case matters in these ids.
    ("https://youtu.be/dQw4w9WgXcQ", "https://youtu.be/dQw4w9WgXcq"),
    ("https://www.instagram.com/p/C8aBcDeFgHi/", "https://www.instagram.com/p/c8abcdefghi/"),
    ("https://t.me/+AbCdEfGhIjKlMnOp", "https://t.me/+abcdefghijklmnop"),
    ("https://t.co/AbCdEfGhIj", "https://t.co/abcdefghij"),
    # Message numbers count per chat.
    ("https://t.me/boats_uk/12", "https://t.me/boats_fr/12"),
    ("https://t.me/c/1234567/12", "https://t.me/c/1234568/12"),
    ("https://t.me/boats_uk/12", "https://t.me/boats_uk/12?comment=5"),
    ("https://t.me/boats_uk/12?comment=5", "https://t.me/boats_uk/13?comment=5"),
    ("https://t.me/boats_uk/12", "https://t.me/boats_uk/s/12"),
    # Three name spaces of channels, and a handle of digits beside a user's number.
    ("https://www.youtube.com/@boats", "https://www.youtube.com/user/boats"),
    ("https://www.youtube.com/@boats", "https://www.youtube.com/c/boats"),
    ("https://x.com/12345", "https://x.com/i/user/12345"),
    ("https://www.facebook.com/groups/boats", "https://www.facebook.com/boats"),
    ("https://www.facebook.com/groups/boats.uk", "https://www.facebook.com/groups/boatsuk"),
    ("https://www.facebook.com/boats/posts/11", "https://www.facebook.com/boats/posts/12"),
    ("https://www.facebook.com/boats", "https://www.instagram.com/boats/"),
    ("https://www.instagram.com/boats/", "https://www.instagram.com/stories/boats/"),
    ("https://www.facebook.com/11", "https://www.facebook.com/boats/posts/11"),
    (
        "https://www.youtube.com/watch?v=dQw4w9WgXcQ",
        "https://www.youtube.com/watch?v=dQw4w9WgXcQ&lc=UgzDE2tasfmrYLyNkGt4AaABAg",
    ),
]


@pytest.mark.parametrize("urls", SAME, ids=lambda urls: urls[0].partition("//")[2])
def test_addresses_that_certainly_name_one_item_join(urls: tuple[str, ...]) -> None:
    assert len({canonicalise(url).key for url in urls}) == 1


@pytest.mark.parametrize(("one", "other"), DIFFERENT)
def test_addresses_of_different_items_stay_apart(one: str, other: str) -> None:
    assert canonicalise(one).key != canonicalise(other).key


def test_two_golden_urls_share_a_key_exactly_when_the_table_says_so() -> None:
    expected: defaultdict[str, set[str]] = defaultdict(set)
    actual: defaultdict[str, set[str]] = defaultdict(set)
    for row in golden():
        expected[row["key"]].add(row["url"])
        actual[canonicalise(row["url"]).key].add(row["url"])
    assert sorted(map(sorted, actual.values())) == sorted(map(sorted, expected.values()))
