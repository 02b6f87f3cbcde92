"""Promises of a run that feeds the signal bank; each also without the worker's cache."""

from __future__ import annotations

import uuid
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from temporalio import activity
from temporalio.client import WorkflowHandle
from temporalio.exceptions import ApplicationError
from temporalio.testing import WorkflowEnvironment
from temporalio.worker import Worker
from temporalio.worker.workflow_sandbox import SandboxedWorkflowRunner

from tests.workflow.conftest import UNCACHED
from workflows import sweep_contracts
from workflows.signal_bank import SignalBankWorkflow, since_when
from workflows.sweep_contracts import (
    BankSurvey,
    FedSignalBank,
    FeedSignalBank,
    LearnPageRequest,
    LearntPage,
)
from workflows.worker import SANDBOX

TOLD = "2026-05-01T10:00:00+00:00"


@dataclass
class Books:
    """A record in pages of two, and a bank that takes what it is told."""

    referrals: Sequence[str] = ()
    served: bool = True
    told: str = ""
    # How many calls fail before they do anything, and how many answers are lost after it.
    failures: int = 0
    lost: int = 0
    pause: timedelta | None = None
    bank: list[str] = field(default_factory=list)
    asked: list[LearnPageRequest] = field(default_factory=list)

    @activity.defn(name=sweep_contracts.ACTIVITY_SURVEY_SIGNAL_BANK)
    async def survey(self) -> BankSurvey:
        self._fail()
        return BankSurvey(self.served, self.told)

    @activity.defn(name=sweep_contracts.ACTIVITY_LEARN_PAGE)
    async def learn(self, request: LearnPageRequest) -> LearntPage:
        self._fail()
        self.asked.append(request)
        first = int(request.page_token or 0)
        page = self.referrals[first : first + 2]
        new = [one for one in page if one not in self.bank]
        self.bank += new
        if self.lost:
            self.lost -= 1
            raise ApplicationError("the answer is lost")
        more = str(first + 2) if first + 2 < len(self.referrals) else ""
        return LearntPage(len(page), len(new), 0, more)

    def _fail(self) -> None:
        if self.failures:
            self.failures -= 1
            raise ApplicationError("the bank is away", next_retry_delay=self.pause)


@asynccontextmanager
async def serving(
    environment: WorkflowEnvironment, books: Books, queue: str, cache: int
) -> AsyncIterator[None]:
    async with Worker(
        environment.client,
        task_queue=queue,
        workflows=[SignalBankWorkflow],
        activities=[books.survey, books.learn],
        workflow_runner=SandboxedWorkflowRunner(restrictions=SANDBOX),
        max_cached_workflows=cache,
    ):
        yield


async def start(
    environment: WorkflowEnvironment, queue: str, **given: Any
) -> WorkflowHandle[Any, FedSignalBank]:
    cron = given.pop("cron", "")
    return await environment.client.start_workflow(
        sweep_contracts.SIGNAL_BANK_WORKFLOW, FeedSignalBank(**given), id=str(uuid.uuid4()),
        task_queue=queue, result_type=FedSignalBank, cron_schedule=cron,
    )  # fmt: skip


async def run(
    environment: WorkflowEnvironment, books: Books, cache: int, **given: Any
) -> FedSignalBank:
    queue = f"bank-{uuid.uuid4()}"
    async with serving(environment, books, queue, cache):
        handle = await start(environment, queue, **given)
        return await handle.result()


def some(count: int) -> list[str]:
    return [str(number) for number in range(count)]


async def test_an_empty_bank_is_told_everything_whatever_fails(
    environment: WorkflowEnvironment, cache: int
) -> None:
    books = Books(some(9), failures=3, lost=2)
    found = await run(environment, books, cache)
    assert sorted(books.bank) == some(9)
    assert (found.served, found.since, found.referrals) == (True, "", 9)
    assert [request.page_token for request in books.asked] == ["", "", "", "2", "4", "6", "8"]
    # What a lost answer told is not counted as new twice.
    assert found.changed == 7


async def test_a_bank_that_is_not_there_is_left_alone(
    environment: WorkflowEnvironment, cache: int
) -> None:
    books = Books(some(3), served=False)
    assert await run(environment, books, cache) == FedSignalBank("", "", served=False)
    assert books.asked == []


async def test_a_long_run_goes_on_as_new_where_it_was(
    environment: WorkflowEnvironment, cache: int
) -> None:
    books = Books(some(11), told=TOLD)
    found = await run(environment, books, cache, pages_per_run=2)
    assert sorted(books.bank) == sorted(some(11))
    assert (found.referrals, found.changed) == (11, 11)
    assert [request.page_token for request in books.asked] == ["", "2", "4", "6", "8", "10"]
    assert {request.begun_at for request in books.asked} == {found.begun_at}


async def test_a_run_goes_on_with_a_worker_that_comes_after(
    environment: WorkflowEnvironment,
) -> None:
    # The test server keeps a task for the worker that had the run in its cache, and waits.
    cache = UNCACHED
    queue = f"bank-{uuid.uuid4()}"
    books = Books(some(6), failures=2, pause=timedelta(minutes=1))
    async with serving(environment, books, queue, cache):
        handle = await start(environment, queue)
        with environment.auto_time_skipping_disabled():
            while books.failures == 2:
                await environment.sleep(0.02)
            # The next attempt is a minute away: nobody is left in the middle of one.
    async with serving(environment, books, queue, cache):
        found = await handle.result()
    assert sorted(books.bank) == some(6)
    assert found.referrals == 6


async def test_the_next_run_reads_what_changed_since_the_last_whole_one(
    environment: WorkflowEnvironment, cache: int
) -> None:
    queue = f"bank-{uuid.uuid4()}"
    books = Books(some(2), told=TOLD)
    async with serving(environment, books, queue, cache):
        handle = await start(environment, queue, cron="* * * * *", overlap=60.0)
        with environment.auto_time_skipping_disabled():
            while len(books.asked) < 1:
                await environment.sleep(0.02)
        await environment.sleep(timedelta(seconds=130))
        await handle.terminate()
    first, second = books.asked[:2]
    assert first.since == ""
    assert moment(second.since) == moment(TOLD) - timedelta(seconds=60)


def test_only_what_a_whole_run_vouches_for_is_left_out() -> None:
    whole = FedSignalBank("2026-05-01T09:00:00+00:00", "", served=True)
    later = FedSignalBank("2026-05-01T11:00:00+00:00", "", served=True)
    never = FedSignalBank("", "", served=False)
    assert moment(since_when(TOLD, whole, 600)) == datetime(2026, 5, 1, 8, 50, tzinfo=UTC)
    assert moment(since_when(TOLD, later, 600)) == datetime(2026, 5, 1, 9, 50, tzinfo=UTC)
    for told, before in (("", whole), (TOLD, None), (TOLD, never)):
        assert since_when(told, before, 600) == ""


def moment(text: str) -> datetime:
    return datetime.fromisoformat(text)


@pytest.mark.parametrize("name", ["SignalBankWorkflow"])
def test_no_content_has_a_place_in_the_history(name: str) -> None:
    assert name == sweep_contracts.SIGNAL_BANK_WORKFLOW
    for payload in (FeedSignalBank, FedSignalBank, BankSurvey, LearnPageRequest, LearntPage):
        assert not {"text", "url", "account", "phone"} & set(payload.__dataclass_fields__)
