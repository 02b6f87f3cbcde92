"""Reads what suggestions are made of: which of the newest signals share a digest."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Final
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncEngine

from services.classification.bank import numbers
from services.classification.bank.digests import unpacked
from services.classification.bank.matching import could_match, similarity
from services.classification.bank.suggestions import Link, Member, Suggestion, group, pairs_of
from services.kernel import db

Row = Mapping[str, Any]
# What was judged to be no advert is nobody's campaign.
_MEMBERS: Final = """
    SELECT signal_id, referral_id, platform, campaign_id, source_time, digest, words
    FROM classification.signals
    WHERE referral_id IS NOT NULL AND test = $1 AND verdict <> 'NOT_ADVERT'
        AND withdraw_time IS NULL AND expire_time > $2
    ORDER BY signal_id DESC LIMIT $3
"""
_BANDS: Final = """
    SELECT band, digest, array_agg(signal_id ORDER BY signal_id DESC) AS signal_ids
    FROM classification.text_bands WHERE signal_id = ANY($1)
    GROUP BY band, digest HAVING count(*) > 1
"""
_CONTACTS: Final = """
    SELECT digest, signal_id FROM classification.contacts WHERE signal_id = ANY($1)
"""
_PICTURES: Final = """
    SELECT a.signal_id AS one, b.signal_id AS other
    FROM classification.pictures a JOIN classification.pictures b ON a.signal_id < b.signal_id
        AND bit_count(a.pdq # b.pdq) <= $2
    WHERE a.signal_id = ANY($1) AND b.signal_id = ANY($1) LIMIT $3
"""
_UUID7: Final = 7


async def read(engine: AsyncEngine, now: datetime, *, test: bool) -> Shared:
    """Everything that the grouping needs, in one snapshot."""
    async with db.raw(engine) as conn, conn.transaction(isolation="repeatable_read", readonly=True):
        rows = await conn.fetch(_MEMBERS, test, now, numbers.SUGGESTED_FROM)
        ids = [row["signal_id"] for row in rows]
        return Shared(
            rows,
            await conn.fetch(_BANDS, ids),
            await conn.fetch(_CONTACTS, ids),
            await conn.fetch(_PICTURES, ids, numbers.PDQ_DISTANCE, numbers.PAIRS),
        )


class Shared:
    """Which signals share what; ``suggestions`` is plain work for a thread."""

    def __init__(
        self,
        rows: Sequence[Row],
        bands: Sequence[Row],
        contacts: Sequence[Row],
        pictures: Sequence[Row],
    ) -> None:
        self._rows = rows
        self._bands = bands
        self._contacts = contacts
        self._pictures = pictures
        self._place = {row["signal_id"]: place for place, row in enumerate(rows)}

    def suggestions(self) -> list[Suggestion]:
        members = [
            Member(row["referral_id"], row["platform"], row["campaign_id"], _submitted(row))
            for row in self._rows
        ]
        links = [Link(one, other, "TEXT") for one, other in self._texts()]
        keyed = ((row["digest"], self._place[row["signal_id"]]) for row in self._contacts)
        links += [Link(one, other, "CONTACT") for one, other in pairs_of(keyed)]
        links += [
            Link(self._place[row["one"]], self._place[row["other"]], "PICTURE")
            for row in self._pictures
        ]
        return group(members, links)

    def _texts(self) -> list[tuple[int, int]]:
        """Pairs of the same and of nearly the same text; of short texts none."""
        same = pairs_of(
            (row["digest"], place) for place, row in enumerate(self._rows) if row["words"]
        )
        tried = set(same)
        for row in self._bands:
            places = [self._place[signal_id] for signal_id in row["signal_ids"]]
            tried.update((places[0], place) for place in places[1:])
            if len(tried) >= numbers.PAIRS:
                break
        return same + [pair for pair in sorted(tried - set(same)) if self._alike(*pair)]

    def _alike(self, one: int, other: int) -> bool:
        a, b = (unpacked(self._rows[place]["words"] or b"") for place in (one, other))
        return could_match(len(a), len(b)) and similarity(a, b) >= numbers.NEAR


def _submitted(row: Row) -> datetime:
    """When the referral was submitted, which its id tells; else when its record last changed."""
    referral_id: UUID = row["referral_id"]
    if referral_id.version == _UUID7:
        # The first 48 bits are milliseconds since 1970 (RFC 9562, section 5.7).
        return datetime.fromtimestamp((referral_id.int >> 80) / 1000, UTC)
    time: datetime = row["source_time"]
    return time
