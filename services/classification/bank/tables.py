"""The rows of the signal bank: one signal a referral, and digests to find it again by."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, Column, DateTime, LargeBinary, SmallInteger
from sqlalchemy.dialects.postgresql import BIT
from sqlmodel import Field, MetaData, SQLModel

SCHEMA = "classification"
metadata = MetaData(schema=SCHEMA)


class Row(SQLModel):
    metadata = metadata


def _time(*, nullable: bool = False) -> Any:
    return Field(sa_column=Column(DateTime(timezone=True), nullable=nullable))


def _bytes() -> Any:
    return Field(sa_column=Column(LargeBinary, nullable=True))


def _part_of_key(kind: Any) -> Any:
    return Field(sa_column=Column(kind, primary_key=True))


class SignalRow(Row, table=True):
    """``referral_id`` or ``request_id``: stated of a referral, or added by a person.

    ``purge_time`` is set when the digests of a withdrawn signal are deleted; what it was and who
    withdrew it stay, so that no later statement brings it back.
    """

    __tablename__ = "signals"

    signal_id: UUID = Field(primary_key=True)
    referral_id: UUID | None
    request_id: UUID | None
    source_time: datetime = _time()
    verdict: str
    provenance: str
    platform: str
    campaign_id: str
    test: bool
    decide_time: datetime | None = _time(nullable=True)
    create_time: datetime = _time()
    expire_time: datetime = _time()
    withdraw_time: datetime | None = _time(nullable=True)
    withdrawn_by: str
    added_by: str
    note: str
    word_count: int
    picture_count: int
    contact_count: int
    digest: bytes | None = _bytes()
    signature: bytes | None = _bytes()
    words: bytes | None = _bytes()
    purge_time: datetime | None = _time(nullable=True)


class TextBandRow(Row, table=True):
    """``verdict`` and ``test`` are the signal's, so that little of a bucket is read."""

    __tablename__ = "text_bands"

    band: int = _part_of_key(SmallInteger)
    digest: int = _part_of_key(BigInteger)
    test: bool = Field(primary_key=True)
    verdict: str = Field(primary_key=True)
    signal_id: UUID = Field(primary_key=True)


class ContactRow(Row, table=True):
    __tablename__ = "contacts"

    digest: bytes = _part_of_key(LargeBinary)
    signal_id: UUID = Field(primary_key=True)


class PictureRow(Row, table=True):
    __tablename__ = "pictures"

    signal_id: UUID = Field(primary_key=True)
    number: int = _part_of_key(SmallInteger)
    pdq: Any = Field(sa_column=Column(BIT(256), nullable=False))
    quality: int = Field(sa_column=Column(SmallInteger, nullable=False))
