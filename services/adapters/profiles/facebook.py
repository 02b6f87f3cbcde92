"""Facebook: the facts behind this table stand in docs/platforms/facebook.md."""

from __future__ import annotations

from typing import Final

from services.adapters.profiles.table import Answers, Profile

PROFILE: Final = Profile(
    platform="facebook",
    display_name="Facebook",
    version="2026-11-1",
    # Nothing on Facebook says why content is gone: removal by the platform is only ever
    # a claim together with an observation.
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
            "PAGE",
            "GROUP",
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
