"""Observations and captures. An observation never overwrites another, nor a claim."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, Column, DateTime
from sqlmodel import Field, MetaData, SQLModel

SCHEMA = "observation"
metadata = MetaData(schema=SCHEMA)


class Row(SQLModel):
    metadata = metadata


def _time() -> Any:
    return Field(sa_column=Column(DateTime(timezone=True), nullable=False))


class ObservationRow(Row, table=True):
    __tablename__ = "observations"

    observation_id: UUID = Field(primary_key=True)
    request_id: str
    referral_id: UUID
    series: str
    purpose: str
    availability: str
    visible: str
    cause: str
    confidence: str
    marker: str
    controls_passed: bool
    vantage: str
    response_sha256: str
    counts_as_gone: bool
    resolved_url: str
    observe_time: datetime = _time()


class CaptureRow(Row, table=True):
    __tablename__ = "captures"

    capture_id: UUID = Field(primary_key=True)
    request_id: str
    referral_id: UUID
    sha256: str
    size_bytes: int = Field(sa_column=Column(BigInteger, nullable=False))
    warc_key: str
    http_status: int
    truncated: bool
    failure: str
    capture_time: datetime = _time()
