"""TikTok: the facts behind this table stand in docs/platforms/tiktok.md."""

from __future__ import annotations

from typing import Final

from services.adapters.profiles.table import Answers, Profile

PROFILE: Final = Profile(
    platform="tiktok",
    display_name="TikTok",
    version="2026-11-1",
    # TikTok is asked for its answers; it does not push them.
    answers=Answers.POLL,
    kinds=frozenset({"VIDEO", "PHOTO", "LIVE", "STORY", "COMMENT", "ACCOUNT", "AD", "SHORT_LINK"}),
    terms={
        "HUMAN_SMUGGLING": "Human Trafficking and Smuggling",
        "FALSE_DOCUMENTS": "Regulated Goods and Commercial Activities: counterfeit documents",
        "FRAUD": "Frauds and Scams",
        "ILLEGAL_GOODS_OR_SERVICES": "Regulated Goods, Services and Commercial Activities",
        "HUMAN_EXPLOITATION": "Human Trafficking and Smuggling",
        "OTHER": "Other",
    },
)
