"""Identifiers. What must be the same after a replay is derived, the rest is UUIDv7."""

from __future__ import annotations

from typing import Final
from uuid import UUID, uuid5

import uuid_utils.compat

# Fixed for ever: notices already at platforms were named with it.
_NOTICES: Final = UUID("6f6a1d0e-5d57-5c1f-9d0c-3d2d0b6f7a11")
# The inbox items of platform events: a repetition is the same item.
_PLATFORM_EVENTS: Final = UUID("0f0d8c5e-54a3-5e43-8c6a-0d7b8a1d6e22")


def uuid7() -> UUID:
    """A fresh UUIDv7: ordered by time, so that indexes grow at one end."""
    return uuid_utils.compat.uuid7()


def notice_id(referral_id: UUID, number: int) -> UUID:
    """The id of a referral's n-th notice (1, 2, ...): the platform's idempotency key.

    Derived, so that a replay or a restore names the same notice (architecture, Identifiers).

    Raises:
        ValueError: ``number`` is below 1.
    """
    if number < 1:
        raise ValueError(f"notices are numbered from 1, not {number}")
    return uuid5(_NOTICES, f"{referral_id}/{number}")


def notice_id_text(referral_id: str, number: int) -> str:
    """``notice_id`` from and to text, for callers whose payloads are plain text.

    Raises:
        ValueError: ``referral_id`` is no UUID, or ``number`` is below 1.
    """
    return str(notice_id(UUID(referral_id), number))


def platform_event_item(platform: str, event_id: str) -> str:
    """The id of the inbox item that carries a platform's event into its workflow."""
    return str(uuid5(_PLATFORM_EVENTS, f"{platform}/{event_id}"))
