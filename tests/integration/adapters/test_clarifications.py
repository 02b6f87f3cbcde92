"""A platform's question has one answer, whatever happens on the way there."""

from __future__ import annotations

import asyncio
import json
from typing import Any
from urllib.parse import quote
from uuid import uuid4

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


async def _asked(world: World, question: str = "q1") -> pb.AnswerClarificationRequest:
    """The answer to a question about a notice that the platform has."""
    request = notice("x")
    await world.x.stub.SubmitNotice(request, timeout=5)
    world.platform.heard.clear()
    return pb.AnswerClarificationRequest(
        notice_id=request.notice_id, clarification_id=question, answer="The seller's number."
    )


async def _row(world: World, answer: pb.AnswerClarificationRequest) -> dict[str, Any]:
    (row,) = await world.x.rows("clarifications", answer.notice_id)
    return row


async def test_the_platform_gets_the_very_bytes_that_are_stored(world: World) -> None:
    answer = await _asked(world)
    said = await world.x.stub.AnswerClarification(answer, timeout=5)
    (heard,) = world.platform.heard
    assert not said.replayed
    assert heard.path.endswith(f"/notices/{answer.notice_id}/clarifications/q1")
    assert heard.headers["idempotency-key"] == f"{answer.notice_id}/clarifications/q1"
    assert json.loads(heard.body) == {"clarification_id": "q1", "answer": answer.answer}
    row = await _row(world, answer)
    assert row["body"] == heard.body
    assert row["deliver_time"] is not None


async def test_the_same_answer_again_has_no_second_effect(world: World) -> None:
    answer = await _asked(world)
    said = await asyncio.gather(
        *[world.x.stub.AnswerClarification(answer, timeout=10) for _ in range(5)]
    )
    assert sorted(one.replayed for one in said) == [False] + [True] * 4
    assert len(world.platform.heard) == 1


async def test_other_words_under_the_same_id_are_refused_and_change_nothing(world: World) -> None:
    answer = await _asked(world)
    await world.x.stub.AnswerClarification(answer, timeout=5)
    before = await _row(world, answer)
    other = pb.AnswerClarificationRequest(
        notice_id=answer.notice_id, clarification_id="q1", answer="Something else."
    )
    error = await refused(world.x.stub.AnswerClarification(other, timeout=5))
    assert (error.kind, error.reason) == (ErrorKind.ALREADY_EXISTS, "CLARIFICATION_CONFLICT")
    assert await _row(world, answer) == before
    assert len(world.platform.heard) == 1


@pytest.mark.parametrize(
    "fault",
    [Fault(http(500)), Fault(then="reset"), Fault(took=True, then="reset"), Fault(http(200, b"<"))],
)
async def test_an_answer_that_is_not_heard_is_sent_again_in_the_same_bytes(
    world: World, fault: Fault
) -> None:
    answer = await _asked(world)
    world.platform.faults.append(fault)
    error = await refused(world.x.stub.AnswerClarification(answer, timeout=10))
    assert (error.kind, error.reason) == (ErrorKind.UNAVAILABLE, "PLATFORM_UNAVAILABLE")
    row = await _row(world, answer)
    assert row["deliver_time"] is None
    other = pb.AnswerClarificationRequest(
        notice_id=answer.notice_id, clarification_id="q1", answer="Something else."
    )
    # It may have been heard: other words could contradict it.
    assert (await refused(world.x.stub.AnswerClarification(other, timeout=5))).reason == (
        "CLARIFICATION_CONFLICT"
    )
    await world.x.stub.AnswerClarification(answer, timeout=5)
    assert {heard.body for heard in world.platform.heard} == {row["body"]}
    assert len(world.platform.simulator.ledger.answer_times(answer.notice_id)) == 1


async def test_words_that_the_platform_refused_make_way_for_others(world: World) -> None:
    answer = await _asked(world)
    world.platform.faults.append(Fault(http(422)))
    error = await refused(world.x.stub.AnswerClarification(answer, timeout=5))
    assert (error.kind, error.retryable) == (ErrorKind.FAILED_PRECONDITION, False)
    other = pb.AnswerClarificationRequest(
        notice_id=answer.notice_id, clarification_id="q1", answer="Said better."
    )
    await world.x.stub.AnswerClarification(other, timeout=5)
    assert json.loads(world.platform.heard[-1].body)["answer"] == "Said better."
    row = await _row(world, answer)
    assert row["refuse_time"] is None
    assert row["deliver_time"] is not None


@pytest.mark.parametrize("question", ["../../withdrawal", "a/b?c#d", "é\n", "q" * 200])
async def test_a_questions_id_leads_to_no_other_address(world: World, question: str) -> None:
    answer = await _asked(world, question)
    await world.x.stub.AnswerClarification(answer, timeout=5)
    (heard,) = world.platform.heard
    assert heard.path.endswith(f"/clarifications/{quote(question, safe='')}")
    assert world.platform.simulator.ledger.answer_times(answer.notice_id)
    effect = world.platform.effect(answer.notice_id)
    assert effect is not None
    assert effect.withdrawn is None


async def test_a_withdrawn_notice_gets_no_answer(world: World) -> None:
    answer = await _asked(world)
    withdrawal = pb.WithdrawNoticeRequest(notice_id=answer.notice_id, reason="By mistake.")
    await world.x.stub.WithdrawNotice(withdrawal, timeout=5)
    world.platform.heard.clear()
    error = await refused(world.x.stub.AnswerClarification(answer, timeout=5))
    assert (error.kind, error.reason) == (ErrorKind.FAILED_PRECONDITION, "NOTICE_WITHDRAWN")
    assert await world.x.rows("clarifications", answer.notice_id) == []
    assert world.platform.heard == []


@pytest.mark.parametrize(
    ("field", "value"),
    [("clarification_id", ""), ("clarification_id", "q" * 201), ("answer", ""),
     ("answer", "a" * 4001), ("notice_id", "7")],
)  # fmt: skip
async def test_a_malformed_answer_is_refused_and_not_stored(
    world: World, field: str, value: str
) -> None:
    answer = await _asked(world)
    known = answer.notice_id
    setattr(answer, field, value)
    error = await refused(world.x.stub.AnswerClarification(answer, timeout=5))
    assert (error.kind, error.violations[0].field) == (ErrorKind.INVALID, field)
    assert await world.x.rows("clarifications", known) == []


async def test_an_answer_about_an_unknown_notice_is_not_found(world: World) -> None:
    answer = await _asked(world)
    answer.notice_id = str(uuid4())
    error = await refused(world.x.stub.AnswerClarification(answer, timeout=5))
    assert (error.kind, error.reason) == (ErrorKind.NOT_FOUND, "NOTICE_NOT_FOUND")
