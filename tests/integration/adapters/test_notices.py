"""A notice has one effect at the platform, whatever happens on the way there."""

from __future__ import annotations

import asyncio
import hashlib
import json
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any
from uuid import uuid4

import pytest

from services.adapters import profiles
from services.adapters.channels.api import ANSWER_LIMIT
from services.kernel.errors import ErrorKind
from takedown.adapter.v1 import platform_adapter_service_pb2 as pb
from takedown.referral.v1 import enums_pb2 as enums
from tests.fakes.platform import Fault, http
from tests.integration.adapters.conftest import World
from tests.integration.adapters.serving import notice, serving
from tests.integration.refusing import refused

pytestmark = [
    pytest.mark.asyncio(loop_scope="session"),
    pytest.mark.usefixtures("platform_behaves"),
]


def _get(request: pb.SubmitNoticeRequest) -> pb.GetNoticeRequest:
    return pb.GetNoticeRequest(notice_id=request.notice_id)


async def test_an_adapter_says_who_it_speaks_to_and_by_which_rules(world: World) -> None:
    for adapter in (world.x, world.tiktok):
        profile = profiles.find(adapter.slug)
        said = await adapter.stub.Describe(pb.DescribeRequest(), timeout=5)
        assert (said.platform, said.display_name) == (profile.platform, profile.display_name)
        assert (said.sandbox, said.profile_version) == (True, profile.version)
        assert list(said.channels) == [enums.NOTICE_CHANNEL_API]
        kinds = {
            enums.ContentKind.Name(k).removeprefix("CONTENT_KIND_") for k in said.content_kinds
        }
        assert kinds == profile.kinds
        policy = profile.policy
        assert said.policy.acknowledgement.ToTimedelta() == policy.acknowledgement
        assert said.policy.quorum == policy.quorum
        assert said.policy.confirmation == pb.CONFIRMATION_RULE_CLAIM_AND_OBSERVATION


async def test_the_platform_gets_the_very_bytes_that_are_on_record(world: World) -> None:
    request = notice("x")
    answer = await world.x.stub.SubmitNotice(request, timeout=5)
    sent = world.platform.heard[-1]
    kept = await world.x.stub.GetNotice(_get(request), timeout=5)
    digest = hashlib.sha256(sent.body).hexdigest()
    assert kept.content == sent.body
    assert answer.notice.sha256 == kept.notice.sha256 == digest
    assert sent.headers["idempotency-key"] == request.notice_id
    assert not answer.replayed
    assert answer.notice.HasField("deliver_time")
    assert answer.notice.platform_reference.startswith("X-")
    body = json.loads(sent.body)
    assert body["test"] is True
    assert "voluntary" in body["statement"]


async def test_the_same_notice_again_has_no_second_effect(world: World) -> None:
    request = notice("x")
    first = await world.x.stub.SubmitNotice(request, timeout=5)
    again = await world.x.stub.SubmitNotice(request, timeout=5)
    assert again.replayed
    assert again.notice == first.notice
    effect = world.platform.effect(request.notice_id)
    assert effect is not None
    assert effect.requests == 1


async def test_the_same_notice_many_times_at_once_is_sent_once(world: World) -> None:
    request = notice("x")
    answers = await asyncio.gather(
        *[world.x.stub.SubmitNotice(request, timeout=10) for _ in range(10)]
    )
    assert sorted(answer.replayed for answer in answers) == [False] + [True] * 9
    assert len(world.platform.heard) == 1


async def test_what_was_stored_first_is_what_is_sent_though_more_referrers_join(
    world: World,
) -> None:
    request = notice("x")
    world.platform.faults.append(Fault(http(500)))
    await refused(world.x.stub.SubmitNotice(request, timeout=5))
    first = world.platform.heard[-1].body
    request.referrers.append("home-office")
    await world.x.stub.SubmitNotice(request, timeout=5)
    assert world.platform.heard[-1].body == first
    effect = world.platform.effect(request.notice_id)
    assert effect is not None
    assert effect.body_sha256 == hashlib.sha256(first).hexdigest()


async def test_one_notice_id_about_other_content_is_refused(world: World) -> None:
    request = notice("x")
    await world.x.stub.SubmitNotice(request, timeout=5)
    other = notice("x", referral_id=request.referral_id)
    error = await refused(world.x.stub.SubmitNotice(other, timeout=5))
    assert (error.kind, error.reason) == (ErrorKind.ALREADY_EXISTS, "NOTICE_CONFLICT")
    assert len(world.platform.heard) == 1


