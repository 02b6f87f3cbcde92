"""The vocabulary in which a platform's addresses are declared, and the matcher that reads it.

A platform is data: hosts, slots and routes. A route's path such as ``/groups/{group}/posts/{post}``
names literals (matched without regard to case) and slots; ``/*`` at the end lets anything follow.
A query such as ``story_fbid={post}&id={page}`` names parameters that must be there. ``{name:slot}``
gives a value another name than its slot's.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from math import inf
from typing import Final, NamedTuple
from urllib.parse import quote

from services.intake.platforms.query import Query

PLACEHOLDER: Final = re.compile(r"\{(\w+)(?::(\w+))?\}")
URL_SAFE: Final = re.compile(r"[A-Za-z0-9._~-]*")
ANYTHING_FOLLOWS: Final = "*"


def as_written(text: str) -> str:
    """For ids in which case matters."""
    return text


@dataclass(frozen=True, slots=True)
class Slot:
    """What one variable part of an address may be.

    ``pattern`` must match the whole prepared text; its first group, if it has one, is the value.
    ``ceiling`` bounds numbers; ``reserved`` are words that the platform keeps for its own pages;
    ``decode`` unwraps a value that the platform wraps once more, and answers "" for a wrong one.
    """

    pattern: re.Pattern[str]
    prepare: Callable[[str], str] = as_written
    ceiling: int | None = None
    reserved: frozenset[str] = frozenset()
    decode: Callable[[str], str] | None = None

    def read(self, text: str) -> str:
        """The value in canonical spelling, or "" when the text cannot be one."""
        found = self.pattern.fullmatch(self.prepare(text))
        if found is None:
            return ""
        value: str = found[found.lastindex or 0]
        if self.decode is not None:
            value = self.decode(value)
        if value in self.reserved:
            return ""
        if self.ceiling is not None and value.isdigit() and int(value) > self.ceiling:
            return ""
        return value


@dataclass(frozen=True, slots=True)
class Route:
    """One form of address and the identity that it gives.

    ``content``, ``account`` and ``canonical`` are templates over the slots' values. A route with
    ``unwrap`` has no identity of its own: that parameter carries the address meant; one relative
    to the platform is resolved against ``canonical``. One with neither kind nor ``unwrap`` names
    nothing, and keeps later routes from reading more into the address.
    """

    path: str
    kind: str = ""
    content: str = ""
    account: str = ""
    canonical: str = ""
    query: str = ""
    unwrap: str = ""


@dataclass(frozen=True, slots=True)
class Overlay:
    """A parameter that narrows an address down to something on it: a comment on a post.

    ``content`` may use ``{base}``, the content id of what is narrowed; ``query`` is what the
    canonical URL gains.
    """

    kinds: frozenset[str]
    query: str
    kind: str
    content: str


@dataclass(frozen=True, slots=True)
class HostPattern:
    """Hosts that cannot be listed. With ``leads_path``, the first group is the first segment."""

    pattern: re.Pattern[str]
    section: str
    leads_path: bool = False


class _Part(NamedTuple):
    """A literal (in lower case), or a slot and the name of its value."""

    literal: str
    name: str = ""
    slot: Slot | None = None


def _part(text: str, slots: Mapping[str, Slot]) -> _Part:
    found = PLACEHOLDER.fullmatch(text)
    if found is None:
        return _Part(text.lower())
    return _Part("", found[1], slots[found[2] or found[1]])


@dataclass(frozen=True, slots=True)
class _CompiledQuery:
    parts: tuple[tuple[str, _Part], ...]

    @classmethod
    def of(cls, declared: str, slots: Mapping[str, Slot]) -> _CompiledQuery:
        pairs = [pair.partition("=") for pair in declared.split("&") if pair]
        return cls(tuple((name, _part(text, slots)) for name, _, text in pairs))

    def admits(self, query: Query, values: dict[str, str]) -> bool:
        for parameter, (literal, name, slot) in self.parts:
            text = query.get(parameter)
            if slot is None:
                if text.lower() != literal:
                    return False
                continue
            value = slot.read(text) if text else ""
            if not value:
                return False
            values[name] = value
        return True


@dataclass(frozen=True, slots=True)
class _CompiledRoute:
    """``literals`` and ``slots`` with the place of their segment: literals are cheaper to tell."""

    route: Route
    literals: tuple[tuple[int, str], ...]
    slots: tuple[tuple[int, str, Slot], ...]
    fewest: int
    most: float
    query: _CompiledQuery

    @classmethod
    def of(cls, route: Route, slots: Mapping[str, Slot]) -> _CompiledRoute:
        segments = [segment for segment in route.path.split("/") if segment]
        open_ended = bool(segments) and segments[-1] == ANYTHING_FOLLOWS
        parts = [_part(text, slots) for text in segments[: len(segments) - open_ended]]
        return cls(
            route,
            tuple((n, part.literal) for n, part in enumerate(parts) if part.slot is None),
            tuple((n, part.name, part.slot) for n, part in enumerate(parts) if part.slot),
            len(parts),
            inf if open_ended else len(parts),
            _CompiledQuery.of(route.query, slots),
        )

    @property
    def first(self) -> str:
        """The literal that the first segment has to be, or ""."""
        return dict(self.literals).get(0, "")

    def read(
        self, segments: Sequence[str], lowered: Sequence[str], query: Query
    ) -> dict[str, str] | None:
        if not self.fewest <= len(segments) <= self.most:
            return None
        for place, literal in self.literals:
            if lowered[place] != literal:
                return None
        values: dict[str, str] = {}
        for place, name, slot in self.slots:
            value = slot.read(segments[place])
            if not value:
                return None
            values[name] = value
        return values if self.query.admits(query, values) else None


class Found(NamedTuple):
    """What an address names; ``unwrap`` is set instead when it only wraps another address."""

    kind: str
    content_id: str
    account: str
    canonical_url: str
    unwrap: str = ""


@dataclass(frozen=True)
class Platform:
    """One platform's table. The first section named is the one of its canonical host.

    ``hosts`` maps every host to a section of routes; ``owned`` are domains of the platform
    (themselves and all below) on which nothing can be referred; ``families`` gives kinds that
    share one space of ids a common name; in a family of ``dotless_families`` dots do not
    distinguish accounts; in ``fragment_sections`` the fragment is the address.
    """

    name: str
    title: str
    hosts: Mapping[str, str]
    sections: Mapping[str, tuple[Route, ...]]
    slots: Mapping[str, Slot]
    host_patterns: tuple[HostPattern, ...] = ()
    owned: tuple[str, ...] = ()
    brands: tuple[str, ...] = ()
    families: Mapping[str, str] = field(default_factory=dict)
    overlays: tuple[Overlay, ...] = ()
    dotless_families: frozenset[str] = frozenset()
    fragment_sections: frozenset[str] = frozenset()
    # What can match by section and first segment, "" for any other: the literal ones first.
    _by_first: dict[tuple[str, str], tuple[_CompiledRoute, ...]] = field(
        init=False, default_factory=dict
    )
    _overlays: tuple[tuple[Overlay, _CompiledQuery, str], ...] = field(init=False, default=())

    def __post_init__(self) -> None:
        for section, routes in self.sections.items():
            compiled = [_CompiledRoute.of(route, self.slots) for route in routes]
            general = tuple(one for one in compiled if not one.first)
            for first in {one.first for one in compiled} | {""}:
                literal = tuple(one for one in compiled if first and one.first == first)
                self._by_first[section, first] = literal + general
        compiled_overlays = tuple(
            (overlay, _CompiledQuery.of(overlay.query, self.slots), _named(overlay.query))
            for overlay in self.overlays
        )
        object.__setattr__(self, "_overlays", compiled_overlays)

    def find(self, section: str, segments: Sequence[str], query: Query) -> Found | None:
        """What the decoded segments and parameters name on a section's hosts, if anything.

        Raises AmbiguousParameterError.
        """
        lowered = [segment.lower() for segment in segments]
        general = self._by_first[section, ""]
        literal = self._by_first.get((section, lowered[0])) if lowered else None
        for candidate in literal or general:
            values = candidate.read(segments, lowered, query)
            if values is not None:
                return self._found(candidate.route, values, query)
        return None

    def _found(self, route: Route, values: dict[str, str], query: Query) -> Found | None:
        if not route.kind and not route.unwrap:
            return None
        if route.unwrap:
            inner = query.get(route.unwrap)
            return Found("", "", "", route.canonical, inner) if inner else None
        content_id = route.content.format_map(values)
        found = Found(
            route.kind,
            content_id,
            route.account.format_map(values),
            _filled(route.canonical, values),
        )
        return self._narrowed(found, values, query)

    def _narrowed(self, found: Found, values: dict[str, str], query: Query) -> Found:
        for overlay, compiled, suffix in self._overlays:
            if found.kind in overlay.kinds and compiled.admits(query, values):
                joint = "&" if "?" in found.canonical_url else "?"
                canonical = found.canonical_url + joint + _filled(suffix, values)
                content_id = overlay.content.format_map({**values, "base": found.content_id})
                return Found(overlay.kind, content_id, found.account, canonical)
        return found


def _named(template: str) -> str:
    """The template with ``{name:slot}`` as ``{name}``."""
    return PLACEHOLDER.sub(r"{\1}", template)


def _filled(template: str, values: Mapping[str, str]) -> str:
    if URL_SAFE.fullmatch("".join(values.values())):
        return template.format_map(values)
    return template.format_map({name: quote(value, safe="") for name, value in values.items()})
