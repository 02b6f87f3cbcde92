"""Promises of the signal bank: what is learnt, replaced, withdrawn, expired and deleted."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import AsyncIterator
from datetime import UTC, timedelta

import grpc
import pytest

from services.classification.bank import numbers
from services.kernel.errors import ErrorKind
from takedown.classification.v1 import signal_bank_service_pb2 as pb
from takedown.classification.v1 import signal_bank_service_pb2_grpc as pb_grpc
from takedown.referral.v1 import enums_pb2 as enums
from tests.fakes.pki import Pki
from tests.integration.classification.bank import (
    ADVERT,
    CLEAR,
    NOT_ADVERT,
    NOW,
    UNDECIDED,
    Classification,
    serving,
    statement,
)
from tests.integration.conftest import MakeSchema
from tests.integration.refusing import refused


@pytest.fixture
async def there(pki: Pki, make_schema: MakeSchema) -> AsyncIterator[Classification]:
    async with serving(pki, await make_schema("classification")) as made:
        yield made


async def test_what_is_learnt_is_kept_as_digests_and_listed_without_content(
    there: Classification,
) -> None:
    referral_id = str(uuid.uuid4())
    learnt = await there.learn(CLEAR, referral_id=referral_id, campaign_id="spring", test=True)
    assert learnt.changed
    [signal] = await there.signals(referral_id=referral_id)
    assert signal.signal_id == learnt.signal_id
    assert (signal.verdict, signal.provenance) == (ADVERT, enums.SIGNAL_PROVENANCE_REVIEW)
    assert (signal.platform, signal.campaign_id, signal.test) == ("x", "spring", True)
    assert (signal.words, signal.contacts, signal.pictures) == (20, 1, 0)
    lasts = signal.expire_time.ToDatetime(UTC) - signal.decide_time.ToDatetime(UTC)
    assert lasts == numbers.ADVERT_LASTS
    assert await there.count("text_bands") == numbers.BANDS
    everywhere = "concat_ws(' ', signals::text) ~* 'calais|900123|jackets'"
    assert await there.count("signals", everywhere) == 0


async def test_a_newer_statement_replaces_and_an_older_or_equal_one_changes_nothing(
    there: Classification,
) -> None:
    referral_id = str(uuid.uuid4())
    first = await there.learn(CLEAR, UNDECIDED, referral_id=referral_id)
    newer = await there.learn(CLEAR, ADVERT, referral_id=referral_id, source=NOW)
    again = await there.learn(CLEAR, NOT_ADVERT, referral_id=referral_id, source=NOW)
    older = await there.learn(
        "other", NOT_ADVERT, referral_id=referral_id, source=NOW - timedelta(1)
    )
    assert {a.signal_id for a in (first, newer, again, older)} == {first.signal_id}
    assert [a.changed for a in (first, newer, again, older)] == [True, True, False, False]
    [signal] = await there.signals()
    assert (signal.verdict, signal.words) == (ADVERT, 20)
    assert await there.count("text_bands", "verdict = 'ADVERT'") == numbers.BANDS
    assert await there.count("text_bands") == numbers.BANDS


async def test_statements_that_arrive_at_once_leave_the_newest_standing(
    there: Classification,
) -> None:
    referral_id = str(uuid.uuid4())
    verdicts = [UNDECIDED, ADVERT, NOT_ADVERT]
    statements = [
        statement(
            CLEAR, verdicts[n % 3], referral_id=referral_id, source=NOW - timedelta(minutes=n)
        )
        for n in reversed(range(12))
    ]
    calls = [there.learning.LearnSignal(one, timeout=10) for one in statements]
    answers = await asyncio.gather(*calls)
    assert len({answer.signal_id for answer in answers}) == 1
    [signal] = await there.signals()
    assert signal.verdict == UNDECIDED
    assert await there.count("text_bands") == numbers.BANDS
    assert await there.count("contacts") == 1


async def test_a_withdrawn_signal_stays_withdrawn_whatever_is_stated_later(
    there: Classification,
) -> None:
    referral_id = str(uuid.uuid4())
    learnt = await there.learn(CLEAR, referral_id=referral_id)
    gone = await there.withdraw(learnt.signal_id)
    assert gone.withdrawn_by == "spiffe://takedown.internal/operator/dev"
    there.clock.advance(timedelta(minutes=1))
    assert await there.withdraw(learnt.signal_id, "Again, otherwise.") == gone
    later = await there.learn(CLEAR, NOT_ADVERT, referral_id=referral_id, source=NOW)
    assert (later.changed, later.signal_id) == (False, learnt.signal_id)
    assert await there.signals() == []
    [signal] = await there.signals(include_inactive=True)
    assert signal.verdict == ADVERT
    # What was stated is known to have been stated.
    described = await there.people.DescribeSignalBank(pb.DescribeSignalBankRequest(), timeout=5)
    assert described.last_source_time.ToDatetime(UTC) == NOW
    assert dict(described.active) == {}


async def test_an_unknown_signal_cannot_be_withdrawn(there: Classification) -> None:
    found = await refused(there.withdraw(str(uuid.uuid4())))
    assert (found.kind, found.reason) == (ErrorKind.NOT_FOUND, "SIGNAL_NOT_FOUND")


@pytest.mark.parametrize(
    ("verdict", "lasts"),
    [
        (ADVERT, numbers.ADVERT_LASTS),
        (NOT_ADVERT, numbers.NEGATIVE_LASTS),
        (UNDECIDED, numbers.UNDECIDED_LASTS),
    ],
)
async def test_a_signal_matches_until_it_expires_and_is_deleted_a_month_later(
    there: Classification, verdict: int, lasts: timedelta
) -> None:
    await there.learn(CLEAR, verdict, source=NOW)
    there.clock.advance(lasts - timedelta(seconds=1))
    assert len(await there.signals()) == 1
    there.clock.advance(timedelta(seconds=1))
    assert await there.signals() == []
    assert len(await there.signals(include_inactive=True)) == 1
    assert await there.bank.purging.purge() == 0
    there.clock.advance(numbers.PURGED_AFTER)
    assert await there.bank.purging.purge() == 1
    for table in ("signals", "text_bands", "contacts"):
        assert await there.count(table) == 0


async def test_of_a_withdrawn_signal_stays_only_that_it_was_withdrawn(
    there: Classification,
) -> None:
    referral_id = str(uuid.uuid4())
    learnt = await there.learn(CLEAR, referral_id=referral_id)
    await there.withdraw(learnt.signal_id)
    there.clock.advance(numbers.PURGED_AFTER)
    assert await there.bank.purging.purge() == 1
    assert await there.bank.purging.purge() == 0
    assert await there.count("signals", "digest IS NULL AND words IS NULL") == 1
    assert await there.count("text_bands") + await there.count("contacts") == 0
    again = await there.learn(CLEAR, referral_id=referral_id, source=there.clock.now())
    assert not again.changed


async def test_the_background_work_deletes_in_batches_and_stops(
    there: Classification, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(numbers, "PURGE_BATCH", 2)
    for _ in range(3):
        await there.learn(CLEAR)
    there.clock.advance(timedelta(days=500))
    stop = asyncio.Event()
    work = asyncio.create_task(there.bank.background(stop))
    async with asyncio.timeout(30):
        # Another process's work cannot be awaited; its rows can be looked at.
        while await there.count("signals"):  # noqa: ASYNC110
            await asyncio.sleep(0.05)
        stop.set()
        await work


async def test_pages_hold_every_signal_once_newest_first(there: Classification) -> None:
    learnt = [(await there.learn(f"{CLEAR} {n}")).signal_id for n in range(7)]
    request, seen = pb.ListSignalsRequest(page_size=3), []
    while True:
        page = await there.people.ListSignals(request, timeout=5)
        assert len(page.signals) <= 3
        seen += [signal.signal_id for signal in page.signals]
        request.page_token = page.next_page_token
        if not page.next_page_token:
            break
    assert seen == learnt[::-1]
    assert [s.verdict for s in await there.signals(verdict=NOT_ADVERT)] == []
    for token in ("x", "W10=", "WyJ4Il0=", "WzFd"):
        found = await refused(
            there.people.ListSignals(pb.ListSignalsRequest(page_token=token), timeout=5)
        )
        assert found.reason == "CURSOR_UNKNOWN"


async def test_a_person_adds_a_negative_once_per_request_id(there: Classification) -> None:
    request_id = str(uuid.uuid4())
    added = await there.add_negative(CLEAR, request_id=request_id)
    assert (added.verdict, added.provenance) == (NOT_ADVERT, enums.SIGNAL_PROVENANCE_OPERATOR)
    assert added.added_by == "spiffe://takedown.internal/operator/dev"
    assert (added.note, added.referral_id) == ("A lawful firm.", "")
    there.clock.advance(timedelta(minutes=1))
    assert await there.add_negative(CLEAR, request_id=request_id) == added
    for other in ({"text": "Another text"}, {"text": CLEAR, "note": "Other."},
                  {"text": CLEAR, "test": True}):  # fmt: skip
        found = await refused(there.add_negative(request_id=request_id, **other))
        assert (found.kind, found.reason) == (ErrorKind.ALREADY_EXISTS, "REQUEST_ID_REUSED")
    assert len(await there.signals()) == 1


@pytest.mark.parametrize(
    ("change", "field", "reason"),
    [
        ({"verdict": 0}, "verdict", "ENUM_NOT_IN"),
        ({"referral_id": "x"}, "referral_id", "STRING_UUID"),
        ({"platform": "X!"}, "platform", "STRING_PATTERN"),
        ({"provenance": 0}, "provenance", "REQUIRED"),
        ({"decide_time": None}, "decide_time", "REQUIRED"),
        ({"verdict": UNDECIDED}, "provenance", "NOBODY_DECIDED"),
    ],
)
async def test_a_statement_that_says_too_little_or_too_much_is_refused(
    there: Classification, change: dict[str, object], field: str, reason: str
) -> None:
    request = statement(CLEAR)
    for name, value in change.items():
        request.ClearField(name)
        if value:
            setattr(request, name, value)
    found = await refused(there.learning.LearnSignal(request, timeout=5))
    assert (found.violations[0].field, found.violations[0].reason) == (field, reason)
    assert await there.count("signals") == 0


async def test_what_cannot_be_stored_or_known_again_is_refused(there: Classification) -> None:
    nul = await refused(there.add_negative(CLEAR, note="a\x00b"))
    assert nul.violations[0].reason == "CONTROL_CHARACTERS"
    empty = await refused(there.add_negative("🚤🔥"))
    assert empty.violations[0].reason == "NO_WORDS"
    odd = await there.learn("a\x00b c d e f g h i j")
    assert odd.changed


async def test_only_the_worker_learns_and_only_people_list(there: Classification) -> None:
    as_worker = pb_grpc.SignalBankServiceStub(there.worker)
    for call in (
        as_worker.ListSignals(pb.ListSignalsRequest(), timeout=5),
        as_worker.WithdrawSignal(
            pb.WithdrawSignalRequest(signal_id=str(uuid.uuid4()), note="x"), timeout=5
        ),
        there.people.LearnSignal(statement(CLEAR), timeout=5),
    ):
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await call
        assert caught.value.code() is grpc.StatusCode.PERMISSION_DENIED


async def test_referrals_that_share_a_text_or_a_contact_are_suggested_as_one(
    there: Classification,
) -> None:
    ids = [str(uuid.uuid4()) for _ in range(6)]
    near = CLEAR.replace("Friday", "Monday")
    await there.learn(CLEAR, UNDECIDED, referral_id=ids[0], platform="tiktok")
    await there.learn(near, UNDECIDED, referral_id=ids[1], campaign_id="spring")
    await there.learn("Ask on WhatsApp 07700 900123", UNDECIDED, referral_id=ids[2])
    await there.learn("Something else altogether, nobody knows it", referral_id=ids[3])
    await there.learn(CLEAR, NOT_ADVERT, referral_id=ids[4])
    await there.learn(CLEAR, UNDECIDED, referral_id=ids[5], test=True)
    request = pb.ListCampaignSuggestionsRequest()
    answer = await there.people.ListCampaignSuggestions(request, timeout=10)
    [found] = answer.suggestions
    assert set(found.referral_ids) == set(ids[:3])
    assert list(found.shared) == ["TEXT", "CONTACT"]
    assert (list(found.platforms), list(found.campaign_ids)) == (["tiktok", "x"], ["spring"])
    assert answer.next_page_token == ""


async def test_suggestions_come_in_pages_largest_first(there: Classification) -> None:
    for size in (2, 4, 3):
        for _ in range(size):
            await there.learn(f"Our number is +44 7700 90012{size}", UNDECIDED)
    request, sizes = pb.ListCampaignSuggestionsRequest(page_size=1), []
    while True:
        page = await there.people.ListCampaignSuggestions(request, timeout=10)
        sizes += [len(one.referral_ids) for one in page.suggestions]
        request.page_token = page.next_page_token
        if not page.next_page_token:
            break
    assert sizes == [4, 3, 2]
