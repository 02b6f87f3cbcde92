"""Accepting submissions: the one path by which a referral comes into being.

New content is stored by one statement (``accept_new``); what joins, is asked again, or brings
evidence or a hold, by a transaction of a handful. Both are set-based, so that hundreds of items
cost little more than one: single submissions share them through ``Coalescer``, a call with many is
stored in parts (``batches``). What commits together: referral, submission, evidence, its first
events and the inbox row (lifecycle step 1).
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Final
from uuid import UUID

import asyncpg
import structlog
from sqlalchemy.ext.asyncio import AsyncEngine

from services.intake import accept_new, accept_rows, holds
from services.intake.accept_rows import OvertakenError
from services.intake.placement import Placed, place
from services.intake.submission import NewSubmission, request_id_reused
from services.kernel import db
from services.kernel.errors import DomainError, ErrorKind
from services.kernel.grpc_errors import as_domain_error
from takedown.intake.v1 import referral_service_pb2 as pb

_ATTEMPTS: Final = 5
# Another transaction stored one of ours first: look again.
_OVERTAKEN: Final = (
    OvertakenError,
    asyncpg.UniqueViolationError,
    asyncpg.DeadlockDetectedError,
)
_log = structlog.get_logger("accept")


@dataclass(frozen=True, slots=True)
class Accepted:
    """What the caller is answered; belongs to one item of the batch alone."""

    answer: pb.SubmitReferralResponse


Result = Accepted | DomainError


def storing(engine: AsyncEngine) -> Callable[[Sequence[NewSubmission]], Awaitable[list[Result]]]:
    """``accept`` on a pooled connection of its own for every batch."""

    async def store(items: Sequence[NewSubmission]) -> list[Result]:
        async with db.raw(engine) as conn:
            return await accept(conn, items)

    return store


async def accept(conn: asyncpg.Connection, batch: Sequence[NewSubmission]) -> list[Result]:
    """Store a batch; one result per item, in order.

    Raises:
        asyncpg.PostgresError, OSError: the database failed; nothing of the batch is stored. When
            a part of it is, the failure is the result of the others.
    """
    original: dict[tuple[str, UUID], NewSubmission] = {}
    for item in batch:
        original.setdefault((item.referrer, item.request_id), item)
    stored = await _store_all(conn, list(original.values()))
    results: list[Result] = []
    for item in batch:
        first = original[(item.referrer, item.request_id)]
        result = stored[first.submission_id]
        results.append(result if item is first else _echo(item, first, result))
    return results


async def _store_all(
    conn: asyncpg.Connection, items: Sequence[NewSubmission]
) -> dict[UUID, Result]:
    """Results by submission id; no two of ``items`` are the same request."""
    results: dict[UUID, Result] = {}
    try:
        made = await accept_new.store_new(conn, items)
        results.update((submission_id, Accepted(answer)) for submission_id, answer in made.items())
    except _OVERTAKEN:
        _log.info("overtaken", items=len(items))
    rest = [item for item in items if item.submission_id not in results]
    if not rest:
        return results
    try:
        return results | await _store_rest(conn, rest)
    except Exception as error:
        if not results:
            raise
        failure = as_domain_error(error)
        return results | dict.fromkeys((item.submission_id for item in rest), failure)


async def _store_rest(
    conn: asyncpg.Connection, items: Sequence[NewSubmission]
) -> dict[UUID, Result]:
    for _ in range(_ATTEMPTS):
        try:
            async with conn.transaction():
                return await _store(conn, items)
        except _OVERTAKEN:
            continue
    raise DomainError(
        kind=ErrorKind.UNAVAILABLE,
        reason="CONTENTION",
        message="Too many submissions of the same content at once; send the same request again.",
    )


def _echo(item: NewSubmission, first: NewSubmission, result: Result) -> Result:
    """The answer to a request that stands in the same batch a second time."""
    if item.body_sha256 != first.body_sha256:
        return request_id_reused()
    return _replayed(result.answer) if isinstance(result, Accepted) else result


def _replayed(answer: pb.SubmitReferralResponse) -> Accepted:
    again = pb.SubmitReferralResponse()
    again.CopyFrom(answer)
    again.disposition = pb.DISPOSITION_REPLAYED
    return Accepted(again)


async def _store(conn: asyncpg.Connection, items: Sequence[NewSubmission]) -> dict[UUID, Result]:
    """Results by submission id; no two of ``items`` are the same request."""
    # Sorted, so that two transactions never wait for each other.
    keyed = sorted(((item.identity_key, item) for item in items), key=lambda pair: pair[0])
    created, answered = await accept_rows.insert_referrals(conn, [item for _, item in keyed])
    results: dict[UUID, Result] = {}
    by_key: dict[str, list[NewSubmission]] = {}
    for key, item in keyed:
        before = answered.get(item.referral_id)
        if before is None:
            by_key.setdefault(key, []).append(item)
        elif before["body_sha256"] != item.body_sha256:
            results[item.submission_id] = request_id_reused()
        else:
            stored = pb.SubmitReferralResponse.FromString(before["answer"])
            results[item.submission_id] = _replayed(stored)
    for p in await _store_fresh(conn, by_key, created):
        results[p.item.submission_id] = Accepted(p.answer)
    return results


async def _store_fresh(
    conn: asyncpg.Connection, by_key: dict[str, list[NewSubmission]], created: frozenset[UUID]
) -> list[Placed]:
    if not by_key:
        return []
    existing = await accept_rows.open_referrals(conn, list(by_key), created)
    placed = place(by_key, created, existing)
    await accept_rows.insert_submissions(conn, placed)
    await accept_rows.insert_evidence(conn, placed)
    await accept_rows.raise_joined(conn, placed)
    await accept_rows.store_inbox(conn, placed)
    for p in placed:
        if p.disposition == "JOINED" and p.item.hold is not None:
            await holds.ask_on_joining(conn, p.referral_id, p.item, p.item.hold)
    return placed
