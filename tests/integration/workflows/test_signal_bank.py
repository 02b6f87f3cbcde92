"""Promises of feeding the signal bank from a real record into a real bank."""

from __future__ import annotations

import uuid
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import grpc
import pytest
from temporalio.client import Client
from temporalio.exceptions import ApplicationError
from temporalio.testing import ActivityEnvironment

from takedown.classification.v1 import signal_bank_service_pb2 as bank_pb
from takedown.referral.v1 import enums_pb2 as enums
from takedown.referral.v1 import referral_pb2
from tests.fakes.pki import Pki
from tests.integration.classification.bank import NOT_ADVERT, UNDECIDED, Classification
from tests.integration.classification.bank import serving as serving_bank
from tests.integration.conftest import MakeSchema
from tests.integration.intake.lives import ANN, created, decision, in_review
from tests.integration.intake.serving import Intake, serving
from workflows import schedules
from workflows.activities.signal_bank import PAGE_SIZE, Said, SignalBankActivities
from workflows.sweep_contracts import BankSurvey, LearnPageRequest, LearntPage


@dataclass
class Desk:
    intake: Intake
    bank: Classification
    activities: SignalBankActivities

    async def survey(self) -> BankSurvey:
        return await ActivityEnvironment().run(self.activities.survey_signal_bank)

    async def learn(self, since: str = "", token: str = "", told: str = "") -> LearntPage:
        request = LearnPageRequest(token, since, str(uuid.uuid4()), told)
        return await ActivityEnvironment().run(self.activities.learn_page, request)


@pytest.fixture
async def desk(pki: Pki, make_schema: MakeSchema) -> AsyncIterator[Desk]:
    async with AsyncExitStack() as stack:
        intake = await stack.enter_async_context(serving(pki, await make_schema("intake")))
        urls = await make_schema("classification")
        bank = await stack.enter_async_context(serving_bank(pki, urls))
        worker = intake.channel("service/worker")
        yield Desk(intake, bank, SignalBankActivities(worker, bank.worker))


async def test_what_a_reviewer_decides_is_stated_and_stated_again_when_it_changes(
    desk: Desk,
) -> None:
    assert await desk.survey() == BankSurvey(served=True)
    referral_id = await in_review(desk.intake)
    found = await desk.learn()
    assert (found.referrals, found.changed, found.refused) == (1, 1, 0)
    [signal] = await desk.bank.signals(referral_id=referral_id)
    assert signal.verdict == UNDECIDED
    rejected = decision(
        referral_id,
        decision=enums.REVIEW_DECISION_REJECT,
        reason=enums.REVIEW_REASON_NOT_AN_ADVERT,
    )
    await desk.intake.casework(ANN).DecideReview(rejected, timeout=5)
    assert (await desk.learn()).changed == 1
    [signal] = await desk.bank.signals(referral_id=referral_id)
    assert (signal.verdict, signal.provenance) == (NOT_ADVERT, enums.SIGNAL_PROVENANCE_REVIEW)
    assert (await desk.learn()).changed == 0


async def test_only_what_changed_since_is_read(desk: Desk) -> None:
    await created(desk.intake)
    soon = (datetime.now(UTC) + timedelta(minutes=1)).isoformat()
    before = (datetime.now(UTC) - timedelta(minutes=1)).isoformat()
    assert (await desk.learn(since=soon)).referrals == 0
    assert (await desk.learn(since=before)).changed == 1
    told = await desk.survey()
    assert told.last_source_time <= datetime.now(UTC).isoformat()


async def test_every_page_is_read(desk: Desk) -> None:
    for number in range(1, PAGE_SIZE + 3):
        await created(desk.intake, number)
    first = await desk.learn()
    assert (first.referrals, bool(first.next_page_token)) == (PAGE_SIZE, True)
    second = await desk.learn(token=first.next_page_token)
    assert (second.referrals, second.next_page_token) == (2, "")
    described = await desk.bank.people.DescribeSignalBank(
        bank_pb.DescribeSignalBankRequest(), timeout=5
    )
    assert dict(described.active) == {"UNDECIDED": PAGE_SIZE + 2}


async def test_a_page_that_the_bank_cannot_take_is_tried_again_and_loses_nothing(
    desk: Desk,
) -> None:
    await created(desk.intake)
    nobody = grpc.aio.insecure_channel("127.0.0.1:1")
    away = SignalBankActivities(desk.intake.channel("service/worker"), nobody)
    request = LearnPageRequest("", "", "now")
    with pytest.raises(ApplicationError, match="UNAVAILABLE"):
        await ActivityEnvironment().run(away.learn_page, request)
    await nobody.close()
    assert (await desk.learn()).changed == 1


async def test_a_bank_that_is_not_set_up_is_no_failure(desk: Desk) -> None:
    worker = desk.intake.channel("service/worker")
    # Intake serves no signal bank, like a classification without a database.
    activities = SignalBankActivities(worker, worker)
    found = await ActivityEnvironment().run(activities.survey_signal_bank)
    assert found == BankSurvey(served=False)


async def test_a_schedule_feeds_the_bank(temporal: Client) -> None:
    await schedules.ensure(temporal, 1.0)
    handle = temporal.get_schedule_handle(schedules.BANK_SCHEDULE)
    described = await handle.describe()
    [every] = described.schedule.spec.intervals
    assert every.every == timedelta(minutes=1)
    await schedules.ensure(temporal, 1e-4)
    [every] = (await handle.describe()).schedule.spec.intervals
    assert every.every == schedules.SHORTEST_BANK_INTERVAL
    await handle.delete()
    await temporal.get_schedule_handle(schedules.SCHEDULE).delete()


def referral(name: str, second: int) -> Any:
    made = referral_pb2.Referral(referral_id=name)
    made.update_time.FromSeconds(second)
    return made


def instant(second: int) -> str:
    return datetime.fromtimestamp(second, UTC).isoformat()


def test_what_was_said_is_not_said_again_while_the_bank_remembers_it() -> None:
    said = Said(most=2)
    said.begin("1", "")
    said.note(referral("a", 10))
    said.note(referral("b", 20))
    said.begin("2", instant(20))
    assert said.knows(referral("a", 10))
    assert not said.knows(referral("a", 11))
    # Pages of one run are told the same time, and what they say is newer.
    said.note(referral("c", 30))
    said.begin("2", instant(20))
    assert said.knows(referral("c", 30))
    assert not said.knows(referral("a", 10))
    for run, last in (("3", instant(29)), ("4", "")):
        said.note(referral("c", 30))
        said.begin(run, last)
        assert not said.knows(referral("c", 30))
