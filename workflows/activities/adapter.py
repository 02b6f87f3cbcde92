"""Where a referral becomes a takedown: the notice goes to the platform's adapter."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import grpc
from google.protobuf import json_format
from google.protobuf.duration_pb2 import Duration
from temporalio import activity
from temporalio.exceptions import ApplicationError

from services.kernel import telemetry
from takedown.adapter.v1 import platform_adapter_service_pb2 as pb
from takedown.adapter.v1.platform_adapter_service_pb2_grpc import PlatformAdapterServiceStub
from takedown.referral.v1 import referral_pb2
from workflows import contracts
from workflows.activities.failures import beating, notice_failure
from workflows.activities.intake import IntakeActivities
from workflows.contracts import (
    ClarificationRequest,
    NoticeRequest,
    NoticeResult,
    PlatformPolicy,
    WithdrawRequest,
)

DEADLINE = 40.0
_REASON_LIMIT = 8000
# Parts of the policy that an adapter made before them does not know: our default holds.
_YOUNGER = frozenset({"contradiction_patience"})


class AdapterActivities:
    """``channels`` holds one channel per platform slug."""

    def __init__(self, channels: Mapping[str, grpc.aio.Channel], intake: IntakeActivities) -> None:
        self._adapters = {
            slug: PlatformAdapterServiceStub(channel) for slug, channel in channels.items()
        }
        self._intake = intake

    @activity.defn(name=contracts.ACTIVITY_SUBMIT_NOTICE)
    async def submit_notice(self, request: NoticeRequest) -> NoticeResult:
        """Idempotent on notice_id at the adapter and at the platform.

        Raises:
            ApplicationError: ERROR_REFUSED (final), or retryable with the platform's pause.
        """
        telemetry.bind_referral(request.referral_id)
        referral = await self._intake.read(request.referral_id)
        adapter = self._adapters[referral.content.platform]
        try:
            async with beating():
                answer = await adapter.SubmitNotice(_notice(request, referral), timeout=DEADLINE)
        except grpc.aio.AioRpcError as error:
            raise notice_failure(error) from error
        detail = dict(json_format.MessageToDict(answer.notice))
        return NoticeResult(detail=detail, policy=policy_of(answer.policy))

    @activity.defn(name=contracts.ACTIVITY_WITHDRAW_NOTICE)
    async def withdraw_notice(self, request: WithdrawRequest) -> None:
        withdrawal = pb.WithdrawNoticeRequest(
            notice_id=request.notice_id, reason="The referrer has taken the referral back."
        )
        try:
            async with beating():
                await self._adapters[request.platform].WithdrawNotice(withdrawal, timeout=DEADLINE)
        except grpc.aio.AioRpcError as error:
            raise notice_failure(error) from error

    @activity.defn(name=contracts.ACTIVITY_ANSWER_CLARIFICATION)
    async def answer_clarification(self, request: ClarificationRequest) -> None:
        """Idempotent on (notice_id, clarification_id) at the adapter and at the platform.

        Raises:
            ApplicationError: ERROR_REFUSED (final), or retryable with the platform's pause.
        """
        telemetry.bind_referral(request.referral_id)
        referral = await self._intake.read(request.referral_id)
        answer = pb.AnswerClarificationRequest(
            notice_id=request.notice_id,
            clarification_id=request.clarification_id,
            answer=_words(referral, request.clarification_id),
        )
        try:
            async with beating():
                await self._adapters[request.platform].AnswerClarification(answer, timeout=DEADLINE)
        except grpc.aio.AioRpcError as error:
            raise notice_failure(error) from error


def _words(referral: referral_pb2.Referral, clarification_id: str) -> str:
    """What the record says in answer; the words go from there to the adapter, not through us."""
    for clarification in reversed(referral.clarifications):
        if clarification.clarification_id == clarification_id and clarification.answer:
            return clarification.answer
    raise ApplicationError("the answer is not on record", type="ANSWER_NOT_ON_RECORD")


def _notice(request: NoticeRequest, referral: referral_pb2.Referral) -> pb.SubmitNoticeRequest:
    """The notice from the record as it stands: what every active submission says, once."""
    active = [s for s in referral.submissions if not s.HasField("withdraw_time")]
    grounds = list(dict.fromkeys(g for s in active for g in s.legal_grounds))
    reasons = dict.fromkeys(s.reason for s in active if s.reason)
    notice = pb.SubmitNoticeRequest(
        notice_id=request.notice_id,
        referral_id=request.referral_id,
        number=request.number,
        content=referral.content,
        legal_grounds=grounds,
        urgency=referral.urgency,
        referrers=list(dict.fromkeys(s.referrer for s in active)),
        reason="\n\n".join(reasons)[:_REASON_LIMIT],
        test=request.test,
    )
    if active:
        notice.terms_ground = active[0].terms_ground
    countries = [set(s.territorial_scope.countries) for s in active]
    # One submission that asks for a worldwide removal makes the notice worldwide.
    if countries and all(countries):
        notice.territorial_scope.countries.extend(sorted(set().union(*countries)))
    if referral.HasField("departure_time"):
        notice.departure_time.CopyFrom(referral.departure_time)
    notice.prepare_time.FromDatetime(datetime.fromisoformat(request.prepared_at).astimezone(UTC))
    return notice


def policy_of(policy: pb.PlatformPolicy) -> PlatformPolicy:
    """The profile's policy. A duration that the profile does not give fails closed."""
    values: dict[str, Any] = {}
    for name in PlatformPolicy.__dataclass_fields__:
        value = getattr(policy, name)
        if isinstance(value, Duration):
            if not policy.HasField(name):  # type: ignore[arg-type]
                if name in _YOUNGER:
                    continue
                raise ValueError(f"the adapter's policy does not say {name}")
            values[name] = value.ToTimedelta().total_seconds()
    values["observation_cadence"] = tuple(
        item.ToTimedelta().total_seconds() for item in policy.observation_cadence
    )
    values["quorum"] = policy.quorum
    values["renotice_limit"] = policy.renotice_limit
    rule = pb.ConfirmationRule.Name(policy.confirmation)
    values["confirmation"] = rule.removeprefix("CONFIRMATION_RULE_")
    return PlatformPolicy(**values)
