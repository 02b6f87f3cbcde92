"""The auditor judges a record that lives on while it is read."""

from __future__ import annotations

from typing import Any

import asyncpg

from infra.local.auditor import read_record
from tests.integration.intake.lives import append, created, event
from tests.integration.intake.serving import Intake


class Busy:
    """A connection to a record in which something happens after the first look."""

    def __init__(self, conn: asyncpg.Connection, intake: Intake, referral_id: str) -> None:
        self._conn, self._intake, self._referral_id = conn, intake, referral_id
        self._looks = 0

    def transaction(self, **how: Any) -> Any:
        return self._conn.transaction(**how)

    async def fetch(self, statement: str) -> list[Any]:
        found: list[Any] = await self._conn.fetch(statement)
        self._looks += 1
        if self._looks == 1:
            await append(self._intake, self._referral_id, event("URGENCY_LAPSED"))
        return found


async def test_referrals_and_their_events_are_read_as_of_one_moment(intake: Intake) -> None:
    referral_id = await created(intake)
    conn = await intake.sql()
    try:
        busy: Any = Busy(conn, intake, referral_id)
        (referral,), by_referral = await read_record(busy)
        assert referral["last_sequence"] == len(by_referral[referral["referral_id"]])
        (later,), _ = await read_record(conn)
        assert later["last_sequence"] == referral["last_sequence"] + 1
    finally:
        await conn.close()
