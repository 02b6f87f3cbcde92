"""What counts as the same platform event, and whose word counts. Plain Python."""

from __future__ import annotations

from uuid import UUID

from services.kernel.errors import DomainError, ErrorKind, FieldViolation
from services.kernel.ids import platform_event_item


def item_id(platform: str, event_id: str) -> UUID:
    """The inbox item of an event: derived, so that a repetition is the same item."""
    return UUID(platform_event_item(platform, event_id))


def own_platform(caller: str, platform: str) -> None:
    """An adapter records only for its own platform.

    Raises:
        DomainError: PERMISSION_DENIED.
    """
    if caller != platform:
        sentence = f"You act for {caller} and may not record for another platform."
        raise DomainError(
            ErrorKind.PERMISSION_DENIED,
            "OTHER_PLATFORM",
            sentence,
            violations=(FieldViolation("platform_event.platform", "OTHER_PLATFORM", sentence),),
        )
