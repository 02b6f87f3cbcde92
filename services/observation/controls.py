"""The control items of the settings, as content that can be looked at."""

from __future__ import annotations

from collections.abc import Mapping

from services.observation.config import ControlSettings
from services.observation.domain import Content


def control_items(settings: Mapping[str, ControlSettings]) -> dict[str, tuple[Content, Content]]:
    """(known live, known dead) by platform.

    Raises:
        ValueError: an item that is not written ``KIND account id url``.
    """
    return {
        platform: (_item(platform, pair.live), _item(platform, pair.dead))
        for platform, pair in settings.items()
    }


def _item(platform: str, text: str) -> Content:
    parts = text.split()
    if len(parts) != 4:  # noqa: PLR2004
        raise ValueError(f"controls.{platform}: write each item as KIND account id url")
    kind, account, content_id, url = parts
    return Content(platform, kind, content_id, account, url)
