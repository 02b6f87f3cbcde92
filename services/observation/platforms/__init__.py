"""The page-state tables, one per platform, and the registry that names them all."""

from __future__ import annotations

from typing import Final

from services.observation.platforms import facebook, instagram, tiktok, x
from services.observation.platforms.table import Probe

REGISTRY: Final[dict[str, tuple[Probe, ...]]] = {
    "facebook": facebook.PROBES,
    "instagram": instagram.PROBES,
    "tiktok": tiktok.PROBES,
    "x": x.PROBES,
}
