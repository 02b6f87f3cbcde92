"""A withdrawal reaches the platform once, whatever became of its notice."""

from __future__ import annotations

import asyncio
import json

import pytest

from services.kernel.errors import ErrorKind
from takedown.adapter.v1 import platform_adapter_service_pb2 as pb
from tests.fakes.platform import Fault, http
from tests.integration.adapters.conftest import World
from tests.integration.adapters.serving import notice
from tests.integration.refusing import refused

pytestmark = [
    pytest.mark.asyncio(loop_scope="session"),
    pytest.mark.usefixtures("platform_behaves"),
]


def _withdraw(request: pb.SubmitNoticeRequest) -> pb.WithdrawNoticeRequest:
    return pb.WithdrawNoticeRequest(notice_id=request.notice_id, reason="Sent by mistake.")


async def test_a_withdrawal_reaches_the_platform_once(world: World) -> None:
    request = notice("x")
    await world.x.stub.SubmitNotice(request, timeout=5)
    answers = [await world.x.stub.WithdrawNotice(_withdraw(request), timeout=5) for _ in range(3)]
    assert answers[0] == answers[1] == answers[2]
    assert answers[0].notice.HasField("withdraw_time")
    effect = world.platform.effect(request.notice_id)
    assert effect is not None
    assert effect.withdrawn is not None
    told = [heard for heard in world.platform.heard if heard.path.endswith("/withdrawal")]
    assert len(told) == 1
    assert told[0].headers["idempotency-key"] == f"{request.notice_id}/withdrawal"
    assert json.loads(told[0].body) == {"reason": "Sent by mistake."}


async def test_a_withdrawal_that_is_not_heard_is_told_again(world: World) -> None:
    request = notice("x")
    await world.x.stub.SubmitNotice(request, timeout=5)
    for fault in (Fault(http(500)), Fault(took=True, then="reset")):
        world.platform.faults.append(fault)
        error = await refused(world.x.stub.WithdrawNotice(_withdraw(request), timeout=5))
        assert error.kind is ErrorKind.UNAVAILABLE
    await world.x.stub.WithdrawNotice(_withdraw(request), timeout=5)
    (row,) = await world.x.rows("notices", request.notice_id)
    assert row["withdraw_deliver_time"] is not None


async def test_a_notice_withdrawn_before_it_was_delivered_is_never_sent(world: World) -> None:
    request = notice("x")
    world.platform.faults.append(Fault(http(500)))
    await refused(world.x.stub.SubmitNotice(request, timeout=5))
    # The platform knows no such notice, and that is as good as withdrawn.
    answer = await world.x.stub.WithdrawNotice(_withdraw(request), timeout=5)
    assert answer.notice.HasField("withdraw_time")
    error = await refused(world.x.stub.SubmitNotice(request, timeout=5))
    assert (error.kind, error.reason) == (ErrorKind.FAILED_PRECONDITION, "NOTICE_WITHDRAWN")
    assert world.platform.effect(request.notice_id) is None


async def test_a_notice_whose_receipt_was_lost_is_withdrawn_at_the_platform(world: World) -> None:
    request = notice("x")
    world.platform.faults.append(Fault(took=True, then="reset"))
    await refused(world.x.stub.SubmitNotice(request, timeout=5))
    await world.x.stub.WithdrawNotice(_withdraw(request), timeout=5)
    effect = world.platform.effect(request.notice_id)
    assert effect is not None
    assert effect.withdrawn is not None


async def test_a_withdrawal_never_overtakes_its_own_notice(world: World) -> None:
    request = notice("x")
    world.platform.faults.append(Fault(then="late"))
    sending = asyncio.ensure_future(world.x.stub.SubmitNotice(request, timeout=10))
    await world.platform.arrived.wait()
    withdrawing = asyncio.ensure_future(world.x.stub.WithdrawNotice(_withdraw(request), timeout=10))
    while (await world.x.rows("notices", request.notice_id))[0]["withdraw_time"] is None:
        assert not withdrawing.done()
    world.platform.released.set()
    await asyncio.gather(sending, withdrawing)
    effect = world.platform.effect(request.notice_id)
    assert effect is not None
    assert effect.withdrawn is not None
