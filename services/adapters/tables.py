"""An adapter's rows: notices and clarifications exactly as sent, and every answer to them."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, Column, DateTime, LargeBinary
from sqlmodel import Field, MetaData, SQLModel

metadata = MetaData()


def schema(platform: str) -> str:
    """One schema per platform: a leaked credential opens one of them."""
    return f"adapter_{platform}"


class Row(SQLModel):
    metadata = metadata


def _time(nullable: bool = True) -> Any:
    return Field(sa_column=Column(DateTime(timezone=True), nullable=nullable), default=None)


class NoticeRow(Row, table=True):
    __tablename__ = "notices"

    notice_id: UUID = Field(primary_key=True)
    referral_id: UUID
    number: int
    # The exact bytes that go to the platform, stored before they go.
    body: bytes = Field(sa_column=Column(LargeBinary, nullable=False))
    sha256: str
    media_type: str
    sandbox: bool
    profile_version: str
    traceparent: str
    platform_reference: str = ""
    prepare_time: datetime = _time(nullable=False)
    deliver_time: datetime | None = _time()
    withdraw_time: datetime | None = _time()
    withdraw_deliver_time: datetime | None = _time()
    # When the platform is asked next; none when it pushes, or is done.
    next_poll_time: datetime | None = _time()


class ClarificationRow(Row, table=True):
    __tablename__ = "clarifications"

    notice_id: UUID = Field(primary_key=True)
    # The platform's id of the event by which it asked.
    clarification_id: str = Field(primary_key=True)
    # The exact bytes that go to the platform, stored before they go.
    body: bytes = Field(sa_column=Column(LargeBinary, nullable=False))
    sha256: str
    store_time: datetime = _time(nullable=False)
    deliver_time: datetime | None = _time()
    # The platform took nothing and never will take these words: others may follow.
    refuse_time: datetime | None = _time()


class AnswerRow(Row, table=True):
    __tablename__ = "answers"

    # How it came: "webhook" or "poll", with the message's own id.
    source: str = Field(primary_key=True)
    source_id: str = Field(primary_key=True)
    position: int = Field(sa_column=Column(BigInteger, nullable=False))
    body_sha256: str
    notice_id: str
    # The serialised PlatformEvent.
    event: bytes = Field(sa_column=Column(LargeBinary, nullable=False))
    receive_time: datetime = _time(nullable=False)
    forward_time: datetime | None = _time()
