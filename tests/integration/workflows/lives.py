"""Referrals brought to where a test of workflows needs them, by events of the worker."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from services.kernel.ids import notice_id_text
from takedown.intake.v1 import record_service_pb2 as record_pb
from takedown.referral.v1 import enums_pb2 as enums
from takedown.referral.v1 import event_pb2, notice_pb2
from tests.integration.intake.lives import append, created
from tests.integration.workflows.conftest import Desk


def of_the_worker(number: int, name: str, state: str = "", **detail: Any) -> record_pb.NewEvent:
    """The workflow's n-th event."""
    made = event_pb2.ReferralEvent(
        type=event_pb2.ReferralEventType.Value(f"REFERRAL_EVENT_TYPE_{name}"),
        state=enums.ReferralState.Value(f"REFERRAL_STATE_{state or 'UNSPECIFIED'}"),
        actor="spiffe://takedown.internal/service/worker",
        **detail,
    )
    made.occur_time.FromDatetime(datetime.now(UTC))
    return record_pb.NewEvent(event_key=f"w/{number}/{name}", event=made)


async def notified(desk: Desk, number: int, *, delivered: bool = True) -> str:
    """A referral whose platform has, or is about to have, its first notice."""
    referral_id = await created(desk.intake, number)
    notice = notice_pb2.Notice(
        notice_id=notice_id_text(referral_id, 1), number=1, platform="x", referral_id=referral_id
    )
    notice.prepare_time.FromDatetime(datetime.now(UTC))
    events = [
        of_the_worker(2, "DISPATCH_APPROVED", "NOTIFYING"),
        of_the_worker(3, "NOTICE_PREPARED", "NOTIFYING", notice=notice),
    ]
    if delivered:
        name, state = "NOTICE_DELIVERED", "AWAITING_ACKNOWLEDGEMENT"
        events.append(of_the_worker(4, name, state, notice=notice))
    await append(desk.intake, referral_id, *events)
    return referral_id
