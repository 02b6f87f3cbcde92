"""Finding what is known: a few queries for many texts at once, each bounded whatever is banked."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID

import asyncpg

from services.classification.bank import numbers
from services.classification.bank.digests import TextDigest, unpacked
from services.classification.bank.matching import could_match, similarity
from services.classification.bank.pictures import comparable
from services.classification.domain import KnownContent, Match, Verdict
from services.classification.pictures.facts import PictureFacts

Row = Mapping[str, Any]
_DECIDED: Final = [Verdict.ADVERT.value, Verdict.NOT_ADVERT.value]
_FACTS: Final = "s.signal_id, s.verdict, s.provenance, s.decide_time, s.word_count"
_ACTIVE: Final = "s.withdraw_time IS NULL AND s.expire_time > $1"
# A signal of one's own referral says nothing new.
_FOREIGN: Final = "s.referral_id IS DISTINCT FROM a.own"
_EXACT: Final = f"""
    SELECT a.n, f.* FROM unnest($2::int[], $3::bytea[], $4::uuid[], $5::bool[])
        AS a(n, digest, own, test)
    CROSS JOIN unnest($6::text[]) AS v(verdict)
    CROSS JOIN LATERAL (
        SELECT {_FACTS} FROM classification.signals s
        WHERE s.digest = a.digest AND s.test = a.test AND s.verdict = v.verdict
            AND {_FOREIGN} AND {_ACTIVE} LIMIT 1) f
"""  # noqa: S608
_NEAR: Final = f"""
    WITH proposed AS (
        SELECT a.n, v.verdict, f.signal_id, count(*) AS bands
        FROM unnest($2::int[], $3::smallint[], $4::bigint[], $5::uuid[], $6::bool[])
            AS a(n, band, digest, own, test)
        CROSS JOIN unnest($7::text[]) AS v(verdict)
        CROSS JOIN LATERAL (
            SELECT s.signal_id FROM classification.text_bands t
            JOIN classification.signals s USING (signal_id)
            WHERE t.band = a.band AND t.digest = a.digest AND t.test = a.test
                AND t.verdict = v.verdict AND {_FOREIGN} AND {_ACTIVE} LIMIT $8) f
        GROUP BY a.n, v.verdict, f.signal_id),
    ranked AS (
        SELECT n, signal_id, row_number() OVER (
            PARTITION BY n, verdict ORDER BY bands DESC, signal_id DESC) AS place
        FROM proposed)
    SELECT r.n, {_FACTS}, s.words FROM ranked r
    JOIN classification.signals s USING (signal_id) WHERE r.place <= $9
"""  # noqa: S608
_PICTURES: Final = f"""
    SELECT a.n, f.* FROM unnest($2::int[], $3::text[], $4::uuid[], $5::bool[])
        AS a(n, pdq, own, test)
    CROSS JOIN LATERAL (
        SELECT {_FACTS}, bit_count(p.pdq # ('x' || a.pdq)::bit(256)) AS distance
        FROM classification.pictures p JOIN classification.signals s USING (signal_id)
        WHERE bit_count(p.pdq # ('x' || a.pdq)::bit(256)) <= $6 AND s.test = a.test
            AND s.verdict = ANY($7) AND {_FOREIGN} AND {_ACTIVE}
        ORDER BY distance LIMIT $8) f
"""  # noqa: S608


@dataclass(frozen=True, slots=True)
class Asked:
    """One item's content; ``own``: the referral whose own signal is left out."""

    text: TextDigest
    pictures: tuple[PictureFacts, ...]
    own: UUID | None
    test: bool


@dataclass(frozen=True, slots=True)
class Found:
    """Of one item: what is known without looking further, and what is still to be compared."""

    exact: tuple[Row, ...]
    near: tuple[Row, ...]
    pictures: tuple[Row, ...]


async def find(conn: asyncpg.Connection, asked: Sequence[Asked], now: datetime) -> list[Found]:
    """What may be known of each item, in order."""
    exact, near, pictures = (
        _by_item(await _exact(conn, asked, now)),
        _by_item(await _near(conn, asked, now)),
        _by_item(await _pictures(conn, asked, now)),
    )
    return [
        Found(tuple(exact.get(n, ())), tuple(near.get(n, ())), tuple(pictures.get(n, ())))
        for n in range(len(asked))
    ]


async def _exact(conn: asyncpg.Connection, asked: Sequence[Asked], now: datetime) -> list[Row]:
    rows = [(n, one.text.digest, one.own, one.test) for n, one in enumerate(asked)]
    rows = [row for row in rows if row[1] is not None]
    return await _fetched(conn, _EXACT, now, rows, 4, _DECIDED)


async def _near(conn: asyncpg.Connection, asked: Sequence[Asked], now: datetime) -> list[Row]:
    rows = [
        (n, band, digest, one.own, one.test)
        for n, one in enumerate(asked)
        for band, digest in enumerate(one.text.bands)
    ]
    return await _fetched(conn, _NEAR, now, rows, 5, _DECIDED, numbers.PER_BAND, numbers.CANDIDATES)


async def _pictures(conn: asyncpg.Connection, asked: Sequence[Asked], now: datetime) -> list[Row]:
    rows = [
        (n, picture.pdq, one.own, one.test)
        for n, one in enumerate(asked)
        for picture in one.pictures
        if comparable(picture)
    ]
    return await _fetched(
        conn, _PICTURES, now, rows, 4, numbers.PDQ_DISTANCE, _DECIDED, numbers.CANDIDATES
    )


async def _fetched(
    conn: asyncpg.Connection, query: str, now: datetime, rows: list[Any], width: int, *rest: Any
) -> list[Row]:
    if not rows:
        return []
    columns = [[row[place] for row in rows] for place in range(width)]
    found: list[Row] = await conn.fetch(query, now, *columns, *rest)
    return found


def _by_item(rows: Sequence[Row]) -> dict[int, list[Row]]:
    grouped: dict[int, list[Row]] = {}
    for row in rows:
        grouped.setdefault(row["n"], []).append(row)
    return grouped


def verified(asked: Asked, found: Found) -> list[KnownContent]:
    """What the item's content really is the same as, each signal once and by its best match."""
    best: dict[str, KnownContent] = {}
    for known in _matches(asked, found):
        before = best.get(known.signal_id)
        if before is None or (before.match is Match.PICTURE and known.match is not Match.PICTURE):
            best[known.signal_id] = known
    return list(best.values())


def _matches(asked: Asked, found: Found) -> Iterator[KnownContent]:
    for row in found.exact:
        yield _known(row, Match.EXACT_TEXT, 1.0)
    for row in found.near:
        words = unpacked(row["words"] or b"")
        if could_match(len(words), len(asked.text.words)):
            alike = similarity(asked.text.words, words)
            if alike >= numbers.NEAR:
                yield _known(row, Match.EXACT_TEXT if alike == 1.0 else Match.NEAR_TEXT, alike)
    for row in found.pictures:
        yield _known(row, Match.PICTURE, 1.0 - row["distance"] / numbers.PDQ_BITS)


def _known(row: Row, match: Match, alike: float) -> KnownContent:
    return KnownContent(
        signal_id=str(row["signal_id"]),
        match=match,
        similarity=round(alike, 4),
        verdict=Verdict(row["verdict"]),
        provenance=row["provenance"],
        decide_time=row["decide_time"],
        words=0 if match is Match.PICTURE else row["word_count"],
    )
