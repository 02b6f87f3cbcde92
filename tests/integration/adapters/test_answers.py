"""What a platform says is believed when it is signed, stored, and passed on exactly once."""

from __future__ import annotations

import asyncio
import base64
import json
import time
from datetime import timedelta
from typing import Any
from uuid import uuid4

import httpx2
import pytest

from services.adapters import forwarder
from services.adapters.webhooks import BODY_LIMIT
from takedown.adapter.v1 import platform_adapter_service_pb2 as pb
from takedown.referral.v1 import enums_pb2 as enums
from tests.fakes.platform import Fault, http
from tests.integration.adapters.conftest import World
from tests.integration.adapters.serving import SECRET, notice
from tests.simulators.webhooks import signature

pytestmark = [
    pytest.mark.asyncio(loop_scope="session"),
    pytest.mark.usefixtures("platform_behaves"),
]
OTHER_SECRET = "whsec_" + base64.b64encode(b"somebody else's secret key").decode()


def _said(notice_id: str, **changes: Any) -> dict[str, Any]:
    said = {
        "event_id": f"evt-{uuid4()}",
        "type": "acknowledgement",
        "notice_id": notice_id,
        "occurred_at": "2026-11-24T13:07:40+00:00",
    }
    return {**said, **changes}


async def _post(
    world: World,
    body: bytes,
    message_id: str = "",
    *,
    secret: str = SECRET,
    at: float = 0,
    **headers: str,
) -> httpx2.Response:
    message_id, stamp = message_id or f"msg-{uuid4()}", int(time.time() + at)
    signed = {
        "webhook-id": message_id,
        "webhook-timestamp": str(stamp),
        "webhook-signature": signature(secret, message_id, stamp, body),
    }
    given = {**signed, **{name.replace("_", "-"): value for name, value in headers.items()}}
    return await world.web.post(world.x.webhook, content=body, headers=given)


def _body(data: Any, **beside: Any) -> bytes:
    return json.dumps({"type": "notice.answer", "data": data, **beside}).encode()


async def _nothing_stored(world: World, notice_id: str) -> None:
    assert await world.x.rows("answers", notice_id) == []
    assert await world.acknowledgement.stored(notice_id) == []


async def test_a_signed_answer_is_stored_and_passed_on_once(world: World) -> None:
    notice_id, data = str(uuid4()), {}
    data = _said(notice_id, type="decision", decision={"kind": "remove", "visibility": "removed"})
    answered = await _post(world, _body(data))
    assert answered.status_code == 202
    await world.acknowledgement.until_heard(data["event_id"])
    assert await world.acknowledgement.stored(notice_id) == [(data["event_id"], 0)]


async def test_unknown_fields_are_ignored(world: World) -> None:
    notice_id = str(uuid4())
    data = _said(notice_id, newer_than_us={"a": [1]}, score=3)
    assert (await _post(world, _body(data, version=2))).status_code == 202
    await world.acknowledgement.until_heard(data["event_id"])


async def test_a_replayed_message_has_no_second_effect(world: World) -> None:
    notice_id, message_id = str(uuid4()), f"msg-{uuid4()}"
    data = _said(notice_id)
    codes = [(await _post(world, _body(data), message_id, at=n)).status_code for n in range(3)]
    assert codes == [202, 200, 200]
    await world.acknowledgement.until_heard(data["event_id"])
    assert await world.acknowledgement.stored(notice_id) == [(data["event_id"], 0)]
    changed = _body({**data, "type": "removal_claim"})
    assert (await _post(world, changed, message_id)).status_code == 409
    assert len(await world.x.rows("answers", notice_id)) == 1


async def test_the_same_event_in_two_messages_is_one_event(world: World) -> None:
    notice_id = str(uuid4())
    data = _said(notice_id)
    for _ in range(2):
        assert (await _post(world, _body(data))).status_code == 202
    await world.acknowledgement.until_heard(data["event_id"])
    await world.acknowledgement.until_heard(data["event_id"])
    assert await world.acknowledgement.stored(notice_id) == [(data["event_id"], 1)]