async def test_a_notice_id_that_is_not_derived_is_refused_and_not_stored(world: World) -> None:
    request = notice("x", notice_id=str(uuid4()))
    error = await refused(world.x.stub.SubmitNotice(request, timeout=5))
    assert (error.kind, error.reason) == (ErrorKind.INVALID, "NOTICE_CONFLICT")
    assert await world.x.rows("notices", request.notice_id) == []
    assert world.platform.heard == []


async def test_content_of_another_platform_is_refused_and_not_stored(world: World) -> None:
    request = notice("x")
    request.content.platform = "tiktok"
    error = await refused(world.x.stub.SubmitNotice(request, timeout=5))
    assert (error.kind, error.reason) == (ErrorKind.INVALID, "PLATFORM_UNKNOWN")
    assert error.violations[0].field == "content.platform"
    assert await world.x.rows("notices", request.notice_id) == []
    assert world.platform.heard == []


async def test_a_kind_that_the_platform_takes_no_notices_about_is_not_sent(world: World) -> None:
    request = notice("x")
    request.content.kind = enums.CONTENT_KIND_STORY
    error = await refused(world.x.stub.SubmitNotice(request, timeout=5))
    expected = (ErrorKind.FAILED_PRECONDITION, "NOTICE_REFUSED_BY_PLATFORM")
    assert (error.kind, error.reason) == expected
    assert world.platform.heard == []


async def test_no_test_leaves_the_sandbox_and_nothing_real_enters_it(world: World) -> None:
    real = notice("x", test=False)
    error = await refused(world.x.stub.SubmitNotice(real, timeout=5))
    assert (error.kind, error.reason) == (ErrorKind.FAILED_PRECONDITION, "SANDBOX_MISMATCH")
    async with serving(
        world.pki, world.x.urls, world.platform, world.acknowledgement, world.folder, sandbox=False
    ) as live:
        test = notice("x")
        error = await refused(live.stub.SubmitNotice(test, timeout=5))
        assert error.reason == "SANDBOX_MISMATCH"
        assert world.platform.heard == []
        assert await live.rows("notices", test.notice_id) == []
        await live.stub.SubmitNotice(real, timeout=5)
    assert [heard.headers["idempotency-key"] for heard in world.platform.heard] == [real.notice_id]


# Each of these is no answer: the notice is on record, not delivered, and goes again.
HUGE = b"[" + b"1," * ANSWER_LIMIT + b"1]"
AWAY: dict[str, tuple[Fault, str]] = {
    "500": (Fault(http(500)), "PLATFORM_UNAVAILABLE"),
    "500 with more than we read": (Fault(http(500, HUGE)), "PLATFORM_UNAVAILABLE"),
    "redirect": (Fault(http(302, location="https://127.0.0.1/")), "PLATFORM_UNAVAILABLE"),
    "our token is refused": (Fault(http(401)), "PLATFORM_UNAVAILABLE"),
    "garbage": (Fault(http(200, b"\x00<not json")), "PLATFORM_UNAVAILABLE"),
    "no HTTP": (Fault(b"SSH-2.0-OpenSSH\r\n\r\n"), "PLATFORM_UNAVAILABLE"),
    "empty body": (Fault(http(202)), "PLATFORM_UNAVAILABLE"),
    "no object": (Fault(http(202, b'["reference"]')), "PLATFORM_UNAVAILABLE"),
    "no reference": (Fault(http(202, b'{"reference": 7}')), "PLATFORM_UNAVAILABLE"),
    "deep": (Fault(http(202, b"[" * 100_000)), "PLATFORM_UNAVAILABLE"),
    "huge body": (Fault(http(202, HUGE)), "PLATFORM_UNAVAILABLE"),
    "reset before": (Fault(then="reset"), "PLATFORM_UNAVAILABLE"),
    "closed before": (Fault(), "PLATFORM_UNAVAILABLE"),
    "hang": (Fault(then="hang"), "PLATFORM_UNAVAILABLE"),
    "half an answer, then nothing": (
        Fault(http(202, b"{}")[:-1], then="hang"), "PLATFORM_UNAVAILABLE",
    ),
    "503": (Fault(http(503)), "PLATFORM_BUSY"),
    "429": (Fault(http(429)), "PLATFORM_BUSY"),
    "reset after": (Fault(took=True, then="reset"), "PLATFORM_UNAVAILABLE"),
    "hang after": (Fault(took=True, then="hang"), "PLATFORM_UNAVAILABLE"),
    "garbage after": (Fault(http(200, b"<html>"), took=True), "PLATFORM_UNAVAILABLE"),
    "500 after": (Fault(http(500), took=True), "PLATFORM_UNAVAILABLE"),
}  # fmt: skip


