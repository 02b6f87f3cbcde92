"""Promises of reconciliation against a real record and a real Temporal server."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from temporalio.client import Client
from temporalio.worker import Worker

from services.kernel.ids import notice_id_text, platform_event_item
from takedown.intake.v1 import casework_service_pb2 as casework_pb
from takedown.intake.v1 import referral_service_pb2 as pb
from takedown.referral.v1 import enums_pb2 as enums
from takedown.referral.v1 import event_pb2, platform_event_pb2
from tests.fakes.changed import ChangedWorkflow
from tests.integration.intake.lives import ANN, append, closed, created, hold
from tests.integration.workflows.conftest import Desk, run_id
from tests.integration.workflows.lives import notified, of_the_worker
from workflows import contracts, schedules, sweep_contracts
from workflows.activities.comparing import known_numbers
from workflows.activities.reconciliation import ReconciliationActivities
from workflows.activities.restoring import Restoring
from workflows.referral import ReferralWorkflow
from workflows.sweep_contracts import CompareRequest, ReconciliationReport, Tracked, TrackRequest
from workflows.worker import runner

pytestmark = pytest.mark.timeout(60)


async def tracked(desk: Desk, heartbeat: Any = None, **changes: Any) -> Tracked:
    values: dict[str, Any] = {
        "page_token": "", "dry_run": False, "starts_per_second": 500.0, "seed": "seed",
        "sample": 50, "created_before": (datetime.now(UTC) + timedelta(seconds=5)).isoformat(),
    }  # fmt: skip
    request = TrackRequest(**{**values, **changes})
    found: Tracked = await desk.run(desk.activities.track_page, request, heartbeat)
    return found


async def test_what_has_no_workflow_is_started_from_the_record_once(desk: Desk) -> None:
    lost, kept = await notified(desk, 1), await created(desk.intake, 2)
    await desk.start_as_the_relay_does(kept)
    found = await tracked(desk)
    assert (found.open_referrals, found.missing, found.started) == (2, [lost], 1)
    assert [item for _, item in found.sample] == [kept]
    start = await desk.start_of(lost)
    assert start.carried is not None
    assert start.carried["state"] == "AWAITING_ACKNOWLEDGEMENT"
    assert (start.carried["notice_number"], start.carried["recorded"]) == (1, 4)
    # The profile's own deadlines, not the defaults.
    assert start.carried["policy"]["acknowledgement"] == 7 * 3600
    assert (await tracked(desk)).missing == []


async def test_a_workflow_that_was_ended_by_hand_is_started_again(desk: Desk) -> None:
    referral_id = await created(desk.intake, 3)
    await desk.start_as_the_relay_does(referral_id)
    handle = desk.temporal.get_workflow_handle(contracts.workflow_id(referral_id))
    await handle.terminate()
    assert (await tracked(desk)).started == 1
    described = await desk.described(referral_id)
    assert described.status is not None
    assert described.status.name == "RUNNING"


async def test_a_dry_run_and_a_closed_referral_start_nothing(desk: Desk) -> None:
    lost, over = await created(desk.intake, 4), await created(desk.intake, 5)
    await closed(desk.intake, over)
    found = await tracked(desk, dry_run=True)
    assert (found.open_referrals, found.missing, found.started) == (1, [lost], 0)
    assert (await tracked(desk, dry_run=True)).missing == [lost]


async def test_a_prepared_notice_goes_on_as_the_same_notice(desk: Desk) -> None:
    referral_id = await notified(desk, 6, delivered=False)
    await tracked(desk)
    carried = (await desk.start_of(referral_id)).carried or {}
    assert (carried["state"], carried["notice_number"]) == ("NOTIFYING", 1)
    assert carried["notice_id"] == notice_id_text(referral_id, 1)
    assert carried["prepared_at"]


async def test_an_answer_the_lost_workflow_had_taken_is_delivered_again(desk: Desk) -> None:
    referral_id = await notified(desk, 7)
    said = platform_event_pb2.PlatformEvent(
        platform="x", event_id="e-9", notice_id=notice_id_text(referral_id, 1),
        type=enums.PLATFORM_EVENT_TYPE_ACKNOWLEDGEMENT, message="words of the platform",
    )  # fmt: skip
    said.occur_time.FromDatetime(datetime.now(UTC))
    desk.adapter.answers = [said]
    await tracked(desk)
    carried = (await desk.start_of(referral_id)).carried or {}
    (pending,) = carried["pending"]
    assert pending["item_id"] == platform_event_item("x", "e-9")
    assert pending["answer"]["type"] == "ACKNOWLEDGEMENT"
    history = await desk.temporal.get_workflow_handle(
        contracts.workflow_id(referral_id)
    ).fetch_history()
    assert "words of" not in history.to_json()


async def test_a_hold_that_was_asked_for_is_kept(desk: Desk) -> None:
    referral_id = await created(desk.intake, 8)
    await desk.intake.casework(ANN).PlaceHold(hold(referral_id), timeout=5)
    await tracked(desk)
    carried = (await desk.start_of(referral_id)).carried or {}
    (pending,) = carried["pending"]
    assert (pending["kind"], pending["command"]["reason"]) == ("hold.placed", "SURVEILLANCE")
    assert pending["item_id"] in carried["seen"]


async def test_while_the_adapter_is_away_what_was_notified_waits_for_the_next_run(
    desk: Desk,
) -> None:
    out, waiting = await notified(desk, 9), await created(desk.intake, 10)
    desk.adapter.away = True
    found = await tracked(desk)
    assert sorted(found.missing) == sorted([out, waiting])
    assert (found.started, found.failed) == (1, 1)
    desk.adapter.away = False
    assert (await tracked(desk)).missing == [out]


async def test_an_attempt_goes_on_where_the_one_before_broke_off(desk: Desk) -> None:
    first = await created(desk.intake, 11)
    await desk.start_as_the_relay_does(first)
    second = await created(desk.intake, 12)
    found = await tracked(desk, heartbeat=[first])
    assert (sorted(found.missing), found.started) == (sorted([first, second]), 2)


async def test_pages_cover_every_open_referral_and_starts_are_paced(desk: Desk) -> None:
    ids = [await created(desk.intake, 20 + number) for number in range(6)]
    begun = asyncio.get_running_loop().time()
    found = await tracked(desk, starts_per_second=10.0)
    assert sorted(found.missing) == sorted(ids)
    assert asyncio.get_running_loop().time() - begun >= 0.5


async def test_a_record_that_says_otherwise_than_its_workflow_is_found(desk: Desk) -> None:
    referral_id = await notified(desk, 30)
    await tracked(desk)
    async with referral_worker(desk.temporal):
        # A moment later the workflow has said nothing new, and both agree.
        request = CompareRequest([referral_id])
        agreed = await desk.run(desk.activities.compare_with_record, request)
        assert (agreed.compared, agreed.differing) == (1, [])
        await append(
            desk.intake, referral_id, of_the_worker(99, "ACKNOWLEDGED", "AWAITING_DECISION")
        )
        differs = await desk.run(desk.activities.compare_with_record, request)
        assert differs.differing == [referral_id]


class MovesOn(Restoring):
    """Reads a record that gets one more event as soon as it was read the first time."""

    def __init__(self, desk: Desk, move: Callable[[], Awaitable[None]]) -> None:
        super().__init__(desk.intake.channel("service/worker"), {}, time_scale=1.0)
        self._moves = [move]

    async def events(self, referral_id: str) -> list[event_pb2.ReferralEvent]:
        found = await super().events(referral_id)
        if self._moves:
            await self._moves.pop()()
        return found


async def test_what_moves_on_while_its_workflow_is_asked_is_not_compared(desk: Desk) -> None:
    referral_id = await notified(desk, 31)
    await tracked(desk)

    async def move(number: int) -> None:
        event = of_the_worker(number, "ACKNOWLEDGED", "AWAITING_DECISION")
        await append(desk.intake, referral_id, event)

    await move(98)
    worker = desk.intake.channel("service/worker")
    moving = MovesOn(desk, lambda: move(99))
    activities = ReconciliationActivities(desk.temporal, worker, [], moving)
    async with referral_worker(desk.temporal):
        request = CompareRequest([referral_id])
        compared = await desk.run(activities.compare_with_record, request)
        assert (compared.compared, compared.differing) == (0, [])
        assert compared.unsettled == [referral_id]
        # Read again while nothing moves, it is one.
        assert (await desk.run(activities.compare_with_record, request)).differing == [referral_id]


async def test_a_workflow_that_does_not_replay_is_found_and_stops_no_run(desk: Desk) -> None:
    referral_id = await notified(desk, 32)
    await tracked(desk)
    request = CompareRequest([referral_id])
    async with referral_worker(desk.temporal):
        agreed = await desk.run(desk.activities.compare_with_record, request)
        assert (agreed.compared, agreed.differing) == (1, [])
    async with referral_worker(desk.temporal, ChangedWorkflow):
        spoilt = await desk.run(desk.activities.compare_with_record, request)
        assert (spoilt.compared, spoilt.differing) == (1, [referral_id])


def test_what_a_lost_task_recorded_is_no_divergence() -> None:
    keys = ["s/1", "w/1/ASSESSED", "w/2/HOLD_PLACED/a", "w/3/OBSERVED", "w/2/CLOSED", "late/1"]
    events = [event_pb2.ReferralEvent(event_key=key) for key in keys]
    assert known_numbers(events) == {2, 3}
    assert known_numbers(events[:1]) == {0}


async def test_the_report_is_stored_and_shown(desk: Desk) -> None:
    report = ReconciliationReport(
        run_id(), False, datetime.now(UTC).isoformat(), open_referrals=5, missing=2,
        missing_workflows=("a", "b"), started_workflows=2, compared=3, divergent=("c",),
    )  # fmt: skip
    for _ in range(2):
        await desk.run(desk.activities.report_reconciliation, report)
    answer = await desk.intake.casework().GetReconciliation(
        casework_pb.GetReconciliationRequest(), timeout=5
    )
    shown = answer.reconciliation
    assert shown.reconciliation_id == report.reconciliation_id
    assert (shown.missing, list(shown.divergent), shown.compared) == (2, ["c"], 3)


async def test_only_the_worker_is_shown_the_keys_of_events(desk: Desk) -> None:
    referral_id = await notified(desk, 40)
    request = pb.ListReferralEventsRequest(referral_id=referral_id)
    keys = {}
    for who in ("service/worker", "operator/ann", "referrer/nca"):
        events = await desk.intake.referrals(who).ListReferralEvents(request, timeout=5)
        keys[who] = {event.event_key for event in events.events}
    assert {"w/2/DISPATCH_APPROVED", "w/3/NOTICE_PREPARED", "w/4/NOTICE_DELIVERED"} < keys[
        "service/worker"
    ]
    assert keys["operator/ann"] == keys["referrer/nca"] == {""}


# --- the schedule -------------------------------------------------------------------------


async def test_the_schedule_is_there_once_and_follows_the_scale(temporal: Client) -> None:
    for _ in range(2):
        await schedules.ensure(temporal, 1.0)
    handle = temporal.get_schedule_handle(schedules.SCHEDULE)
    (every,) = (await handle.describe()).schedule.spec.intervals
    assert every.every == timedelta(minutes=10)
    await schedules.ensure(temporal, 1e-4)
    (every,) = (await handle.describe()).schedule.spec.intervals
    assert every.every == timedelta(seconds=30)
    await handle.pause()
    await schedules.ensure(temporal, 1e-4)
    assert (await handle.describe()).schedule.state.paused
    await handle.delete()


async def test_a_run_that_is_delivered_twice_is_one_run(temporal: Client) -> None:
    wanted = run_id()
    for _ in range(2):
        await schedules.run_once(temporal, wanted, True, 1.0)
    handle = temporal.get_workflow_handle(sweep_contracts.reconciliation_workflow_id(wanted))
    assert (await handle.describe()).task_queue == sweep_contracts.RECONCILIATION_QUEUE
    await handle.terminate()
    await schedules.run_once(temporal, wanted, True, 1.0)
    described = await handle.describe()
    assert described.status is not None
    assert described.status.name == "TERMINATED"


def referral_worker(client: Client, kind: type = ReferralWorkflow) -> Any:
    """A worker that answers queries on the referrals' queue, with no activities to run."""
    return Worker(
        client, task_queue=contracts.REFERRALS_QUEUE, workflows=[kind],
        workflow_runner=runner(sandbox=False),
    )  # fmt: skip
