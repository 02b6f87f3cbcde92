"""Instagram: the facts behind this table stand in docs/platforms/instagram.md."""

from __future__ import annotations

from typing import Final

from services.adapters.profiles.table import Answers, Profile

PROFILE: Final = Profile(
    platform="instagram",
    display_name="Instagram",
    version="2026-11-1",
    # As on Facebook, a logged-out look never tells why.
    answers=Answers.WEBHOOK,
    kinds=frozenset(
        {
            "POST",
            "VIDEO",
            "REEL",
            "STORY",
            "LIVE",
            "PHOTO",
            "COMMENT",
            "ACCOUNT",
            "AD",
            "SHORT_LINK",
        }
    ),
    terms={
        "HUMAN_SMUGGLING": "Human Exploitation: human smuggling",
        "FALSE_DOCUMENTS": "Fraud, Scams and Deceptive Practices: false documents",
        "FRAUD": "Fraud, Scams and Deceptive Practices",
        "ILLEGAL_GOODS_OR_SERVICES": "Restricted Goods and Services",
        "HUMAN_EXPLOITATION": "Human Exploitation",
        "OTHER": "Other",
    },
)
