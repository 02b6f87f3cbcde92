"""Time as an argument, and ids that a replay gives again."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest

from services.kernel.clock import Clock, FrozenClock, SystemClock
from services.kernel.ids import notice_id, notice_id_text, uuid7

REFERRAL = UUID("018f6d4e-0000-7000-8000-000000000001")


def test_a_notice_keeps_its_id_for_ever() -> None:
    # A golden value: notices at platforms are known by it, so it must never change.
    assert str(notice_id(REFERRAL, 1)) == notice_id_text(str(REFERRAL), 1)
    assert str(notice_id(REFERRAL, 1)) == "98b50063-0725-599b-9594-e5ee99d94eb9"
    ids = {notice_id(referral, n) for referral in (REFERRAL, uuid7()) for n in range(1, 20)}
    assert len(ids) == 38


@pytest.mark.parametrize("number", [0, -1])
def test_notices_are_numbered_from_one(number: int) -> None:
    with pytest.raises(ValueError, match="numbered from 1"):
        notice_id(REFERRAL, number)


def test_fresh_ids_grow() -> None:
    ids = [uuid7() for _ in range(1000)]
    assert ids == sorted(set(ids))
    assert {i.version for i in ids} == {7}


def test_a_frozen_clock_moves_only_when_told() -> None:
    clock = FrozenClock(datetime(2026, 1, 1, tzinfo=UTC))
    before = clock.monotonic()
    clock.advance(timedelta(hours=1))
    assert clock.now() == datetime(2026, 1, 1, 1, tzinfo=UTC)
    assert clock.monotonic() - before == 3600
    clock.set_wall(datetime(2025, 1, 1, tzinfo=UTC))
    assert clock.monotonic() - before == 3600
    with pytest.raises(ValueError, match="positive"):
        clock.advance(timedelta(seconds=-1))
    with pytest.raises(ValueError, match="aware"):
        FrozenClock(datetime(2026, 1, 1))  # noqa: DTZ001 - the point of the test


@pytest.mark.parametrize("clock", [SystemClock(), FrozenClock(datetime(2026, 1, 1, tzinfo=UTC))])
def test_every_clock_speaks_utc(clock: Clock) -> None:
    assert clock.now().utcoffset() == timedelta(0)
    assert clock.monotonic() <= clock.monotonic()
