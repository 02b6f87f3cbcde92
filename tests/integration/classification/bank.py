"""The whole of classification with its signal bank: real gRPC, a real PostgreSQL."""

from __future__ import annotations

import uuid
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import asyncpg
import grpc
from google.protobuf.timestamp_pb2 import Timestamp

from services.classification import engine
from services.classification.bank.assembly import Bank
from services.classification.config import ClassificationSettings
from services.classification.pictures.process import Limits
from services.classification.pictures.reader import PictureReader
from services.classification.servicer import ClassificationServicer
from services.kernel import grpc_client
from services.kernel.allow_list import AllowList
from services.kernel.clock import FrozenClock
from services.kernel.grpc_server import server_credentials
from services.kernel.interceptors import ServerInterceptor
from takedown.classification.v1 import classification_service_pb2 as pb
from takedown.classification.v1 import classification_service_pb2_grpc as pb_grpc
from takedown.classification.v1 import signal_bank_service_pb2 as bank_pb
from takedown.classification.v1 import signal_bank_service_pb2_grpc as bank_grpc
from takedown.referral.v1 import assessment_pb2
from takedown.referral.v1 import enums_pb2 as enums
from tests.fakes.pki import Pki
from tests.integration.conftest import DatabaseUrls

NOW = datetime(2026, 6, 3, 10, 0, tzinfo=UTC)
RULES = engine.load()
KEY = "0123456789abcdef0123456789abcdef"
REFER, REVIEW = enums.ASSESSMENT_DECISION_REFER, enums.ASSESSMENT_DECISION_REVIEW
ADVERT, NOT_ADVERT = enums.SIGNAL_VERDICT_ADVERT, enums.SIGNAL_VERDICT_NOT_ADVERT
UNDECIDED = enums.SIGNAL_VERDICT_UNDECIDED
# The rules refer this one without a person.
CLEAR = (
    "Boat from Calais to UK Friday 5am, kids free, 100% guaranteed, new engine and life jackets,"
    " WhatsApp +44 7700 900123"
)


@dataclass
class Classification:
    """Calls as the worker and as an operator; ``rows`` reads the tables as their owner."""

    clock: FrozenClock
    bank: Bank
    urls: DatabaseUrls
    worker: grpc.aio.Channel
    operator: grpc.aio.Channel
    target: str = ""

    @property
    def learning(self) -> Any:
        return bank_grpc.SignalBankServiceStub(self.worker)

    @property
    def people(self) -> Any:
        return bank_grpc.SignalBankServiceStub(self.operator)

    async def learn(self, text: str, verdict: int = ADVERT, **more: Any) -> Any:
        return await self.learning.LearnSignal(statement(text, verdict, **more), timeout=60)

    async def assess(self, text: str, **more: Any) -> assessment_pb2.Assessment:
        request = assess_request(text, **more)
        stub = pb_grpc.ClassificationServiceStub(self.worker)
        return (await stub.Assess(request, timeout=60)).assessment

    async def batch(self, *requests: pb.AssessRequest) -> list[pb.BatchAssessResult]:
        stub = pb_grpc.ClassificationServiceStub(self.worker)
        answer = await stub.BatchAssess(pb.BatchAssessRequest(requests=requests), timeout=20)
        return list(answer.results)

    async def signals(self, **more: Any) -> list[bank_pb.BankedSignal]:
        request = bank_pb.ListSignalsRequest(**more)
        return list((await self.people.ListSignals(request, timeout=10)).signals)

    async def add_negative(self, text: str, **more: Any) -> bank_pb.BankedSignal:
        values = {"request_id": str(uuid.uuid4()), "note": "A lawful firm.", **more}
        request = bank_pb.AddNegativeSignalRequest(text=text, **values)
        return (await self.people.AddNegativeSignal(request, timeout=10)).signal

    async def withdraw(self, signal_id: str, note: str = "A mistake.") -> bank_pb.BankedSignal:
        request = bank_pb.WithdrawSignalRequest(signal_id=signal_id, note=note)
        return (await self.people.WithdrawSignal(request, timeout=10)).signal

    async def count(self, table: str, condition: str = "true") -> int:
        connection = await asyncpg.connect(self.urls.owner.replace("+asyncpg", ""))
        try:
            query = f"SELECT count(*) FROM classification.{table} WHERE {condition}"  # noqa: S608
            return int(await connection.fetchval(query))
        finally:
            await connection.close()


def stamp(moment: datetime) -> Timestamp:
    made = Timestamp()
    made.FromDatetime(moment)
    return made


def statement(text: str, verdict: int = ADVERT, **more: Any) -> bank_pb.LearnSignalRequest:
    """Of a new referral, unless told; decided when its source changed."""
    source = more.pop("source", NOW - timedelta(hours=1))
    values = {"referral_id": str(uuid.uuid4()), "platform": "x", **more}
    request = bank_pb.LearnSignalRequest(
        text=text, verdict=verdict, source_time=stamp(source), **values
    )
    if verdict != UNDECIDED:
        request.provenance = more.get("provenance", enums.SIGNAL_PROVENANCE_REVIEW)
        request.decide_time.CopyFrom(stamp(source))
    return request


def assess_request(text: str, **more: Any) -> pb.AssessRequest:
    values = {"item_id": str(uuid.uuid4()), "kind": enums.CONTENT_KIND_POST, **more}
    return pb.AssessRequest(text=text, **values)


@asynccontextmanager
async def serving(pki: Pki, urls: DatabaseUrls) -> AsyncIterator[Classification]:
    tls = pki.tls("service/classification")
    settings = ClassificationSettings(
        service="classification", tls=tls, database=urls.settings(), signal_key=KEY
    )
    executor, clock = ThreadPoolExecutor(2), FrozenClock(NOW)
    # A machine under test may be slow.
    pictures = PictureReader(Limits(seconds=40))
    bank = Bank.of(settings, RULES.entities, executor, clock)
    assert bank is not None
    server = grpc.aio.server(interceptors=(ServerInterceptor(AllowList.read()),))
    servicer = ClassificationServicer(RULES, executor, clock, pictures, bank.asking)
    pb_grpc.add_ClassificationServiceServicer_to_server(servicer, server)
    bank.servicer.register(server)
    port = server.add_secure_port("127.0.0.1:0", server_credentials(tls))
    await server.start()
    name = grpc_client.server_name("classification")
    channels = [
        grpc_client.channel(f"127.0.0.1:{port}", pki.tls(who), name, retry=False)
        for who in ("service/worker", "operator/dev")
    ]
    try:
        yield Classification(clock, bank, urls, *channels, f"127.0.0.1:{port}")
    finally:
        for channel in channels:
            await channel.close()
        await server.stop(0)
        executor.shutdown(wait=True, cancel_futures=True)
        await bank.close()
        await pictures.close()
