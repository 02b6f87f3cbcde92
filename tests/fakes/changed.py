"""Under the name of the referral's workflow, one that does something else: a careless change."""

from __future__ import annotations

from datetime import timedelta

from temporalio import workflow

from workflows import contracts
from workflows.contracts import StartReferral


@workflow.defn(name=contracts.WORKFLOW, sandboxed=False)
class ChangedWorkflow:
    """Has another first step, and so replays nothing that the real one did."""

    @workflow.run
    async def run(self, start: StartReferral) -> str:
        await workflow.sleep(timedelta(seconds=1))
        return start.referral_id
