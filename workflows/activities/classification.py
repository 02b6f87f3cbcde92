"""Assess a referral: text and pictures go from the record to the classifier, past Temporal."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from datetime import UTC, datetime

import grpc
from temporalio import activity

from services.kernel import telemetry
from services.kernel.grpc_errors import from_rpc_error
from takedown.classification.v1 import classification_service_pb2 as pb
from takedown.classification.v1.classification_service_pb2_grpc import ClassificationServiceStub
from takedown.intake.v1 import record_service_pb2 as record_pb
from takedown.referral.v1 import assessment_pb2, enums_pb2, event_pb2, referral_pb2
from workflows import contracts
from workflows.activities.failures import again
from workflows.activities.intake import ACTOR, IntakeActivities
from workflows.contracts import AssessmentFacts, AssessRequest
from workflows.delivered import time_text

DEADLINE = 5.0
# Looking at pictures takes seconds.
DEADLINE_WITH_PICTURES = 12.0
# As many, and of so many bytes each, as the classifier takes.
PICTURES = 2
PICTURE_BYTES = 1 << 20
# Attempts, up to fifteen seconds apart: some ten minutes.
PATIENCE = 45


@dataclass(frozen=True)
class Found:
    """Pictures to be looked at, and English sentences on those that will not be."""

    contents: list[bytes]
    warnings: list[str]


class ClassificationActivities:
    def __init__(self, channel: grpc.aio.Channel, intake: IntakeActivities) -> None:
        self._classification = ClassificationServiceStub(channel)
        self._intake = intake

    @activity.defn(name=contracts.ACTIVITY_ASSESS)
    async def assess_referral(self, request: AssessRequest) -> AssessmentFacts:
        """Assess, put the whole assessment on record, and return what the policy needs.

        Never fails for good: after PATIENCE attempts, or for a text that the classifier
        refuses, the referral goes to a person instead of waiting for a machine.
        """
        telemetry.bind_referral(request.referral_id)
        referral = await self._intake.read(request.referral_id)
        try:
            assessment = await self._assess(referral)
        except grpc.aio.AioRpcError as error:
            failure = from_rpc_error(error)
            if failure.retryable and activity.info().attempt < PATIENCE:
                raise again(failure) from error
            return AssessmentFacts(0.0, "UNKNOWN", "REVIEW", "", (f"{failure.reason}",))
        await self._intake.append(request.referral_id, [_event(request.event_key, assessment)])
        return _facts(assessment)

    async def _assess(self, referral: referral_pb2.Referral) -> assessment_pb2.Assessment:
        found = await self._pictures(referral)
        request = pb.AssessRequest(
            item_id=referral.referral_id,
            text=referral.content.text,
            language_hint=referral.content.language[:35],
            platform=referral.content.platform,
            kind=referral.content.kind,
            reference_time=referral.create_time,
            pictures=[pb.Picture(content=content) for content in found.contents],
            test=referral.test,
        )
        deadline = DEADLINE_WITH_PICTURES if found.contents else DEADLINE
        answer = await self._classification.Assess(request, timeout=deadline)
        answer.assessment.warnings.extend(found.warnings)
        return answer.assessment

    async def _pictures(self, referral: referral_pb2.Referral) -> Found:
        """The first pictures among the evidence, each once."""
        every = {
            item.sha256: item
            for submission in referral.submissions
            for item in submission.evidence
            if item.media_type.startswith("image/")
        }
        fitting = [item for item in every.values() if item.size_bytes <= PICTURE_BYTES]
        chosen = fitting[:PICTURES]
        fetched = await asyncio.gather(*(self._fetch(item.evidence_id) for item in chosen))
        contents = [content for content in fetched if content]
        warnings = []
        if len(contents) < len(chosen):
            missing = len(chosen) - len(contents)
            warnings.append(f"{missing} of {len(chosen)} pictures could not be fetched.")
        if len(chosen) < len(every):
            warnings.append(f"Only {len(chosen)} of {len(every)} pictures were looked at.")
        return Found(contents, warnings)

    async def _fetch(self, evidence_id: str) -> bytes | None:
        """None for what cannot be had: that never holds a referral up."""
        try:
            return await self._intake.evidence(evidence_id)
        except grpc.aio.AioRpcError as error:
            failure = from_rpc_error(error)
            if failure.retryable and activity.info().attempt < PATIENCE:
                raise
            return None


def _event(key: str, assessment: assessment_pb2.Assessment) -> record_pb.NewEvent:
    new = record_pb.NewEvent(event_key=key)
    new.event.type = event_pb2.REFERRAL_EVENT_TYPE_ASSESSED
    new.event.actor = ACTOR
    new.event.trace_id = telemetry.current_trace_id()
    new.event.occur_time.FromDatetime(datetime.now(UTC))
    new.event.assessment.CopyFrom(assessment)
    return new


def _facts(assessment: assessment_pb2.Assessment) -> AssessmentFacts:
    decision = enums_pb2.AssessmentDecision.Name(assessment.decision)
    # Of what is taken for no advert nobody need confirm when it leaves: a ferry, mostly.
    proposed = assessment.decision != enums_pb2.ASSESSMENT_DECISION_SUGGEST_REJECT
    return AssessmentFacts(
        probability=assessment.probability,
        speech_act=enums_pb2.SpeechAct.Name(assessment.speech_act).removeprefix("SPEECH_ACT_"),
        decision=decision.removeprefix("ASSESSMENT_DECISION_"),
        model_version=assessment.model_version,
        warnings=tuple(assessment.warnings),
        departure_time=time_text(assessment, "departure_time") if proposed else "",
    )
