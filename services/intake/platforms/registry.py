"""Every platform whose content can be referred, and where each of their hosts leads."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from services.intake.platforms import (
    facebook,
    instagram,
    snapchat,
    telegram,
    tiktok,
    x,
    youtube,
)
from services.intake.platforms.table import Platform

PLATFORMS: Final[tuple[Platform, ...]] = (
    facebook.PLATFORM,
    instagram.PLATFORM,
    tiktok.PLATFORM,
    x.PLATFORM,
    youtube.PLATFORM,
    snapchat.PLATFORM,
    telegram.PLATFORM,
)
BY_NAME: Final[Mapping[str, Platform]] = MappingProxyType(
    {platform.name: platform for platform in PLATFORMS}
)


@dataclass(frozen=True, slots=True)
class Place:
    """Where a host leads. ``section`` is "" on a platform's own host that shows no content."""

    platform: Platform
    section: str
    leading: tuple[str, ...] = ()


_PLACES: Final[Mapping[str, Place]] = MappingProxyType(
    {
        host: Place(platform, section)
        for platform in PLATFORMS
        for host, section in platform.hosts.items()
    }
)


def place_of(host: str) -> Place | None:
    """The platform and section behind a host in lower case; None for everybody else's."""
    return _PLACES.get(host) or _patterned(host) or _owned(host)


def _patterned(host: str) -> Place | None:
    for platform in PLATFORMS:
        for candidate in platform.host_patterns:
            found = candidate.pattern.fullmatch(host)
            if found is not None:
                leading = (found[1],) if candidate.leads_path else ()
                return Place(platform, candidate.section, leading)
    return None


def _owned(host: str) -> Place | None:
    for platform in PLATFORMS:
        if any(host == domain or host.endswith("." + domain) for domain in platform.owned):
            return Place(platform, "")
    return None


def known_hosts() -> frozenset[str]:
    """Every host and domain that belongs to a platform, for telling look-alikes."""
    return frozenset(_PLACES) | {domain for p in PLATFORMS for domain in p.owned}
