"""Promises of a reconciliation run; each also without the worker's cache."""

from __future__ import annotations

import uuid
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from temporalio import activity
from temporalio.exceptions import ApplicationError
from temporalio.testing import WorkflowEnvironment
from temporalio.worker import Worker
from temporalio.worker.workflow_sandbox import SandboxedWorkflowRunner

from workflows import sweep_contracts
from workflows.activities.reconciliation import sample_of
from workflows.reconcile import ReconcileWorkflow
from workflows.sweep_contracts import (
    Compared,
    CompareRequest,
    Reconcile,
    ReconciliationReport,
    Requeued,
    RequeueRequest,
    Tracked,
    TrackRequest,
)
from workflows.worker import SANDBOX


@dataclass
class Books:
    """A record and its workflows in memory, in pages of ``page``."""

    referrals: list[str]
    page: int = 10
    lost: set[str] = field(default_factory=set)
    # How many looks find a referral at odds with its workflow.
    at_odds: dict[str, int] = field(default_factory=dict)
    # How many looks cannot tell, since the referral moves on meanwhile; they come first.
    moving: dict[str, int] = field(default_factory=dict)
    unmatched: int = 0
    failures: int = 0
    starts: list[str] = field(default_factory=list)
    compared: list[list[str]] = field(default_factory=list)
    asked: list[TrackRequest] = field(default_factory=list)
    reports: list[ReconciliationReport] = field(default_factory=list)

    @activity.defn(name=sweep_contracts.ACTIVITY_REQUEUE_UNMATCHED)
    async def requeue(self, request: RequeueRequest) -> Requeued:
        return Requeued(self.unmatched, 0 if request.dry_run else self.unmatched)

    @activity.defn(name=sweep_contracts.ACTIVITY_TRACK_PAGE)
    async def track(self, request: TrackRequest) -> Tracked:
        if self.failures:
            self.failures -= 1
            raise ApplicationError("the record is away")
        self.asked.append(request)
        first = int(request.page_token or 0)
        page = self.referrals[first : first + self.page]
        missing = [item for item in page if item in self.lost]
        started = 0 if request.dry_run else len(missing)
        if not request.dry_run:
            self.starts += missing
            self.lost -= set(missing)
        more = str(first + self.page) if first + self.page < len(self.referrals) else ""
        tracked = [item for item in page if item not in missing]
        sample = sample_of(tracked, request.seed, request.sample)
        return Tracked(len(page), missing, started, 0, sample, more)

    @activity.defn(name=sweep_contracts.ACTIVITY_COMPARE)
    async def compare(self, request: CompareRequest) -> Compared:
        self.compared.append(request.referral_ids)
        unsettled = [item for item in request.referral_ids if self.moving.get(item, 0) > 0]
        for item in unsettled:
            self.moving[item] -= 1
        settled = [item for item in request.referral_ids if item not in unsettled]
        differing = [item for item in settled if self.at_odds.get(item, 0) > 0]
        for item in differing:
            self.at_odds[item] -= 1
        return Compared(len(settled), differing, unsettled)

    @activity.defn(name=sweep_contracts.ACTIVITY_REPORT_RECONCILIATION)
    async def report(self, report: ReconciliationReport) -> None:
        self.reports.append(report)


async def run(
    environment: WorkflowEnvironment, books: Books, cache: int, given: Reconcile
) -> ReconciliationReport:
    queue = f"reconciliation-{uuid.uuid4()}"
    async with Worker(
        environment.client,
        task_queue=queue,
        workflows=[ReconcileWorkflow],
        activities=[books.requeue, books.track, books.compare, books.report],
        workflow_runner=SandboxedWorkflowRunner(restrictions=SANDBOX),
        max_cached_workflows=cache,
    ):
        found: ReconciliationReport = await environment.client.execute_workflow(
            sweep_contracts.RECONCILE_WORKFLOW, given, id=str(uuid.uuid4()), task_queue=queue,
            result_type=ReconciliationReport,
        )  # fmt: skip
    assert books.reports == [found]
    return found