async def test_an_answer_that_is_refused_waits_and_holds_up_no_other(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(forwarder, "REFUSED_PAUSE", timedelta(0))
    first, second = _said(str(uuid4())), _said(str(uuid4()))
    world.acknowledgement.refused.add(first["event_id"])
    for data in (first, second):
        assert (await _post(world, _body(data))).status_code == 202
    await world.acknowledgement.until_heard(second["event_id"])
    assert await world.acknowledgement.stored(first["notice_id"]) == []
    world.acknowledgement.refused.clear()
    await world.acknowledgement.until_heard(first["event_id"])


FORGED: dict[str, dict[str, Any]] = {
    "wrong secret": {"secret": OTHER_SECRET},
    "six minutes old": {"at": -360},
    "six minutes early": {"at": 360},
    "no signature": {"webhook_signature": ""},
    "another version alone": {"webhook_signature": "v2,AAAA"},
    "a signature without its version": {"webhook_signature": "AAAA"},
    "signed under another id": {"webhook_id": "msg-other"},
    "signed at another time": {"webhook_timestamp": str(int(time.time()) + 1000)},
    "a time that is none": {"webhook_timestamp": "now"},
    "an id with a full stop": {"message_id": "a.b"},
    "an id that is too long": {"message_id": "m" * 201},
}


@pytest.mark.parametrize("name", FORGED)
async def test_a_message_that_is_not_the_platforms_stores_nothing(world: World, name: str) -> None:
    notice_id = str(uuid4())
    answered = await _post(world, _body(_said(notice_id)), **FORGED[name])
    assert answered.status_code == 401
    await _nothing_stored(world, notice_id)


async def test_an_altered_body_stores_nothing(world: World) -> None:
    notice_id, stamp = str(uuid4()), int(time.time())
    signed, altered = _body(_said(notice_id)), _body(_said(notice_id, type="removal_claim"))
    given = signature(SECRET, "msg-altered", stamp, signed)
    answered = await _post(world, altered, "msg-altered", webhook_signature=given)
    assert answered.status_code == 401
    await _nothing_stored(world, notice_id)


async def test_a_message_signed_by_the_old_and_the_new_key_is_believed(world: World) -> None:
    notice_id, stamp = str(uuid4()), int(time.time())
    body = _body(_said(notice_id))
    both = " ".join(signature(s, "msg-both", stamp, body) for s in (OTHER_SECRET, SECRET))
    answered = await _post(
        world, body, "msg-both", webhook_timestamp=str(stamp), webhook_signature=both
    )
    assert answered.status_code == 202


N = "5f0c3a52-8f0e-4c53-9d2c-6a1f0f5b7e11"
NONSENSE: dict[str, bytes] = {
    "nothing": b"",
    "no JSON": b"\x00<not json",
    "not UTF-8": b'{"data": "\xff"}',
    "deep": b"[" * 100_000,
    "no object": b'["data"]',
    "no data": b"{}",
    "data that is a list": _body([]),
    "no event_id": _body({**_said(N), "event_id": None}),
    "an unknown type": _body(_said(N, type="removed")),
    "type unspecified": _body(_said(N, type="unspecified")),
    "a time that is none": _body(_said(N, occurred_at="yesterday")),
    "a notice_id that is no UUID": _body(_said("7")),
    "a decision that decides nothing": _body(_said(N, type="decision")),
    "a decision of no kind": _body(_said(N, type="decision", decision={})),
    "a decision beside the point": _body(_said(N, decision={"kind": "remove"})),
    "a country that is none": _body(
        _said(N, type="decision", decision={"kind": "restrict", "countries": ["Britain"]})
    ),
    "a NUL": _body(_said(N, message="a\x00b")),
    "half a character": _body(_said(N, message="\ud800")),
    "too many words": _body(_said(N, message="x" * 4001)),
}


@pytest.mark.parametrize("name", NONSENSE)
async def test_a_signed_message_that_is_not_understood_says_so_and_stores_nothing(
    world: World, name: str
) -> None:
    answered = await _post(world, NONSENSE[name])
    assert answered.status_code == 400
    assert answered.json()["message"]
    await _nothing_stored(world, N)


async def test_a_message_over_the_limit_is_refused(world: World) -> None:
    notice_id = str(uuid4())
    body = _body(_said(notice_id), padding="x" * BODY_LIMIT)
    assert (await _post(world, body)).status_code == 413
    await _nothing_stored(world, notice_id)


async def test_what_was_said_while_acknowledgement_was_down_arrives_once_when_it_is_back(
    world: World,
) -> None:
    notice_id = str(uuid4())
    await world.acknowledgement.stop()
    try:
        said = [_said(notice_id, event_id=f"{notice_id}:{n}") for n in range(5)]
        for data in said:
            assert (await _post(world, _body(data))).status_code == 202
        assert {row["forward_time"] for row in await world.x.rows("answers", notice_id)} == {None}
    finally:
        await world.acknowledgement.start()
    await world.acknowledgement.until_heard(*[data["event_id"] for data in said])
    stored = await world.acknowledgement.stored(notice_id)
    assert stored == [(data["event_id"], 0) for data in said]


async def test_answers_that_are_fetched_become_platform_events(world: World) -> None:
    request = notice("tiktok")
    await world.tiktok.stub.SubmitNotice(request, timeout=5)
    expected = [f"{request.notice_id}:{place}" for place in range(3)]
    await world.acknowledgement.until_heard(*expected)
    assert await world.acknowledgement.stored(request.notice_id) == [(e, 0) for e in expected]
    asked = pb.GetNoticeRequest(notice_id=request.notice_id)
    kept = await world.tiktok.stub.GetNotice(asked, timeout=5)
    assert [event.type for event in kept.platform_events] == [
        enums.PLATFORM_EVENT_TYPE_ACKNOWLEDGEMENT,
        enums.PLATFORM_EVENT_TYPE_DECISION,
        enums.PLATFORM_EVENT_TYPE_REMOVAL_CLAIM,
    ]
    assert kept.platform_events[1].decision.kind == enums.PLATFORM_DECISION_KIND_REMOVE
    # It said that nothing more will come: it is not asked again.
    await _until_not_polled(world, request.notice_id)


async def _until_not_polled(world: World, notice_id: str) -> None:
    async with asyncio.timeout(10):
        while True:
            (row,) = await world.tiktok.rows("notices", notice_id)
            if row["next_poll_time"] is None:
                return
            await asyncio.sleep(0.02)


async def test_a_platform_that_answers_badly_when_asked_is_asked_again(world: World) -> None:
    request = notice("tiktok")
    await world.tiktok.stub.SubmitNotice(request, timeout=5)
    good = _said(request.notice_id)
    strange = {"reference": "r", "answers": [{"type": "?"}, 7]}
    one_bad = {"reference": "r", "answers": [{"event_id": "?"}, good]}
    faults = (
        Fault(http(500)),
        Fault(http(429, retry_after="1")),
        Fault(http(404)),
        Fault(http(200, b"<html>")),
        Fault(http(200, json.dumps(strange).encode())),
        Fault(then="reset"),
        Fault(http(200, json.dumps(one_bad).encode())),
    )
    world.platform.faults.extend(faults)
    expected = [f"{request.notice_id}:{place}" for place in range(3)]
    await world.acknowledgement.until_heard(*expected, good["event_id"])
    assert len(await world.acknowledgement.stored(request.notice_id)) == 4


async def test_a_platform_that_drips_holds_up_no_other_notice(world: World) -> None:
    # It is asked about for ever, because it never says that it is done.
    silent, other = notice("tiktok", key="silent"), notice("tiktok")
    await world.tiktok.stub.SubmitNotice(silent, timeout=5)
    world.platform.faults.append(Fault(http(200, b"{" + b" " * 100), then="drip"))
    try:
        async with asyncio.timeout(5):
            while world.platform.faults:
                world.platform.arrived.clear()
                await world.platform.arrived.wait()
        await world.tiktok.stub.SubmitNotice(other, timeout=5)
        await world.acknowledgement.until_heard(f"{other.notice_id}:2")
    finally:
        withdrawal = pb.WithdrawNoticeRequest(notice_id=silent.notice_id)
        await world.tiktok.stub.WithdrawNotice(withdrawal, timeout=5)
    await _until_not_polled(world, silent.notice_id)
