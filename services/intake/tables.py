"""The record's rows. No methods: what they mean stands in ``domain``, who writes in ``store``."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ARRAY, BigInteger, Column, DateTime, LargeBinary, SmallInteger, Text, Uuid
from sqlalchemy.dialects.postgresql import JSONB
from sqlmodel import Field, MetaData, SQLModel

SCHEMA = "intake"
metadata = MetaData(schema=SCHEMA)


class Row(SQLModel):
    metadata = metadata


def _time(nullable: bool = True) -> Any:
    return Field(sa_column=Column(DateTime(timezone=True), nullable=nullable), default=None)


def _json() -> Any:
    return Field(sa_column=Column(JSONB, nullable=False), default_factory=dict)


class ReferralRow(Row, table=True):
    __tablename__ = "referrals"

    referral_id: UUID = Field(primary_key=True)
    # Unique among open referrals; a test never joins a real one.
    identity_key: str
    platform: str
    kind: str
    content_id: str
    account: str
    url: str
    canonical_url: str
    text: str = Field(sa_column=Column(Text, nullable=False))
    language: str
    test: bool
    campaign_id: str
    state: str
    outcome: str
    # 0 imminent departure, 1 urgent, 2 routine: the order of work.
    priority: int = Field(sa_column=Column(SmallInteger, nullable=False))
    departure_time: datetime | None = _time()
    claim_time: datetime | None = _time()
    confirm_time: datetime | None = _time()
    # Assessment, review, notices, latest observation, outcome: protobuf JSON by field name.
    detail: dict[str, Any] = _json()
    last_sequence: int = Field(sa_column=Column(BigInteger, nullable=False))
    traceparent: str
    trace_id: str
    previous_referral_id: UUID | None = None
    create_time: datetime = _time(nullable=False)
    update_time: datetime = _time(nullable=False)


class SubmissionRow(Row, table=True):
    __tablename__ = "submissions"

    submission_id: UUID = Field(primary_key=True)
    referral_id: UUID
    referrer: str
    request_id: UUID
    # SHA-256 of the request without its id: tells a replay from a different body.
    body_sha256: bytes = Field(sa_column=Column(LargeBinary, nullable=False))
    # The serialised answer, given again on a replay.
    answer: bytes = Field(sa_column=Column(LargeBinary, nullable=False))
    detail: dict[str, Any] = _json()
    create_time: datetime = _time(nullable=False)
    withdraw_time: datetime | None = _time()


class EvidenceRow(Row, table=True):
    __tablename__ = "evidence"

    evidence_id: UUID = Field(primary_key=True)
    submission_id: UUID
    file_name: str
    media_type: str
    sha256: bytes = Field(sa_column=Column(LargeBinary, nullable=False))
    content: bytes = Field(sa_column=Column(LargeBinary, nullable=False))


class EventRow(Row, table=True):
    __tablename__ = "events"

    referral_id: UUID = Field(primary_key=True)
    sequence: int = Field(sa_column=Column(BigInteger, primary_key=True))
    event_key: str
    # The order of watching: the transaction, then the place in it (see migrations).
    xid: str
    position: int = Field(sa_column=Column(BigInteger, nullable=False))
    type: str
    state: str
    actor: str
    trace_id: str
    detail_kind: str
    detail: dict[str, Any] = _json()
    occur_time: datetime = _time(nullable=False)
    record_time: datetime = _time(nullable=False)


class NoticeRow(Row, table=True):
    __tablename__ = "notices"

    notice_id: UUID = Field(primary_key=True)
    referral_id: UUID
    platform: str
    platform_reference: str


class PlatformWordsRow(Row, table=True):
    __tablename__ = "platform_words"

    platform: str = Field(primary_key=True)
    event_id: str = Field(primary_key=True)
    message: str = Field(sa_column=Column(Text, nullable=False))
    content_url: str = Field(sa_column=Column(Text, nullable=False))


class CommandRow(Row, table=True):
    """A person's request that was answered: the same request_id gets the same answer."""

    __tablename__ = "commands"

    caller: str = Field(primary_key=True)
    request_id: UUID = Field(primary_key=True)
    body_sha256: bytes = Field(sa_column=Column(LargeBinary, nullable=False))
    answer: bytes = Field(sa_column=Column(LargeBinary, nullable=False))
    create_time: datetime = _time(nullable=False)


class CampaignActionRow(Row, table=True):
    """What somebody asked of a campaign: on which referrals is fixed when it is asked."""

    __tablename__ = "campaign_actions"

    action_id: UUID = Field(primary_key=True)
    campaign_id: str
    action: str
    # The serialised ActOnCampaignRequest, which is carried out when it is approved.
    request: bytes = Field(sa_column=Column(LargeBinary, nullable=False))
    referral_ids: list[UUID] = Field(sa_column=Column(ARRAY(Uuid), nullable=False))
    requested_by: str
    request_time: datetime = _time(nullable=False)
    expire_time: datetime = _time(nullable=False)
    # "" while nobody has approved it, and for ever where one person is enough.
    approved_by: str
    approve_time: datetime | None = _time()


class ReconciliationRow(Row, table=True):
    __tablename__ = "reconciliations"

    reconciliation_id: UUID = Field(primary_key=True)
    dry_run: bool
    requested_by: str
    request_time: datetime = _time(nullable=False)
    finish_time: datetime | None = _time()
    # The serialised Reconciliation that the worker found; none while the run goes on.
    report: bytes | None = Field(sa_column=Column(LargeBinary), default=None)
