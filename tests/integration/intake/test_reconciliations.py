"""Reconciliation: asked for by people, done by the worker, reported once."""

from __future__ import annotations

import asyncio
from typing import Any
from uuid import uuid4

from services.kernel.errors import ErrorKind
from takedown.intake.v1 import casework_service_pb2 as pb
from takedown.intake.v1 import record_service_pb2 as record_pb
from takedown.referral.v1 import enums_pb2 as enums
from tests.integration.intake.lives import (
    ahead,
    changes_nothing,
    closed,
    created,
    in_review,
    newest_item,
)
from tests.integration.intake.serving import Intake


async def _get(intake: Intake, run_id: str = "") -> pb.Reconciliation:
    request = pb.GetReconciliationRequest(reconciliation_id=run_id)
    answer = await intake.casework().GetReconciliation(request, timeout=5)
    run: pb.Reconciliation = answer.reconciliation
    return run


async def _report(intake: Intake, **report: Any) -> None:
    request = record_pb.RecordReconciliationRequest(reconciliation=pb.Reconciliation(**report))
    await intake.record().RecordReconciliation(request, timeout=5)


async def _open(intake: Intake, **request: Any) -> record_pb.ListOpenReferralsResponse:
    wanted = record_pb.ListOpenReferralsRequest(**request)
    answer: record_pb.ListOpenReferralsResponse = await intake.record().ListOpenReferrals(
        wanted, timeout=5
    )
    return answer


async def test_a_run_is_asked_for_once_and_its_report_shown(intake: Intake) -> None:
    request = pb.RequestReconciliationRequest(request_id=str(uuid4()), dry_run=True)
    stub = intake.casework()
    answers = await asyncio.gather(
        *[stub.RequestReconciliation(request, timeout=5) for _ in range(4)]
    )
    (run_id,) = {answer.reconciliation_id for answer in answers}
    item = await newest_item(intake)
    assert (item["kind"], item["referral_id"]) == ("reconciliation.requested", None)
    said = pb.Reconciliation.FromString(item["payload"])
    assert (said.reconciliation_id, said.dry_run) == (run_id, True)
    assert (await intake.counts())["inbox_items"] == 1
    running = await _get(intake, run_id)
    assert not running.HasField("finish_time")
    report = {"reconciliation_id": run_id, "dry_run": True, "missing_workflows": ["a"]}
    await _report(intake, open_referrals=7, **report)
    done = await _get(intake, run_id)
    assert (done.open_referrals, list(done.missing_workflows)) == (7, ["a"])
    assert done.HasField("finish_time")
    assert done.request_time == running.request_time
    # The first report of a run stands.
    await _report(intake, open_referrals=8, **report)
    assert await _get(intake, run_id) == done


async def test_a_run_by_schedule_is_reported_without_having_been_asked_for(intake: Intake) -> None:
    none = await changes_nothing(
        intake, intake.casework().GetReconciliation(pb.GetReconciliationRequest(), timeout=5)
    )
    assert (none.kind, none.reason) == (ErrorKind.NOT_FOUND, "RECONCILIATION_NOT_FOUND")
    for number in (1, 2):
        await _report(intake, reconciliation_id=str(uuid4()), compared=number)
    assert (await _get(intake)).compared == 2


async def test_a_report_of_no_run_is_refused(intake: Intake) -> None:
    request = record_pb.RecordReconciliationRequest(
        reconciliation=pb.Reconciliation(reconciliation_id="newest")
    )
    error = await changes_nothing(intake, intake.record().RecordReconciliation(request, timeout=5))
    assert error.violations[0].field == "reconciliation.reconciliation_id"


async def test_open_referrals_are_listed_by_pages_and_closed_ones_are_not(intake: Intake) -> None:
    ids = [await created(intake, 1), await in_review(intake, 2), await created(intake, 3)]
    gone = await created(intake, 4)
    await closed(intake, gone)
    await intake.starts_handed_over()
    first = await _open(intake, page_size=2)
    rest = await _open(intake, page_size=2, page_token=first.next_page_token)
    listed = [*first.referrals, *rest.referrals]
    assert [referral.referral_id for referral in listed] == sorted(ids)
    assert rest.next_page_token == ""
    second = next(r for r in listed if r.referral_id == ids[1])
    assert (second.state, second.last_sequence) == (enums.REFERRAL_STATE_IN_REVIEW, 3)
    assert not (await _open(intake, created_before=ahead(minutes=-1))).referrals
    assert len((await _open(intake, created_before=ahead(minutes=1))).referrals) == 3


async def test_a_referral_whose_start_still_waits_in_the_inbox_is_not_missing(
    intake: Intake,
) -> None:
    """Bulk waits there for its turn; a run that started it would let it overtake."""
    started = await created(intake, 1)
    await intake.starts_handed_over()
    await created(intake, 2)
    assert [r.referral_id for r in (await _open(intake)).referrals] == [started]
    await intake.starts_handed_over()
    assert len((await _open(intake)).referrals) == 2


async def test_only_operators_ask_and_only_the_worker_reports(intake: Intake) -> None:
    ask = pb.RequestReconciliationRequest(request_id=str(uuid4()))
    report = record_pb.RecordReconciliationRequest(
        reconciliation=pb.Reconciliation(reconciliation_id=str(uuid4()))
    )
    for call in (
        intake.casework("referrer/nca").RequestReconciliation(ask, timeout=5),
        intake.record("operator/ann").RecordReconciliation(report, timeout=5),
        intake.record("operator/ann").ListOpenReferrals(
            record_pb.ListOpenReferralsRequest(), timeout=5
        ),
    ):
        assert (await changes_nothing(intake, call)).kind is ErrorKind.PERMISSION_DENIED
