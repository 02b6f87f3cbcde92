"""X: the facts behind this table stand in docs/platforms/x.md."""

from __future__ import annotations

from typing import Final

from services.adapters.profiles.table import Answers, Profile

PROFILE: Final = Profile(
    platform="x",
    display_name="X",
    version="2026-11-1",
    # X withholds by country where it finds no breach of its own rules.
    answers=Answers.WEBHOOK,
    kinds=frozenset({"POST", "LIVE", "ACCOUNT", "GROUP", "COMMENT", "AD", "SHORT_LINK"}),
    terms={
        "HUMAN_SMUGGLING": "Illegal or certain regulated goods or services: human smuggling",
        "FALSE_DOCUMENTS": "Illegal or certain regulated goods or services: false documents",
        "FRAUD": "Financial scam",
        "ILLEGAL_GOODS_OR_SERVICES": "Illegal or certain regulated goods or services",
        "HUMAN_EXPLOITATION": "Violent or hateful entities and human exploitation",
        "OTHER": "Other",
    },
)