@pytest.mark.parametrize("name", AWAY)
async def test_a_platform_that_does_not_answer_well_gets_the_notice_again_and_once(
    world: World, name: str
) -> None:
    fault, reason = AWAY[name]
    request = notice("x")
    world.platform.faults.append(fault)
    error = await refused(world.x.stub.SubmitNotice(request, timeout=10))
    assert (error.kind, error.reason) == (ErrorKind.UNAVAILABLE, reason)
    kept = await world.x.stub.GetNotice(_get(request), timeout=5)
    assert not kept.notice.HasField("deliver_time")
    assert kept.notice.sha256 == hashlib.sha256(kept.content).hexdigest()
    again = await world.x.stub.SubmitNotice(request, timeout=10)
    assert again.notice.HasField("deliver_time")
    effect = world.platform.effect(request.notice_id)
    assert effect is not None
    # Taken twice by the platform where the first answer was lost; one effect all the same.
    assert effect.requests == (2 if fault.took else 1)
    assert effect.body_sha256 == kept.notice.sha256
    assert {heard.body for heard in world.platform.heard} == {kept.content}


async def test_an_answer_one_drop_at_a_time_is_no_answer_either(world: World) -> None:
    """Each read is in time; the whole never is."""
    request = notice("x")
    world.platform.faults.append(Fault(http(202, b"{" + b" " * 60), then="drip"))
    error = await refused(world.x.stub.SubmitNotice(request, timeout=10))
    assert (error.kind, error.reason) == (ErrorKind.UNAVAILABLE, "PLATFORM_UNAVAILABLE")


async def test_a_platform_that_is_not_there_leaves_the_notice_on_record(world: World) -> None:
    request = notice("x")
    there, world.platform.port = world.platform.port, 1
    try:
        async with serving(
            world.pki, world.x.urls, world.platform, world.acknowledgement, world.folder
        ) as adapter:
            error = await refused(adapter.stub.SubmitNotice(request, timeout=10))
    finally:
        world.platform.port = there
    assert (error.kind, error.reason) == (ErrorKind.UNAVAILABLE, "PLATFORM_UNAVAILABLE")
    (row,) = await world.x.rows("notices", request.notice_id)
    assert row["deliver_time"] is None
    assert hashlib.sha256(row["body"]).hexdigest() == row["sha256"]
    await world.x.stub.SubmitNotice(request, timeout=10)
    assert world.platform.heard[-1].body == row["body"]


@pytest.mark.parametrize("code", [429, 503])
async def test_the_pause_that_a_platform_asks_for_is_passed_on(world: World, code: int) -> None:
    request = notice("x")
    date = format_datetime(datetime.now(UTC) + timedelta(minutes=10), usegmt=True)
    pauses: list[Any] = []
    for header in ("7", date, "86400", "soon", "-5"):
        world.platform.faults.append(Fault(http(code, retry_after=header)))
        error = await refused(world.x.stub.SubmitNotice(request, timeout=5))
        assert (error.kind, error.reason) == (ErrorKind.UNAVAILABLE, "PLATFORM_BUSY")
        pauses.append(error.retry_after)
    assert pauses[0] == timedelta(seconds=7)
    assert timedelta(minutes=9) < pauses[1] <= timedelta(minutes=10)
    assert pauses[2:] == [timedelta(hours=1), None, None]


@pytest.mark.parametrize("code", [400, 404, 409, 422])
async def test_a_refusal_is_final_and_says_so(world: World, code: int) -> None:
    request = notice("x")
    world.platform.faults.append(Fault(http(code, HUGE)))
    error = await refused(world.x.stub.SubmitNotice(request, timeout=5))
    expected = (ErrorKind.FAILED_PRECONDITION, "NOTICE_REFUSED_BY_PLATFORM")
    assert (error.kind, error.reason) == expected
    assert not error.retryable
    (row,) = await world.x.rows("notices", request.notice_id)
    assert row["deliver_time"] is None


async def test_an_unknown_notice_is_not_found(world: World) -> None:
    unknown = str(uuid4())
    for call in (
        world.x.stub.GetNotice(pb.GetNoticeRequest(notice_id=unknown), timeout=5),
        world.x.stub.WithdrawNotice(pb.WithdrawNoticeRequest(notice_id=unknown), timeout=5),
    ):
        error = await refused(call)
        assert (error.kind, error.reason) == (ErrorKind.NOT_FOUND, "NOTICE_NOT_FOUND")
    assert world.platform.heard == []
