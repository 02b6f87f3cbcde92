"""ClassificationService as the worker meets it: over mTLS, on the kernel's own layers."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from enum import StrEnum
from typing import TYPE_CHECKING

import grpc
import pytest
from google.rpc import error_details_pb2

from services.classification import engine
from services.classification.domain import (
    AssessmentInput,
    AssessmentResult,
    Category,
    Decision,
    EngineDescription,
    EntityKind,
    Hook,
    SpeechAct,
)
from services.classification.pictures.facts import Result
from services.classification.pictures.reader import PictureReader
from services.classification.servicer import ClassificationServicer
from services.kernel import grpc_client
from services.kernel.allow_list import AllowList
from services.kernel.clock import FrozenClock
from services.kernel.grpc_errors import from_rpc_error
from services.kernel.grpc_server import server_credentials
from services.kernel.interceptors import ServerInterceptor
from takedown.classification.v1 import classification_service_pb2 as pb
from takedown.classification.v1 import classification_service_pb2_grpc as pb_grpc
from takedown.referral.v1 import enums_pb2 as enums
from tests.fakes.pki import Pki

if TYPE_CHECKING:
    from takedown.classification.v1.classification_service_pb2_grpc import (
        ClassificationServiceAsyncStub as Stub,
    )

NOW = datetime(2026, 6, 3, 10, 0, tzinfo=UTC)
ADVERT = "Boat from Calais to UK Friday 5am, kids free, 100% guaranteed, WhatsApp +44 7700 900123"
RULES = engine.load()


class Stumbling:
    """The real engine, which fails on one text as no engine should."""

    version = RULES.version

    def assess(self, item: AssessmentInput) -> AssessmentResult:
        if item.text == "stumble":
            raise RuntimeError("canary: stumble")
        return RULES.assess(item)

    def assess_all(self, items: Sequence[AssessmentInput]) -> list[AssessmentResult]:
        return [self.assess(item) for item in items]

    def describe(self) -> EngineDescription:
        return RULES.describe()


@asynccontextmanager
async def serving(
    pki: Pki, caller: str = "service/worker", pictures: PictureReader | None = None
) -> AsyncIterator[Stub]:
    """A client of a server of its own; ``pictures`` is closed by whoever opened it."""
    executor = ThreadPoolExecutor(2)
    reader = pictures or PictureReader()
    servicer = ClassificationServicer(Stumbling(), executor, FrozenClock(NOW), reader)
    server = grpc.aio.server(interceptors=(ServerInterceptor(AllowList.read()),))
    pb_grpc.add_ClassificationServiceServicer_to_server(servicer, server)
    tls = pki.tls("service/classification")
    port = server.add_secure_port("127.0.0.1:0", server_credentials(tls))
    await server.start()
    channel = grpc_client.channel(
        f"127.0.0.1:{port}", pki.tls(caller), grpc_client.server_name("classification"), retry=False
    )
    try:
        yield pb_grpc.ClassificationServiceStub(channel)
    finally:
        await channel.close()
        await server.stop(0)
        if pictures is None:
            await reader.close()
        executor.shutdown(wait=True, cancel_futures=True)


@pytest.fixture
async def stub(pki: Pki) -> AsyncIterator[Stub]:
    async with serving(pki) as client:
        yield client


def request(text: str = ADVERT, item_id: str = "018f", **more: object) -> pb.AssessRequest:
    return pb.AssessRequest(item_id=item_id, text=text, **more)  # type: ignore[arg-type]


async def test_an_assessment_arrives_whole(stub: Stub) -> None:
    answer = await stub.Assess(request(kind=enums.CONTENT_KIND_POST), timeout=5)
    found = answer.assessment
    assert found.assessment_id == "018f"
    assert found.decision == enums.ASSESSMENT_DECISION_REFER
    assert found.speech_act == enums.SPEECH_ACT_OFFER
    assert found.probability > 0.85
    assert list(found.categories) == [enums.CATEGORY_SMALL_BOAT_CROSSING]
    assert {enums.HOOK_CHILD_FREE, enums.HOOK_GUARANTEE} <= set(found.hooks)
    assert found.languages[0].code == "en"
    assert found.departure_time.ToDatetime(UTC) == datetime(2026, 6, 5, 5, tzinfo=UTC)
    assert found.assess_time.ToDatetime(UTC) == NOW
    assert found.model_version == RULES.version
    assert any("kids free" in sentence for sentence in found.explanation)
    phones = [e.value for e in found.entities if e.kind == enums.ENTITY_KIND_PHONE]
    assert phones == ["+447700900123"]
    for signal in found.signals:
        assert 0 <= signal.start < signal.end <= len(ADVERT)


def test_every_word_of_the_engine_has_its_word_on_the_wire() -> None:
    pairs: list[tuple[type[StrEnum], list[str], str]] = [
        (Category, list(enums.Category.keys()), "CATEGORY_"),
        (Hook, list(enums.Hook.keys()), "HOOK_"),
        (SpeechAct, list(enums.SpeechAct.keys()), "SPEECH_ACT_"),
        (Decision, list(enums.AssessmentDecision.keys()), "ASSESSMENT_DECISION_"),
        (EntityKind, list(enums.EntityKind.keys()), "ENTITY_KIND_"),
        (Result, list(enums.PictureResult.keys()), "PICTURE_RESULT_"),
    ]
    for ours, names, prefix in pairs:
        theirs = {name.removeprefix(prefix) for name in names} - {"UNSPECIFIED"}
        assert {word.value.upper() for word in ours} == theirs


async def test_a_day_is_relative_to_the_time_of_the_post(
    stub: Stub,
) -> None:
    asked = request()
    asked.reference_time.FromDatetime(datetime(2025, 1, 1, 12, tzinfo=UTC))
    answer = await stub.Assess(asked, timeout=5)
    assert answer.assessment.departure_time.ToDatetime(UTC) == datetime(2025, 1, 3, 5, tzinfo=UTC)


async def test_an_account_is_for_a_person(stub: Stub) -> None:
    answer = await stub.Assess(request(kind=enums.CONTENT_KIND_ACCOUNT), timeout=5)
    assert answer.assessment.decision == enums.ASSESSMENT_DECISION_REVIEW


async def test_an_empty_text_is_for_a_person_and_no_error(
    stub: Stub,
) -> None:
    answer = await stub.Assess(request(text=""), timeout=5)
    assert answer.assessment.decision == enums.ASSESSMENT_DECISION_REVIEW
    assert list(answer.assessment.warnings) == ["the text is empty"]


@pytest.mark.parametrize(
    ("bad", "field"),
    [
        (request(text="a" * 20_001), "text"),
        (request(item_id=""), "item_id"),
        (pb.AssessRequest(item_id="x", kind=99), "kind"),  # type: ignore[arg-type]
    ],
)
async def test_a_bad_request_is_refused_by_field(
    stub: Stub, bad: pb.AssessRequest, field: str
) -> None:
    with pytest.raises(grpc.aio.AioRpcError) as refused:
        await stub.Assess(bad, timeout=5)
    assert refused.value.code() is grpc.StatusCode.INVALID_ARGUMENT
    assert [v.field for v in from_rpc_error(refused.value).violations] == [field]


async def test_a_bad_item_never_spoils_the_batch(
    stub: Stub,
) -> None:
    batch = [request(item_id="a"), request(item_id="", text="x"), request(text="stumble")]
    batch += [request(text="a" * 20_001), request(item_id="z")]
    answer = await stub.BatchAssess(pb.BatchAssessRequest(requests=batch), timeout=10)
    kinds = [result.WhichOneof("result") for result in answer.results]
    assert kinds == ["assessment", "error", "error", "error", "assessment"]
    assert [r.assessment.assessment_id for r in answer.results if r.HasField("assessment")] == [
        "a",
        "z",
    ]
    codes = [r.error.code for r in answer.results if r.HasField("error")]
    assert codes == [3, 13, 3]
    assert "canary" not in str(answer.results[2].error)
    bad = error_details_pb2.BadRequest()
    assert any(detail.Unpack(bad) for detail in answer.results[1].error.details)
    assert bad.field_violations[0].field == "item_id"


async def test_five_hundred_items_are_assessed_while_others_are_answered(
    stub: Stub,
) -> None:
    batch = pb.BatchAssessRequest(requests=[request(item_id=str(n)) for n in range(500)])
    running = asyncio.ensure_future(stub.BatchAssess(batch, timeout=30))
    answered = 0
    while not running.done():
        await stub.Assess(request(), timeout=5)
        answered += 1
    answer = await running
    assert [r.assessment.assessment_id for r in answer.results] == [str(n) for n in range(500)]
    assert answered >= 3


@pytest.mark.parametrize("size", [0, 501])
async def test_a_batch_of_the_wrong_size_is_refused(stub: Stub, size: int) -> None:
    batch = pb.BatchAssessRequest(requests=[request(text="x")] * size)
    with pytest.raises(grpc.aio.AioRpcError) as refused:
        await stub.BatchAssess(batch, timeout=5)
    assert refused.value.code() is grpc.StatusCode.INVALID_ARGUMENT


async def test_the_model_is_described(stub: Stub) -> None:
    described = await stub.DescribeModel(pb.DescribeModelRequest(), timeout=5)
    assert described.engine == "rules"
    assert described.model_version == RULES.version
    assert len(described.data_sha256) == 64
    assert {"en", "fr", "tr", "ar", "sq", "vi", "fa", "prs", "ckb", "ps"} <= set(
        described.languages
    )
    assert described.policy["refer_speech_acts"] == "OFFER"


@pytest.mark.parametrize("caller", ["referrer/nca", "platform/tiktok", "service/observation"])
async def test_nobody_but_the_worker_and_operators_is_answered(pki: Pki, caller: str) -> None:
    async with serving(pki, caller) as stub:
        with pytest.raises(grpc.aio.AioRpcError) as refused:
            await stub.Assess(request(), timeout=5)
        assert refused.value.code() is grpc.StatusCode.PERMISSION_DENIED
