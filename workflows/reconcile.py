"""ReconcileWorkflow: nothing stays unmatched, untracked or at odds with the record.

Every run hands out again what matched no referral, starts what has no workflow from the
record, and compares a sample of the others with what the record says. The history holds ids
and counts only.
"""

from __future__ import annotations

import heapq
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Final

from temporalio import workflow

with workflow.unsafe.imports_passed_through():
    from workflows import sweep_contracts, sweeps
    from workflows.progress import stamp
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

# As many ids as the report names.
NAMED: Final = 1000
# A page of 500 at the slowest rate of starts that is allowed, and the reading before them.
_PAGE_DEADLINE = timedelta(minutes=10)


@workflow.defn(name=sweep_contracts.RECONCILE_WORKFLOW)
class ReconcileWorkflow:
    @workflow.run
    async def run(self, given: Reconcile) -> ReconciliationReport:
        begun = workflow.now()
        run_id = given.reconciliation_id or str(workflow.uuid4())
        report = ReconciliationReport(run_id, given.dry_run, stamp(begun))
        requeued = await sweeps.call(
            sweep_contracts.ACTIVITY_REQUEUE_UNMATCHED, RequeueRequest(given.dry_run), Requeued
        )
        report = replace(
            report, unmatched_events=requeued.unmatched, matched_events=requeued.requeued
        )
        report, sample = await self._track(given, report, begun)
        report = await self._compare(given, report, sample)
        await sweeps.call(sweep_contracts.ACTIVITY_REPORT_RECONCILIATION, report, type(None))
        return report

    async def _track(
        self, given: Reconcile, report: ReconciliationReport, begun: datetime
    ) -> tuple[ReconciliationReport, list[str]]:
        """Page through the open referrals; the sample is of those that were tracked."""
        before = stamp(begun - timedelta(seconds=given.minimum_age))
        seed, token = report.reconciliation_id, ""
        sample: list[tuple[str, str]] = []
        while True:
            request = TrackRequest(
                token, before, given.dry_run, given.starts_per_second, seed, given.sample
            )
            page = await sweeps.call(
                sweep_contracts.ACTIVITY_TRACK_PAGE, request, Tracked, _PAGE_DEADLINE
            )
            named = (*report.missing_workflows, *page.missing)[:NAMED]
            report = replace(
                report,
                open_referrals=report.open_referrals + page.open_referrals,
                missing=report.missing + len(page.missing),
                missing_workflows=named,
                started_workflows=report.started_workflows + page.started,
            )
            merged = [*sample, *((digest, found) for digest, found in page.sample)]
            sample = heapq.nsmallest(given.sample, merged)
            token = page.next_page_token
            if not token:
                return report, [referral_id for _, referral_id in sample]

    async def _compare(
        self, given: Reconcile, report: ReconciliationReport, sample: list[str]
    ) -> ReconciliationReport:
        """Two looks: what differs in both was not just on its way.

        What the first could not tell of counts as compared when the second finds that it agrees.
        """
        if not sample:
            return report
        first = await sweeps.call(
            sweep_contracts.ACTIVITY_COMPARE, CompareRequest(sample), Compared
        )
        doubtful = [*first.differing, *first.unsettled]
        if not doubtful:
            return replace(report, compared=first.compared)
        await workflow.sleep(given.second_look)
        again = await sweeps.call(
            sweep_contracts.ACTIVITY_COMPARE, CompareRequest(doubtful), Compared
        )
        agreeing = set(first.unsettled) - {*again.unsettled, *again.differing}
        return replace(
            report,
            compared=first.compared + len(agreeing),
            divergent=tuple(item for item in again.differing if item in first.differing),
        )
