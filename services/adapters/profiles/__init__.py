"""WHO: one typed table per platform, and the registry that names them all."""

from __future__ import annotations

from typing import Final

from services.adapters.profiles import facebook, instagram, tiktok, x
from services.adapters.profiles.table import Profile

REGISTRY: Final[dict[str, Profile]] = {
    profile.platform: profile
    for profile in (facebook.PROFILE, instagram.PROFILE, tiktok.PROFILE, x.PROFILE)
}


def find(platform: str) -> Profile:
    """The profile of a platform.

    Raises:
        LookupError: no profile; a platform without one is not served.
    """
    try:
        return REGISTRY[platform]
    except KeyError:
        known = ", ".join(sorted(REGISTRY))
        raise LookupError(f"no profile for {platform!r}; there are {known}") from None
