"""The rows that a signal is found again by: bands of its text, its contacts, its pictures."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import asyncpg

from services.classification.bank.digests import TextDigest, packed
from services.classification.pictures.facts import PictureFacts


@dataclass(frozen=True, slots=True)
class Content:
    """The digests of one referral's content."""

    text: TextDigest
    contacts: tuple[bytes, ...] = ()
    pictures: tuple[PictureFacts, ...] = ()


def digested(content: Content) -> tuple[Any, ...]:
    """word_count, picture_count, contact_count, digest, signature, words."""
    text = content.text
    return (
        text.count,
        len(content.pictures),
        len(content.contacts),
        text.digest,
        text.signature or None,
        packed(text.words) if text.words else None,
    )


async def delete_keys(conn: asyncpg.Connection, signal_ids: Sequence[UUID]) -> None:
    for table in ("text_bands", "contacts", "pictures"):
        await conn.execute(
            f"DELETE FROM classification.{table} WHERE signal_id = ANY($1)",  # noqa: S608
            list(signal_ids),
        )


async def replace_keys(
    conn: asyncpg.Connection, signal_id: UUID, content: Content, *, test: bool, verdict: str
) -> None:
    await delete_keys(conn, [signal_id])
    await insert_bands(conn, signal_id, content.text, test, verdict)
    await conn.execute(
        "INSERT INTO classification.contacts (digest, signal_id)"
        " SELECT digest, $2 FROM unnest($1::bytea[]) AS digest",
        list(content.contacts),
        signal_id,
    )
    await conn.execute(
        "INSERT INTO classification.pictures (signal_id, number, pdq, quality)"
        " SELECT $1, n, ('x' || pdq)::bit(256), quality"
        " FROM unnest($2::text[], $3::smallint[]) WITH ORDINALITY AS p(pdq, quality, n)",
        signal_id,
        [picture.pdq for picture in content.pictures],
        [picture.pdq_quality for picture in content.pictures],
    )


async def insert_bands(
    conn: asyncpg.Connection, signal_id: UUID, text: TextDigest, test: bool, verdict: str
) -> None:
    if not text.bands:
        return
    await conn.execute(
        "INSERT INTO classification.text_bands (band, digest, test, verdict, signal_id)"
        " SELECT n - 1, digest, $2, $3, $4"
        " FROM unnest($1::bigint[]) WITH ORDINALITY AS b(digest, n)",
        list(text.bands), test, verdict, signal_id,
    )  # fmt: skip
