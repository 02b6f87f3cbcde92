"""The inbox against a real PostgreSQL: nothing lost, nothing in two hands."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from services.kernel import db, inbox
from services.kernel.inbox import NewItem
from tests.integration.conftest import DatabaseUrls, MakeSchema

SCHEMA = "acknowledgement"
NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
LEASE = timedelta(seconds=30)


@pytest.fixture
async def urls(make_schema: MakeSchema) -> DatabaseUrls:
    return await make_schema(SCHEMA)


@pytest.fixture
async def engine(urls: DatabaseUrls) -> AsyncIterator[AsyncEngine]:
    made = db.engine(urls.settings(), "test")
    yield made
    await made.dispose()


def item(priority: int = 2, minute: int = 0, item_id: UUID | None = None) -> NewItem:
    return NewItem(
        item_id=item_id or uuid4(),
        kind="platform.event",
        referral_id=None,
        payload=b"\x00payload",
        traceparent="",
        priority=priority,
        created_at=NOW - timedelta(hours=1) + timedelta(minutes=minute),
    )


async def store(engine: AsyncEngine, *items: NewItem) -> None:
    async with db.raw(engine) as conn, conn.transaction():
        await inbox.store_raw(conn, SCHEMA, items)


async def claim(
    engine: AsyncEngine, claimant: UUID, window: int = 100, now: datetime = NOW
) -> list[UUID]:
    async with db.raw(engine) as conn:
        claimed = await inbox.claim(conn, SCHEMA, claimant, window, LEASE, now)
    return [one.item_id for one in claimed]


async def test_the_urgent_comes_before_the_old(engine: AsyncEngine) -> None:
    old, urgent, leaving = item(2, 0), item(1, 5), item(0, 9)
    await store(engine, old, urgent, leaving)
    assert await claim(engine, uuid4()) == [leaving.item_id, urgent.item_id, old.item_id]


async def test_an_item_stored_twice_is_there_once(engine: AsyncEngine) -> None:
    one = item()
    await store(engine, one, item())
    await store(engine, one)
    async with db.raw(engine) as conn:
        assert await inbox.backlog(conn, SCHEMA) == 2


async def test_a_rolled_back_item_was_never_there(engine: AsyncEngine) -> None:
    with pytest.raises(RuntimeError):
        await _store_and_fail(engine)
    assert await claim(engine, uuid4()) == []


async def _store_and_fail(engine: AsyncEngine) -> None:
    async with db.raw(engine) as conn, conn.transaction():
        await inbox.store_raw(conn, SCHEMA, [item()])
        raise RuntimeError("before the commit")


async def test_no_item_is_ever_in_two_hands(engine: AsyncEngine) -> None:
    await store(engine, *(item(minute=n % 50) for n in range(400)))
    claimants = [uuid4() for _ in range(6)]

    async def take(claimant: UUID) -> list[UUID]:
        taken: list[UUID] = []
        while len(taken) < 400 and (more := await claim(engine, claimant, len(taken) + 7)):
            taken += more
        return taken

    hands = await asyncio.gather(*(take(claimant) for claimant in claimants))
    everything = [item_id for hand in hands for item_id in hand]
    assert len(everything) == len(set(everything)) == 400


async def test_a_claimant_never_holds_more_than_its_window(engine: AsyncEngine) -> None:
    await store(engine, *(item() for _ in range(60)))
    claimant = uuid4()
    async with db.raw(engine) as first:
        under_way = first.transaction()
        await under_way.start()
        held = await inbox.claim(first, SCHEMA, claimant, 10, LEASE, NOW)
        # Its second stream claims while the first claim is not yet to be seen by anybody.
        second = asyncio.create_task(claim(engine, claimant, 10))
        await asyncio.wait([second], timeout=0.3)
        await under_way.commit()
    assert len(held) == 10
    assert await second == []


async def test_an_item_whose_lease_ran_out_is_handed_out_again(engine: AsyncEngine) -> None:
    one = item()
    await store(engine, one)
    assert await claim(engine, uuid4()) == [one.item_id]
    assert await claim(engine, uuid4(), now=NOW + LEASE - timedelta(seconds=1)) == []
    async with db.raw(engine) as conn:
        again = await inbox.claim(conn, SCHEMA, uuid4(), 10, LEASE, NOW + LEASE)
    assert [(i.item_id, i.attempts) for i in again] == [(one.item_id, 2)]


async def test_a_settled_item_stays_settled(engine: AsyncEngine) -> None:
    one = item()
    await store(engine, one)
    await claim(engine, uuid4())
    async with db.raw(engine) as conn:
        await inbox.complete(conn, SCHEMA, one.item_id, "DELIVERED", "", NOW)
        await inbox.complete(conn, SCHEMA, one.item_id, "REFUSED", "later", NOW)
        await inbox.defer(conn, SCHEMA, one.item_id, NOW, "later still")
        row = await conn.fetchrow("SELECT result, detail FROM acknowledgement.inbox_items")
    assert tuple(row) == ("DELIVERED", "")
    assert await claim(engine, uuid4(), now=NOW + timedelta(days=1)) == []


async def test_a_deferred_item_waits_for_its_time(engine: AsyncEngine) -> None:
    one = item()
    await store(engine, one)
    await claim(engine, uuid4())
    later = NOW + timedelta(minutes=5)
    async with db.raw(engine) as conn:
        await inbox.defer(conn, SCHEMA, one.item_id, later, "no worker answers")
    assert await claim(engine, uuid4(), now=later - timedelta(seconds=1)) == []
    assert await claim(engine, uuid4(), now=later) == [one.item_id]


async def _claim_with_reserve(engine: AsyncEngine, claimant: UUID) -> list[int]:
    async with db.raw(engine) as conn:
        claimed = await inbox.claim(conn, SCHEMA, claimant, 8, LEASE, NOW, reserve=2)
    return [one.priority for one in claimed]


async def test_a_window_full_of_bulk_has_room_for_what_is_urgent(engine: AsyncEngine) -> None:
    relay = uuid4()
    await store(engine, *(item(2, n) for n in range(20)))
    assert await _claim_with_reserve(engine, relay) == [2] * 6
    assert await _claim_with_reserve(engine, relay) == []
    await store(engine, *(item(n, 30) for n in (1, 0, 1)))
    assert await _claim_with_reserve(engine, relay) == [0, 1]
    assert await _claim_with_reserve(engine, relay) == []
    # Without bulk the whole window is for what is urgent, and bulk never takes its room back.
    other = uuid4()
    await store(engine, *(item(1, 40) for _ in range(9)))
    assert await _claim_with_reserve(engine, other) == [1] * 8
    assert await _claim_with_reserve(engine, other) == []


async def test_a_hurried_referral_takes_along_what_waits_of_it_and_nothing_else(
    engine: AsyncEngine,
) -> None:
    referral = uuid4()
    start = replace(item(2, 9), referral_id=referral)
    await store(engine, *(item(2, n) for n in range(5)), start)
    command = replace(item(1, 10), referral_id=referral)
    async with db.raw(engine) as conn, conn.transaction():
        await inbox.store_raw(conn, SCHEMA, [command])
        await inbox.hurry(conn, SCHEMA, [(referral, 1)])
    assert await claim(engine, uuid4(), 2) == [start.item_id, command.item_id]
    async with db.raw(engine) as conn:
        await inbox.hurry(conn, SCHEMA, [(referral, 2)])
        lowest = await conn.fetchval(
            "SELECT max(priority) FROM acknowledgement.inbox_items WHERE referral_id = $1", referral
        )
    assert lowest == 1
