"""SignalBankWorkflow: states to the signal bank what the record says of content now.

The history holds counts, times and page tokens; content passes from the record to the bank
inside activities (docs/decisions/0021).
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

from temporalio import workflow

with workflow.unsafe.imports_passed_through():
    from workflows import sweep_contracts, sweeps
    from workflows.progress import stamp
    from workflows.sweep_contracts import (
        BankSurvey,
        FedSignalBank,
        FeedSignalBank,
        LearnPageRequest,
        LearntPage,
    )

_PAGE_DEADLINE = timedelta(minutes=3)


@workflow.defn(name=sweep_contracts.SIGNAL_BANK_WORKFLOW)
class SignalBankWorkflow:
    @workflow.run
    async def run(self, given: FeedSignalBank) -> FedSignalBank:
        if not given.begun_at:
            survey = await sweeps.call(
                sweep_contracts.ACTIVITY_SURVEY_SIGNAL_BANK, None, BankSurvey
            )
            begun = stamp(workflow.now())
            before = workflow.get_last_completion_result(FedSignalBank)
            if not survey.served:
                # Not begun_at: nothing was told, so nothing is vouched for.
                return FedSignalBank(before.begun_at if before else "", "", served=False)
            since = since_when(survey.last_source_time, before, given.overlap)
            given = replace(
                given, begun_at=begun, since=since, last_source_time=survey.last_source_time
            )
        return await self._pages(given)

    async def _pages(self, given: FeedSignalBank) -> FedSignalBank:
        pages = 0
        while True:
            request = LearnPageRequest(
                given.page_token, given.since, given.begun_at, given.last_source_time
            )
            page = await sweeps.call(
                sweep_contracts.ACTIVITY_LEARN_PAGE, request, LearntPage, _PAGE_DEADLINE
            )
            given = replace(
                given,
                page_token=page.next_page_token,
                referrals=given.referrals + page.referrals,
                changed=given.changed + page.changed,
                refused=given.refused + page.refused,
            )
            if not page.next_page_token:
                return FedSignalBank(
                    given.begun_at, given.since, True, given.referrals, given.changed,
                    given.refused,
                )  # fmt: skip
            pages += 1
            if pages >= given.pages_per_run:
                workflow.continue_as_new(given)


def since_when(told: str, before: FedSignalBank | None, overlap: float) -> str:
    """From which change on the record is read again; "" for all of it.

    Pages come newest first, so a run that broke off has told the newest and not all before it:
    the bank's word counts only as far as a whole run vouches for it.
    """
    if not told or before is None or not before.begun_at:
        return ""
    known = min(datetime.fromisoformat(told), datetime.fromisoformat(before.begun_at))
    return stamp(known - timedelta(seconds=overlap))
