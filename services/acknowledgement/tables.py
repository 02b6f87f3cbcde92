"""Rows of acknowledgement: every platform event, each once. The inbox is the kernel's."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import Column, DateTime, LargeBinary
from sqlmodel import Field, MetaData, SQLModel

SCHEMA = "acknowledgement"
metadata = MetaData(schema=SCHEMA)


class Row(SQLModel):
    metadata = metadata


def _time() -> Any:
    return Field(sa_column=Column(DateTime(timezone=True), nullable=False))


class PlatformEventRow(Row, table=True):
    __tablename__ = "platform_events"

    platform: str = Field(primary_key=True)
    event_id: str = Field(primary_key=True)
    type: str
    notice_id: str
    platform_reference: str
    # The serialised PlatformEvent, as it was first told.
    event: bytes = Field(sa_column=Column(LargeBinary, nullable=False))
    occur_time: datetime = _time()
    record_time: datetime = _time()
    # How often the platform told it again.
    repetitions: int = 0