def some(count: int) -> list[str]:
    return [str(uuid.uuid5(uuid.NAMESPACE_OID, str(number))) for number in range(count)]


async def test_every_open_referral_is_tracked_and_the_report_says_what_was_done(
    environment: WorkflowEnvironment, cache: int
) -> None:
    ids = some(35)
    books = Books(ids, lost={ids[3], ids[30]}, unmatched=4, failures=2)
    run_id = str(uuid.uuid4())
    found = await run(environment, books, cache, Reconcile(run_id, sample=10))
    assert sorted(books.starts) == sorted([ids[3], ids[30]])
    assert (found.reconciliation_id, found.open_referrals, found.missing) == (run_id, 35, 2)
    assert set(found.missing_workflows) == {ids[3], ids[30]}
    assert (found.started_workflows, found.unmatched_events, found.matched_events) == (2, 4, 4)
    assert (found.compared, found.divergent) == (10, ())


async def test_a_dry_run_counts_and_does_nothing(
    environment: WorkflowEnvironment, cache: int
) -> None:
    ids = some(12)
    books = Books(ids, lost=set(ids[:5]), unmatched=3)
    found = await run(environment, books, cache, Reconcile(dry_run=True))
    assert books.starts == []
    assert (found.missing, found.started_workflows, found.matched_events) == (5, 0, 0)
    assert found.dry_run
    assert uuid.UUID(found.reconciliation_id)


async def test_the_sample_is_the_runs_own_whatever_the_pages(
    environment: WorkflowEnvironment, cache: int
) -> None:
    ids = some(47)
    run_id = str(uuid.uuid4())
    books = Books(ids)
    await run(environment, books, cache, Reconcile(run_id, sample=9))
    assert sorted(books.compared[0]) == sorted(i for _, i in sample_of(ids, run_id, 9))
    assert sample_of(ids, "another", 9) != sample_of(ids, run_id, 9)


async def test_only_what_differs_twice_is_divergent(
    environment: WorkflowEnvironment, cache: int
) -> None:
    ids = some(8)
    books = Books(ids, at_odds={ids[0]: 1, ids[1]: 2})
    found = await run(environment, books, cache, Reconcile())
    assert found.divergent == (ids[1],)
    assert sorted(books.compared[1]) == sorted(ids[:2])


async def test_what_moves_on_is_looked_at_again_and_differing_once_is_not_divergent(
    environment: WorkflowEnvironment, cache: int
) -> None:
    ids = some(8)
    agrees, differs, moves = ids[:3]
    books = Books(ids, at_odds={differs: 1}, moving={agrees: 1, differs: 1, moves: 2})
    found = await run(environment, books, cache, Reconcile())
    assert sorted(books.compared[1]) == sorted(ids[:3])
    assert (found.compared, found.divergent) == (6, ())


async def test_what_is_too_young_is_left_to_the_relay(
    environment: WorkflowEnvironment, cache: int
) -> None:
    books = Books(some(3))
    found = await run(environment, books, cache, Reconcile(minimum_age=90))
    ages = datetime.fromisoformat(found.requested_at) - datetime.fromisoformat(
        books.asked[0].created_before
    )
    assert ages.total_seconds() == 90


async def test_the_report_names_a_thousand_and_counts_all(
    environment: WorkflowEnvironment, cache: int
) -> None:
    ids = some(1100)
    books = Books(ids, page=500, lost=set(ids))
    found = await run(environment, books, cache, Reconcile(dry_run=True))
    assert (len(found.missing_workflows), found.missing) == (1000, 1100)


def test_a_sample_needs_no_luck_and_no_order() -> None:
    ids: list[Any] = some(100)
    assert sample_of(ids, "seed", 7) == sample_of(reversed(ids), "seed", 7)
    assert len(sample_of(ids[:3], "seed", 7)) == 3
