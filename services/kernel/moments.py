"""Moments from outside: a protobuf timestamp can say what no calendar holds."""

from __future__ import annotations

from datetime import UTC, datetime

from google.protobuf.timestamp_pb2 import Timestamp

from services.kernel.errors import invalid


def moment(stamp: Timestamp, field: str) -> datetime:
    """``stamp`` in UTC.

    Raises:
        DomainError: INVALID on ``field``: before the year 1, after 9999, or odd nanoseconds.
    """
    try:
        return stamp.ToDatetime(tzinfo=UTC)
    except (ValueError, OverflowError):
        sentence = f"{field} is no moment of any calendar; correct it and try again."
        raise invalid(field, "NO_MOMENT", sentence) from None
