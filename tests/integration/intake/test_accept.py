"""Accepting has a short way and a long one: both store the same, and each answers for itself."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import asyncpg
import pytest

from services.intake import accept, accept_new, reading
from services.intake.accept import Accepted
from services.intake.submission import NewSubmission
from services.kernel.errors import DomainError
from takedown.intake.v1 import referral_service_pb2 as pb
from takedown.referral.v1 import enums_pb2 as enums
from tests.integration.conftest import DatabaseUrls, MakeSchema
from tests.integration.intake.serving import submission

NOW = datetime.now(UTC)
ARRIVAL = reading.Arrival(
    "nca",
    "spiffe://takedown.internal/referrer/nca",
    NOW,
    accept_real=True,
    traceparent="00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
    trace_id="0af7651916cd43dd8448eb211c80319c",
)
# By what a table's rows are sorted, and what the database itself puts in.
TABLES = {
    "referrals": ("referral_id", ()),
    "submissions": ("submission_id", ()),
    "evidence": ("evidence_id", ()),
    "events": ("referral_id, sequence", ("xid", "position")),
    "inbox_items": ("item_id", ()),
}


async def connected(urls: DatabaseUrls, **settings: str) -> asyncpg.Connection:
    plain = urls.app.replace("+asyncpg", "")
    return await asyncpg.connect(plain, server_settings=settings)


def read(request: pb.SubmitReferralRequest) -> NewSubmission:
    return reading.read_submission(request, reading.identify(request, ARRIVAL), ARRIVAL)


def news(*numbers: int) -> list[NewSubmission]:
    return [read(submission(number)) for number in numbers]


def of_every_kind(known: Sequence[pb.SubmitReferralRequest]) -> list[NewSubmission]:
    """``known``: one request whose referral is open, one whose referral was closed."""
    reused = submission(20, request_id=known[0].request_id)
    urgent = submission(11, urgency=enums.URGENCY_IMMINENT_DEPARTURE, campaign_id="spring")
    urgent.departure_time.FromDatetime(NOW + timedelta(days=2))
    proven = submission(12)
    proven.evidence.add(
        file_name="a.png", media_type="image/png", content=b"seen",
        sha256=hashlib.sha256(b"seen").hexdigest(),
    )  # fmt: skip
    held = submission(13)
    held.hold.reason = enums.HOLD_REASON_LIVE_INVESTIGATION
    held.hold.expire_time.FromDatetime(NOW + timedelta(days=5))
    joins = submission(1, urgency=enums.URGENCY_URGENT)
    reopens = submission(2)
    more = [submission(14), submission(14), submission(1, test=True)]
    requests = [submission(10), urgent, proven, held, known[0], reused, joins, reopens, *more]
    return [read(request) for request in requests]


async def stored(conn: asyncpg.Connection) -> dict[str, list[dict[str, Any]]]:
    found = {}
    for table, (order, own) in TABLES.items():
        rows = await conn.fetch(f"SELECT * FROM intake.{table} ORDER BY {order}")  # noqa: S608
        found[table] = [{k: v for k, v in row.items() if k not in own} for row in rows]
    return found


def said(results: Sequence[accept.Result]) -> list[Any]:
    return [one.answer if isinstance(one, Accepted) else one.reason for one in results]


async def test_the_short_way_and_the_long_way_store_and_answer_the_same(
    make_schema: MakeSchema, monkeypatch: pytest.MonkeyPatch
) -> None:
    known = [submission(1), submission(2)]
    before, batch = [read(request) for request in known], of_every_kind(known)
    short = accept_new.store_new
    made: list[int] = []

    async def counted(*given: Any) -> dict[Any, Any]:
        found = await short(*given)
        made.append(len(found))
        return found

    async def nothing(*_: Any) -> dict[Any, Any]:
        return {}

    outcomes = []
    for way in (counted, nothing):
        monkeypatch.setattr(accept_new, "store_new", way)
        conn = await connected(await make_schema("intake"))
        try:
            await accept.accept(conn, before)
            await conn.execute(
                "UPDATE intake.referrals SET state = 'CLOSED', outcome = 'REJECTED'"
                " WHERE referral_id = $1",
                before[1].referral_id,
            )
            results = await accept.accept(conn, batch)
            outcomes.append((said(results), await stored(conn)))
        finally:
            await conn.close()
    # Content 10 and 11, the closed one again, and the test on content 1.
    assert made == [2, 4]
    assert outcomes[0] == outcomes[1]
    referrals = outcomes[0][1]["referrals"]
    assert len(referrals) == 9
    assert [r["previous_referral_id"] for r in referrals if r["previous_referral_id"]] == [
        before[1].referral_id
    ]


async def test_new_content_needs_one_statement_however_much_of_it(make_schema: MakeSchema) -> None:
    conn = await connected(await make_schema("intake"))
    asked: list[str] = []
    try:
        # A connection asks once what types there are.
        await accept.accept(conn, news(100))
        with conn.query_logger(lambda query: asked.append(query.query)):
            results = await accept.accept(conn, news(*range(100)))
        # The log is told in the loop's next turn.
        await asyncio.sleep(0)
        assert all(isinstance(one, Accepted) for one in results)
        assert len(asked) == 1
        assert len((await stored(conn))["inbox_items"]) == 101
    finally:
        await conn.close()


async def test_what_fails_beside_what_is_stored_is_told_alone(make_schema: MakeSchema) -> None:
    urls = await make_schema("intake")
    other, conn = await connected(urls), await connected(urls, lock_timeout="100")
    try:
        await accept.accept(other, news(1))
        async with other.transaction():
            await other.execute("SELECT FROM intake.referrals FOR UPDATE")
            joining, fresh = await accept.accept(conn, news(1, 2))
        assert isinstance(joining, DomainError)
        assert joining.reason == "DATABASE_UNAVAILABLE"
        assert isinstance(fresh, Accepted)
        assert fresh.answer.disposition == pb.DISPOSITION_CREATED
        assert {len(rows) for table, rows in (await stored(conn)).items() if table != "evidence"} \
            == {2}  # fmt: skip
    finally:
        await other.close()
        await conn.close()


async def test_a_request_that_another_process_stores_meanwhile_leaves_no_second_referral(
    make_schema: MakeSchema,
) -> None:
    urls = await make_schema("intake")
    other, conn = await connected(urls), await connected(urls)
    (first,) = news(1)
    reused = read(submission(2, request_id=str(first.request_id)))
    try:
        async with other.transaction():
            await accept_new.store_new(other, [first])
            waiting = asyncio.create_task(accept.accept(conn, [reused, *news(3)]))
            await blocked(other, conn)
        results = await waiting
        assert said(results[:1]) == ["REQUEST_ID_REUSED"]
        assert isinstance(results[1], Accepted)
        kept = {row["content_id"][-1] for row in (await stored(conn))["referrals"]}
        assert kept == {"1", "3"}
    finally:
        await other.close()
        await conn.close()


async def blocked(other: asyncpg.Connection, conn: asyncpg.Connection) -> None:
    """``conn`` waits for what ``other`` holds."""
    async with asyncio.timeout(20):
        asked = "SELECT $1 = ANY(pg_blocking_pids($2))"
        while not await other.fetchval(asked, other.get_server_pid(), conn.get_server_pid()):
            pass
