"""Which referrals may belong together: those that share a text, a contact or a picture. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

SHARED: Final = ("TEXT", "PICTURE", "CONTACT")


@dataclass(frozen=True, slots=True)
class Member:
    """A referral as the bank knows it."""

    referral_id: UUID
    platform: str
    campaign_id: str
    time: datetime


@dataclass(frozen=True, slots=True)
class Link:
    """Two members, by their place in the list, and what they share: one of ``SHARED``."""

    one: int
    other: int
    shared: str


@dataclass(frozen=True, slots=True)
class Suggestion:
    """At least two members, in the order in which they were submitted."""

    members: tuple[Member, ...]
    shared: tuple[str, ...]

    @property
    def rank(self) -> tuple[int, UUID]:
        """Largest first; the same for the same members."""
        return -len(self.members), self.members[0].referral_id


class _Groups:
    """Union-find with path halving, smaller under larger."""

    def __init__(self, size: int) -> None:
        self._parent = list(range(size))
        self._size = [1] * size

    def root(self, place: int) -> int:
        while self._parent[place] != place:
            self._parent[place] = self._parent[self._parent[place]]
            place = self._parent[place]
        return place

    def join(self, one: int, other: int) -> None:
        a, b = self.root(one), self.root(other)
        if a == b:
            return
        if self._size[a] < self._size[b]:
            a, b = b, a
        self._parent[b] = a
        self._size[a] += self._size[b]


def group(members: Sequence[Member], links: Iterable[Link]) -> list[Suggestion]:
    """Largest first; what is all of one campaign already is left out."""
    groups, kept = _Groups(len(members)), list(links)
    for link in kept:
        groups.join(link.one, link.other)
    found: dict[int, list[int]] = {}
    for place in range(len(members)):
        found.setdefault(groups.root(place), []).append(place)
    shared: dict[int, set[str]] = {}
    for link in kept:
        shared.setdefault(groups.root(link.one), set()).add(link.shared)
    made = [
        _suggestion([members[place] for place in places], shared[root])
        for root, places in found.items()
        if len(places) > 1 and not _one_campaign(members[place] for place in places)
    ]
    return sorted(made, key=lambda suggestion: suggestion.rank)


def _one_campaign(members: Iterable[Member]) -> bool:
    campaigns = {member.campaign_id for member in members}
    return len(campaigns) == 1 and "" not in campaigns


def _suggestion(members: list[Member], shared: set[str]) -> Suggestion:
    # A referral's id is a UUIDv7: it is ordered by the time of its submission.
    ordered = sorted(members, key=lambda member: member.referral_id)
    return Suggestion(tuple(ordered), tuple(word for word in SHARED if word in shared))


def pairs_of(keys: Iterable[tuple[object, int]]) -> list[tuple[int, int]]:
    """Of (key, place): each place with the first that has the same key."""
    first: dict[object, int] = {}
    found = []
    for key, place in keys:
        before = first.setdefault(key, place)
        if before != place:
            found.append((before, place))
    return found
