"""Promises about which referrals are suggested to be one campaign."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st

from services.classification.bank.suggestions import Link, Member, group, pairs_of

START = datetime(2026, 1, 1, tzinfo=UTC)


def member(number: int, campaign: str = "") -> Member:
    return Member(UUID(int=number + 1), "x", campaign, START + timedelta(days=number))


def test_what_hangs_together_is_one_suggestion_with_all_that_is_shared() -> None:
    members = [member(n) for n in range(6)]
    links = [Link(3, 1, "CONTACT"), Link(1, 0, "TEXT"), Link(4, 5, "PICTURE")]
    first, second = group(members, links)
    assert [m.referral_id.int for m in first.members] == [1, 2, 4]
    assert first.shared == ("TEXT", "CONTACT")
    assert [m.referral_id.int for m in second.members] == [5, 6]


def test_what_is_of_one_campaign_already_is_not_suggested() -> None:
    linked = [Link(0, 1, "TEXT")]
    assert group([member(0, "a"), member(1, "a")], linked) == []
    assert len(group([member(0, "a"), member(1, "b")], linked)) == 1
    assert len(group([member(0, "a"), member(1)], linked)) == 1
    assert len(group([member(0), member(1)], linked)) == 1


def test_nothing_is_shared_by_what_has_no_other() -> None:
    assert pairs_of([("a", 1), ("b", 2), ("a", 3), ("a", 3), ("a", 5)]) == [(1, 3), (1, 3), (1, 5)]
    assert group([member(0), member(1)], []) == []


@given(
    st.integers(2, 30).flatmap(
        lambda size: st.tuples(
            st.just(size),
            st.lists(st.tuples(st.integers(0, size - 1), st.integers(0, size - 1)), max_size=60),
        )
    )
)
def test_every_link_is_inside_one_suggestion_and_nobody_is_in_two(
    given_: tuple[int, list[tuple[int, int]]],
) -> None:
    size, pairs = given_
    links = [Link(a, b, "TEXT") for a, b in pairs if a != b]
    found = group([member(n) for n in range(size)], links)
    groups = [{m.referral_id.int - 1 for m in one.members} for one in found]
    assert sum(len(one) for one in groups) == len(set().union(*groups))
    for link in links:
        assert any({link.one, link.other} <= one for one in groups)
    assert set().union(*groups) == {place for link in links for place in (link.one, link.other)}
    assert [len(one) for one in groups] == sorted(map(len, groups), reverse=True)
