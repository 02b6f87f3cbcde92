"""Carries what the record says of content to the signal bank, a page at a time."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from datetime import UTC, datetime
from typing import Any, Final

import grpc
import structlog
from temporalio import activity

from services.kernel.errors import ErrorKind
from services.kernel.grpc_errors import from_rpc_error
from takedown.classification.v1 import signal_bank_service_pb2 as bank_pb
from takedown.classification.v1.signal_bank_service_pb2_grpc import SignalBankServiceStub
from takedown.intake.v1 import referral_service_pb2 as pb
from takedown.intake.v1.referral_service_pb2_grpc import ReferralServiceStub
from takedown.referral.v1 import referral_pb2
from workflows import sweep_contracts, verdicts
from workflows.activities.failures import beating, call_failure
from workflows.sweep_contracts import BankSurvey, LearnPageRequest, LearntPage

CALL_SECONDS: Final = 8.0
# Well below the largest message: a referral with all its notices has some kilobytes.
PAGE_SIZE: Final = 100
# One after the other, with a pause: on an action day thousands are stated, and nobody waits for it.
PAUSE: Final = 0.1
REMEMBERED: Final = 50_000
# What the bank will never take, however often it is said.
_FINAL: Final = frozenset({ErrorKind.INVALID, ErrorKind.OUT_OF_RANGE})
_log = structlog.get_logger("signal_bank")


class SignalBankActivities:
    """``intake`` holds the record, ``classification`` the bank."""

    def __init__(self, intake: grpc.aio.Channel, classification: grpc.aio.Channel) -> None:
        self._referrals = ReferralServiceStub(intake)
        self._bank = SignalBankServiceStub(classification)
        self._said = Said()

    def all(self) -> list[Any]:
        return [self.survey_signal_bank, self.learn_page]

    @activity.defn(name=sweep_contracts.ACTIVITY_SURVEY_SIGNAL_BANK)
    async def survey_signal_bank(self) -> BankSurvey:
        """Up to which change the bank has been told; not served where it is not set up."""
        try:
            answer = await self._bank.DescribeSignalBank(
                bank_pb.DescribeSignalBankRequest(), timeout=CALL_SECONDS
            )
        except grpc.aio.AioRpcError as error:
            if error.code() is grpc.StatusCode.UNIMPLEMENTED:
                return BankSurvey(served=False)
            raise call_failure(error) from error
        if not answer.HasField("last_source_time"):
            return BankSurvey(served=True)
        told = answer.last_source_time.ToDatetime(tzinfo=UTC)
        return BankSurvey(served=True, last_source_time=told.isoformat())

    @activity.defn(name=sweep_contracts.ACTIVITY_LEARN_PAGE)
    async def learn_page(self, request: LearnPageRequest) -> LearntPage:
        """State one page. Idempotent: a statement that stands already changes nothing."""
        page = await self._page(request)
        if not request.since and not request.page_token:
            self._said.forget()
        self._said.begin(request.begun_at, request.last_source_time)
        ended: list[bool | None] = []
        failures: list[Exception] = []
        async with beating():
            for referral in page.referrals:
                try:
                    ended.append(await self._learn(referral))
                except Exception as error:
                    failures.append(error)
        # Only when the whole page was tried: the next attempt finds less to do.
        if failures:
            raise failures[0]
        return LearntPage(
            referrals=len(ended),
            changed=sum(found is True for found in ended),
            refused=sum(found is None for found in ended),
            next_page_token=page.next_page_token,
        )

    async def _page(self, request: LearnPageRequest) -> pb.ListReferralsResponse:
        listed = pb.ListReferralsRequest(page_size=PAGE_SIZE, page_token=request.page_token)
        if request.since:
            listed.updated_since.FromDatetime(datetime.fromisoformat(request.since))
        try:
            return await self._referrals.ListReferrals(listed, timeout=CALL_SECONDS)
        except grpc.aio.AioRpcError as error:
            raise call_failure(error) from error

    async def _learn(self, referral: referral_pb2.Referral) -> bool | None:
        """Whether the bank learnt something; None when it will never take this."""
        if self._said.knows(referral):
            return False
        try:
            answer = await self._bank.LearnSignal(statement(referral), timeout=CALL_SECONDS)
        except grpc.aio.AioRpcError as error:
            failure = from_rpc_error(error)
            if failure.kind not in _FINAL:
                raise call_failure(error) from error
            _log.warning(
                "signal_refused", referral_id=referral.referral_id,
                fields=[violation.field for violation in failure.violations],
            )  # fmt: skip
            return None
        self._said.note(referral)
        changed: bool = answer.changed
        if changed:
            await asyncio.sleep(PAUSE)
        return changed


class Said:
    """What this process has stated, so that the overlap of two runs is not stated twice.

    It counts only while the bank has not gone back: a bank that was lost or restored knows of
    an earlier change than the newest that was stated, and is told everything again.
    """

    def __init__(self, most: int = REMEMBERED) -> None:
        self._times: OrderedDict[str, datetime] = OrderedDict()
        self._most = most
        self._run = ""
        self._newest: datetime | None = None

    def begin(self, run: str, last_source_time: str) -> None:
        """A page of the run that began at ``run``, when the bank knew of ``last_source_time``."""
        if run == self._run:
            return
        self._run = run
        newest = self._newest
        if newest and (not last_source_time or datetime.fromisoformat(last_source_time) < newest):
            self.forget()

    def forget(self) -> None:
        self._times.clear()
        self._newest = None

    def knows(self, referral: referral_pb2.Referral) -> bool:
        return self._times.get(referral.referral_id) == _changed_at(referral)

    def note(self, referral: referral_pb2.Referral) -> None:
        changed = _changed_at(referral)
        self._times[referral.referral_id] = changed
        self._times.move_to_end(referral.referral_id)
        if len(self._times) > self._most:
            self._times.popitem(last=False)
        self._newest = max(changed, self._newest or changed)


def _changed_at(referral: referral_pb2.Referral) -> datetime:
    changed: datetime = referral.update_time.ToDatetime(tzinfo=UTC)
    return changed


def statement(referral: referral_pb2.Referral) -> bank_pb.LearnSignalRequest:
    """What the record says of one referral's content, and how its pictures were hashed."""
    found = verdicts.verdict(referral)
    return bank_pb.LearnSignalRequest(
        referral_id=referral.referral_id,
        source_time=referral.update_time,
        verdict=found.verdict,
        provenance=found.provenance,
        decide_time=found.decide_time,
        platform=referral.content.platform,
        campaign_id=referral.campaign_id,
        test=referral.test,
        text=referral.content.text,
        pictures=referral.assessment.pictures,
    )
