"""The signals at rest: stated, added, withdrawn, listed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

import asyncpg
from sqlalchemy.ext.asyncio import AsyncEngine

from services.classification.bank import keys, numbers
from services.classification.bank.digests import TextDigest
from services.classification.bank.keys import Content
from services.classification.domain import Verdict
from services.kernel import db
from services.kernel.clock import Clock
from services.kernel.errors import DomainError, ErrorKind, FieldViolation, not_found
from services.kernel.ids import uuid7

Row = Mapping[str, Any]
_LASTS: Final[Mapping[str, timedelta]] = {
    Verdict.ADVERT: numbers.ADVERT_LASTS,
    Verdict.NOT_ADVERT: numbers.NEGATIVE_LASTS,
    Verdict.UNDECIDED: numbers.UNDECIDED_LASTS,
}
_SHOWN: Final = (
    "signal_id, referral_id, verdict, provenance, platform, campaign_id, test, decide_time,"
    " create_time, expire_time, withdraw_time, withdrawn_by, added_by, note, word_count,"
    " picture_count, contact_count"
)
# A newer statement replaces the older one; what a person withdrew only notes that there is one.
_STATE: Final = """
    INSERT INTO classification.signals AS s (signal_id, referral_id, source_time, verdict,
        provenance, decide_time, platform, campaign_id, test, create_time, expire_time,
        word_count, picture_count, contact_count, digest, signature, words)
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17)
    ON CONFLICT (referral_id) DO UPDATE SET
        source_time = excluded.source_time, verdict = excluded.verdict,
        provenance = excluded.provenance, decide_time = excluded.decide_time,
        platform = excluded.platform, campaign_id = excluded.campaign_id, test = excluded.test,
        expire_time = excluded.expire_time, word_count = excluded.word_count,
        picture_count = excluded.picture_count, contact_count = excluded.contact_count,
        digest = excluded.digest, signature = excluded.signature, words = excluded.words
    WHERE s.source_time < excluded.source_time AND s.withdraw_time IS NULL
    RETURNING signal_id
"""


@dataclass(frozen=True, slots=True)
class Statement:
    """What the record says of one referral's content; ``provenance`` is UNSPECIFIED or a word."""

    referral_id: UUID
    source_time: datetime
    verdict: Verdict
    provenance: str
    decide_time: datetime | None
    platform: str
    campaign_id: str
    test: bool

    @property
    def expire_time(self) -> datetime:
        """Counted from the decision, so that stating it again lengthens nothing."""
        return (self.decide_time or self.source_time) + _LASTS[self.verdict]


@dataclass(frozen=True, slots=True)
class Negative:
    """What a person states."""

    request_id: UUID
    note: str
    test: bool
    added_by: str


