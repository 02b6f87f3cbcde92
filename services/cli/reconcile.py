"""``takedown reconcile``: hold record, inboxes and workflows together, and print what was found."""

from __future__ import annotations

import asyncio
import time
from typing import Annotated, Any, Final

import typer

from services.cli.casework import DEFAULT_OPERATOR, RequestId, new_id
from services.cli.output import EXIT_UNAVAILABLE, Failure, as_json, print_json, print_table, run
from services.cli.profile import Profile
from services.cli.referral import DEADLINE, As, Json
from takedown.intake.v1 import casework_service_pb2 as pb
from takedown.intake.v1.casework_service_pb2_grpc import CaseworkServiceStub

POLL_SECONDS: Final = 0.5


def reconcile(
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Only say what would be done.")
    ] = False,
    timeout: Annotated[float, typer.Option(min=1, max=3600, help="Seconds to wait.")] = 120.0,
    request_id: RequestId = "",
    identity: As = DEFAULT_OPERATOR,
    json_output: Json = False,
) -> None:
    """Match what matched nothing, start what was never started, compare record and workflows."""

    async def work() -> pb.Reconciliation:
        request = pb.RequestReconciliationRequest(request_id=new_id(request_id), dry_run=dry_run)
        async with Profile.read().channel("intake", identity) as channel:
            stub = CaseworkServiceStub(channel)
            asked = await stub.RequestReconciliation(request, timeout=DEADLINE)
            return await _report(stub, asked.reconciliation_id, timeout, request.request_id)

    found = run(work())
    if json_output:
        print_json(as_json(found))
    else:
        print_table("", ("", ""), _facts(found))


async def _report(stub: Any, run_id: str, timeout: float, request_id: str) -> pb.Reconciliation:
    """The run's report, once there is one.

    Raises:
        Failure: the time is over; the sentence says how to go on waiting.
    """
    until = time.monotonic() + timeout
    request = pb.GetReconciliationRequest(reconciliation_id=run_id)
    while True:
        found = await stub.GetReconciliation(request, timeout=DEADLINE)
        if found.reconciliation.HasField("finish_time"):
            report: pb.Reconciliation = found.reconciliation
            return report
        if time.monotonic() >= until:
            raise Failure(
                f"The run {run_id} has no report after {timeout:g} s. Does the worker run?"
                " `takedown doctor` tells. Wait on with"
                f" `takedown reconcile --request-id {request_id}` and the same options.",
                EXIT_UNAVAILABLE,
            )
        await asyncio.sleep(min(POLL_SECONDS, max(0.0, until - time.monotonic())))


def _facts(found: pb.Reconciliation) -> list[tuple[str, str]]:
    would = "would be started" if found.dry_run else "started"
    return [
        ("run", found.reconciliation_id + (" (dry run)" if found.dry_run else "")),
        ("open referrals", str(found.open_referrals)),
        ("without a workflow", _ids(found.missing_workflows)),
        (would, str(len(found.missing_workflows) if found.dry_run else found.started_workflows)),
        ("platform events that matched nothing", str(found.unmatched_events)),
        ("handed out again and matched", str(found.matched_events)),
        ("record and workflow compared", str(found.compared)),
        ("of these differ", _ids(found.divergent)),
    ]


def _ids(ids: object) -> str:
    listed = list(ids)  # type: ignore[call-overload]
    return str(len(listed)) + "".join(f"\n{one}" for one in listed[:20])
