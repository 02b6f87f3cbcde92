"""SignalBankService: what was decided once serves again."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from concurrent.futures import Executor
from typing import Any, Final
from uuid import UUID

import grpc
from sqlalchemy.ext.asyncio import AsyncEngine

from services.classification.bank import campaigns, wire
from services.classification.bank.digests import Digester
from services.classification.bank.keys import Content
from services.classification.bank.pictures import comparable
from services.classification.bank.store import Store
from services.classification.bank.suggestions import Suggestion
from services.classification.domain import AssessmentInput, Entity
from services.classification.pictures.facts import PictureFacts
from services.kernel import telemetry
from services.kernel.clock import Clock
from services.kernel.errors import invalid
from services.kernel.identity import current_identity
from services.kernel.page_tokens import page_token, read_token
from takedown.classification.v1 import signal_bank_service_pb2 as pb
from takedown.classification.v1 import signal_bank_service_pb2_grpc as pb_grpc

BANK: Final = "takedown.classification.v1.SignalBankService"
DEFAULT_PAGE: Final = 50
DEFAULT_SUGGESTIONS: Final = 20
Entities = Callable[[AssessmentInput], Sequence[Entity]]


class SignalBankServicer(pb_grpc.SignalBankServiceServicer):
    """Digests are made on ``executor``."""

    def __init__(
        self,
        engine: AsyncEngine,
        digester: Digester,
        entities: Entities,
        executor: Executor,
        clock: Clock,
    ) -> None:
        self._engine = engine
        self._store = Store(engine, clock)
        self._digester = digester
        self._entities = entities
        self._executor = executor
        self._clock = clock
        self._learnt = telemetry.meter().create_counter(telemetry.SIGNALS_LEARNT)

    def register(self, server: grpc.aio.Server) -> str:
        pb_grpc.add_SignalBankServiceServicer_to_server(self, server)
        return BANK

    async def LearnSignal(  # noqa: N802
        self, request: pb.LearnSignalRequest, context: Any
    ) -> pb.LearnSignalResponse:
        telemetry.bind_referral(request.referral_id)
        statement = wire.statement(request)
        # Most statements are made again: they need no digests.
        standing = await self._store.standing(statement.referral_id, statement.source_time)
        if standing is not None:
            return pb.LearnSignalResponse(signal_id=str(standing))
        signal_id, changed = await self._store.learn(statement, await self._content(request))
        if changed:
            self._learnt.add(1, {"verdict": statement.verdict.value})
        return pb.LearnSignalResponse(signal_id=str(signal_id), changed=changed)

    async def DescribeSignalBank(  # noqa: N802
        self, request: pb.DescribeSignalBankRequest, context: Any
    ) -> pb.DescribeSignalBankResponse:
        newest, active = await self._store.describe()
        answer = pb.DescribeSignalBankResponse(active=active)
        if newest is not None:
            answer.last_source_time.FromDatetime(newest)
        return answer

    async def ListSignals(  # noqa: N802
        self, request: pb.ListSignalsRequest, context: Any
    ) -> pb.ListSignalsResponse:
        size = request.page_size or DEFAULT_PAGE
        after = (
            read_token(request.page_token, "page_token", UUID)[0] if request.page_token else None
        )
        rows = await self._store.page(
            size + 1,
            after,
            wire.verdict_word(request.verdict),
            UUID(request.referral_id) if request.referral_id else None,
            every=request.include_inactive,
        )
        more = len(rows) > size
        return pb.ListSignalsResponse(
            signals=[wire.signal(row) for row in rows[:size]],
            next_page_token=page_token(rows[size - 1]["signal_id"]) if more else "",
        )

    async def AddNegativeSignal(  # noqa: N802
        self, request: pb.AddNegativeSignalRequest, context: Any
    ) -> pb.AddNegativeSignalResponse:
        wire.refuse_unstorable("note", request.note)
        loop = asyncio.get_running_loop()
        text = await loop.run_in_executor(self._executor, self._digester.text, request.text)
        if text.digest is None:
            raise invalid("text", "NO_WORDS", "The text holds no word to know it again by.")
        negative = wire.negative(request, str(current_identity()))
        row = await self._store.add_negative(negative, text)
        return pb.AddNegativeSignalResponse(signal=wire.signal(row))

    async def WithdrawSignal(  # noqa: N802
        self, request: pb.WithdrawSignalRequest, context: Any
    ) -> pb.WithdrawSignalResponse:
        wire.refuse_unstorable("note", request.note)
        row = await self._store.withdraw(
            UUID(request.signal_id), str(current_identity()), request.note
        )
        return pb.WithdrawSignalResponse(signal=wire.signal(row))

    async def ListCampaignSuggestions(  # noqa: N802
        self, request: pb.ListCampaignSuggestionsRequest, context: Any
    ) -> pb.ListCampaignSuggestionsResponse:
        size = request.page_size or DEFAULT_SUGGESTIONS
        after = (
            read_token(request.page_token, "page_token", _negated, UUID)
            if request.page_token
            else []
        )
        shared = await campaigns.read(self._engine, self._clock.now(), test=request.test)
        loop = asyncio.get_running_loop()
        found: list[Suggestion] = await loop.run_in_executor(self._executor, shared.suggestions)
        if after:
            found = [one for one in found if one.rank > (after[0], after[1])]
        more = len(found) > size
        token = page_token(*found[size - 1].rank) if more else ""
        return pb.ListCampaignSuggestionsResponse(
            suggestions=[wire.suggestion(one) for one in found[:size]], next_page_token=token
        )

    async def _content(self, request: pb.LearnSignalRequest) -> Content:
        pictures = wire.pictures(request.pictures)
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(
            self._executor, self._digested, request.text, request.referral_id, pictures
        )

    def _digested(self, text: str, item_id: str, pictures: Sequence[PictureFacts]) -> Content:
        named = self._entities(AssessmentInput(item_id, text, self._clock.now()))
        return Content(
            self._digester.text(text),
            self._digester.contacts(named),
            tuple(picture for picture in pictures if comparable(picture)),
        )


def _negated(value: Any) -> int:
    """A size in a token, as it stands in a suggestion's rank."""
    if type(value) is not int or value >= 0:
        raise ValueError("no size")
    return value