class Store:
    def __init__(self, engine: AsyncEngine, clock: Clock) -> None:
        self._engine = engine
        self._clock = clock

    async def standing(self, referral_id: UUID, source_time: datetime) -> UUID | None:
        """The signal that a statement of ``source_time`` would not change; None if it would."""
        async with db.raw(self._engine) as conn, conn.transaction():
            row = await conn.fetchrow(
                "SELECT signal_id, source_time, withdraw_time FROM classification.signals"
                " WHERE referral_id = $1",
                referral_id,
            )
            if row is None:
                return None
            if row["withdraw_time"] is not None:
                await _note_source(conn, referral_id, source_time)
            elif row["source_time"] < source_time:
                return None
            found: UUID = row["signal_id"]
            return found

    async def learn(self, statement: Statement, content: Content) -> tuple[UUID, bool]:
        """The signal, and whether this statement is the one that stands now."""
        async with db.raw(self._engine) as conn, conn.transaction():
            signal_id: UUID | None = await conn.fetchval(
                _STATE, uuid7(), statement.referral_id, statement.source_time, statement.verdict,
                statement.provenance, statement.decide_time, statement.platform,
                statement.campaign_id, statement.test, self._clock.now(), statement.expire_time,
                *keys.digested(content),
            )  # fmt: skip
            if signal_id is None:
                return await _unchanged(conn, statement), False
            await keys.replace_keys(
                conn, signal_id, content, test=statement.test, verdict=statement.verdict
            )
        return signal_id, True

    async def add_negative(self, negative: Negative, text: TextDigest) -> Row:
        """The stored signal: this one, or the one that its request_id made before.

        Raises:
            DomainError: ALREADY_EXISTS for a request_id that was used for something else.
        """
        now, made = self._clock.now(), uuid7()
        expires = now + numbers.NEGATIVE_LASTS
        async with db.raw(self._engine) as conn, conn.transaction():
            signal_id = await conn.fetchval(
                "INSERT INTO classification.signals (signal_id, request_id, source_time, verdict,"
                " provenance, decide_time, platform, campaign_id, test, create_time, expire_time,"
                " added_by, note, word_count, picture_count, contact_count, digest, signature,"
                " words) VALUES ($1, $2, $3, 'NOT_ADVERT', 'OPERATOR', $3, '', '', $4, $3, $5,"
                " $6, $7, $8, $9, $10, $11, $12, $13)"
                " ON CONFLICT (request_id) DO NOTHING RETURNING signal_id",
                made, negative.request_id, now, negative.test, expires, negative.added_by,
                negative.note, *keys.digested(Content(text)),
            )  # fmt: skip
            if signal_id is not None:
                await keys.insert_bands(conn, made, text, negative.test, Verdict.NOT_ADVERT)
            row: Row = await conn.fetchrow(
                f"SELECT {_SHOWN}, digest, purge_time FROM classification.signals"  # noqa: S608
                " WHERE request_id = $1",
                negative.request_id,
            )
        _refuse_reuse(row, negative, text)
        return row

    async def withdraw(self, signal_id: UUID, who: str, note: str) -> Row:
        """The withdrawn signal; who withdrew it first stays.

        Raises:
            DomainError: NOT_FOUND for an unknown signal.
        """
        async with db.raw(self._engine) as conn:
            row: Row | None = await conn.fetchrow(
                "UPDATE classification.signals SET"  # noqa: S608
                " withdrawn_by = CASE WHEN withdraw_time IS NULL THEN $2 ELSE withdrawn_by END,"
                " note = CASE WHEN withdraw_time IS NULL THEN $3 ELSE note END,"
                " withdraw_time = coalesce(withdraw_time, $4)"
                f" WHERE signal_id = $1 RETURNING {_SHOWN}",
                signal_id, who, note, self._clock.now(),
            )  # fmt: skip
        if row is None:
            raise not_found(
                "SIGNAL_NOT_FOUND", "There is no such signal; list them to find its id."
            )
        return row

    async def describe(self) -> tuple[datetime | None, dict[str, int]]:
        """The newest statement's source_time, and how many signals match now, by verdict."""
        async with db.raw(self._engine) as conn:
            newest: datetime | None = await conn.fetchval(
                "SELECT max(source_time) FROM classification.signals WHERE referral_id IS NOT NULL"
            )
            rows = await conn.fetch(
                "SELECT verdict, count(*) AS active FROM classification.signals"
                " WHERE withdraw_time IS NULL AND expire_time > $1 GROUP BY verdict",
                self._clock.now(),
            )
        return newest, {row["verdict"]: row["active"] for row in rows}

    async def page(
        self, size: int, after: UUID | None, verdict: str, referral_id: UUID | None, *, every: bool
    ) -> list[Row]:
        """Newest first; ``every``: also what matches nothing any more."""
        async with db.raw(self._engine) as conn:
            rows: list[Row] = await conn.fetch(
                f"SELECT {_SHOWN} FROM classification.signals"  # noqa: S608
                " WHERE ($1::uuid IS NULL OR signal_id < $1) AND ($2 = '' OR verdict = $2)"
                " AND ($3::uuid IS NULL OR referral_id = $3)"
                " AND ($4 OR (withdraw_time IS NULL AND expire_time > $5))"
                " ORDER BY signal_id DESC LIMIT $6",
                after, verdict, referral_id, every, self._clock.now(), size,
            )  # fmt: skip
        return rows


async def _note_source(conn: asyncpg.Connection, referral_id: UUID, source_time: datetime) -> None:
    await conn.execute(
        "UPDATE classification.signals SET source_time = $2"
        " WHERE referral_id = $1 AND source_time < $2",
        referral_id,
        source_time,
    )


async def _unchanged(conn: asyncpg.Connection, statement: Statement) -> UUID:
    found: UUID = await conn.fetchval(
        "SELECT signal_id FROM classification.signals WHERE referral_id = $1",
        statement.referral_id,
    )
    return found


def _refuse_reuse(row: Row, negative: Negative, text: TextDigest) -> None:
    same_text = row["digest"] == text.digest or row["purge_time"] is not None
    # A withdrawal has a note of its own.
    same_note = row["note"] == negative.note or row["withdraw_time"] is not None
    if same_text and same_note and row["test"] == negative.test:
        return
    sentence = "This request_id was used for another text or note; make a new one."
    raise DomainError(
        ErrorKind.ALREADY_EXISTS,
        "REQUEST_ID_REUSED",
        sentence,
        violations=(FieldViolation("request_id", "REQUEST_ID_REUSED", sentence),),
    )
