"""Assessing a referral: which pictures go to the classifier, and that a missing one blocks nothing.

Record and classifier are servers that answer as told.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import dataclass, field, replace
from typing import Any

import grpc
import pytest
from temporalio.exceptions import ApplicationError
from temporalio.testing import ActivityEnvironment

from takedown.classification.v1 import classification_service_pb2 as pb
from takedown.classification.v1.classification_service_pb2_grpc import (
    ClassificationServiceServicer,
    add_ClassificationServiceServicer_to_server,
)
from takedown.intake.v1 import record_service_pb2 as record_pb
from takedown.intake.v1 import referral_service_pb2 as referral_pb
from takedown.intake.v1.record_service_pb2_grpc import (
    RecordServiceServicer,
    add_RecordServiceServicer_to_server,
)
from takedown.intake.v1.referral_service_pb2_grpc import (
    ReferralServiceServicer,
    add_ReferralServiceServicer_to_server,
)
from takedown.referral.v1 import enums_pb2 as enums
from takedown.referral.v1 import referral_pb2
from workflows.activities.classification import PATIENCE, ClassificationActivities
from workflows.activities.intake import IntakeActivities
from workflows.contracts import AssessmentFacts, AssessRequest

MEBIBYTE = 1 << 20


@dataclass
class Record(RecordServiceServicer, ReferralServiceServicer):
    """One referral; evidence without contents is ``refused``."""

    referral: referral_pb2.Referral = field(default_factory=referral_pb2.Referral)
    contents: dict[str, bytes] = field(default_factory=dict)
    refused: grpc.StatusCode = grpc.StatusCode.NOT_FOUND
    appended: list[Any] = field(default_factory=list)

    async def GetReferral(self, request: Any, context: Any) -> Any:  # noqa: N802
        return referral_pb.GetReferralResponse(referral=self.referral)

    async def GetEvidence(self, request: Any, context: Any) -> Any:  # noqa: N802
        if request.evidence_id not in self.contents:
            await context.abort(self.refused, "not here")
        return record_pb.GetEvidenceResponse(content=self.contents[request.evidence_id])

    async def AppendEvents(self, request: Any, context: Any) -> Any:  # noqa: N802
        self.appended += request.events
        return record_pb.AppendEventsResponse()

    def hold(self, name: str, media_type: str = "image/png", size: int = 10) -> None:
        """Another submission with this evidence."""
        self.referral.submissions.add().evidence.add(
            evidence_id=name, media_type=media_type, sha256=name, size_bytes=size
        )
        self.contents[name] = f"bytes of {name}".encode()


@dataclass
class Classifier(ClassificationServiceServicer):
    away: bool = False
    asked: list[pb.AssessRequest] = field(default_factory=list)
    patience: list[float] = field(default_factory=list)

    async def Assess(self, request: Any, context: Any) -> Any:  # noqa: N802
        if self.away:
            await context.abort(grpc.StatusCode.UNAVAILABLE, "away")
        self.asked.append(request)
        self.patience.append(context.time_remaining())
        answer = pb.AssessResponse()
        answer.assessment.decision = enums.ASSESSMENT_DECISION_REFER
        return answer


@dataclass
class Office:
    record: Record
    classifier: Classifier
    activities: ClassificationActivities

    async def assess(self, attempt: int = 1) -> AssessmentFacts:
        environment = ActivityEnvironment()
        environment.info = replace(environment.info, attempt=attempt)
        request = AssessRequest("018f", "key")
        facts: AssessmentFacts = await environment.run(self.activities.assess_referral, request)
        return facts

    @property
    def pictures(self) -> list[bytes]:
        return [picture.content for picture in self.classifier.asked[-1].pictures]


@pytest.fixture
async def office() -> AsyncIterator[Office]:
    record, classifier = Record(), Classifier()
    server = grpc.aio.server()
    add_RecordServiceServicer_to_server(record, server)
    add_ReferralServiceServicer_to_server(record, server)
    add_ClassificationServiceServicer_to_server(classifier, server)
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    async with AsyncExitStack() as stack:
        stack.push_async_callback(server.stop, 0)
        channel = await stack.enter_async_context(grpc.aio.insecure_channel(f"127.0.0.1:{port}"))
        activities = ClassificationActivities(channel, IntakeActivities(channel))
        yield Office(record, classifier, activities)


async def test_the_first_two_pictures_are_shown_to_the_classifier(office: Office) -> None:
    office.record.hold("page", media_type="text/html")
    office.record.hold("large", size=MEBIBYTE + 1)
    for name in ("one", "one", "two", "three"):
        office.record.hold(name, media_type="image/jpeg")
    facts = await office.assess()
    assert office.pictures == [b"bytes of one", b"bytes of two"]
    assert facts.warnings == ("Only 2 of 4 pictures were looked at.",)
    assert facts.decision == "REFER"
    (event,) = office.record.appended
    assert list(event.event.assessment.warnings) == list(facts.warnings)
    assert office.classifier.patience[-1] > 6


async def test_without_pictures_the_classifier_is_given_less_time(office: Office) -> None:
    office.record.hold("page", media_type="text/html")
    await office.assess()
    assert office.pictures == []
    assert office.classifier.patience[-1] < 6


@pytest.mark.parametrize("test", [True, False])
async def test_whether_it_is_a_test_is_told(office: Office, test: bool) -> None:
    office.record.referral.test = test
    await office.assess()
    assert office.classifier.asked[-1].test is test


@pytest.mark.parametrize(
    "code",
    [
        grpc.StatusCode.NOT_FOUND,
        grpc.StatusCode.PERMISSION_DENIED,
        grpc.StatusCode.UNIMPLEMENTED,
    ],
)
async def test_evidence_that_cannot_be_had_is_left_out_and_that_is_told(
    office: Office, code: grpc.StatusCode
) -> None:
    office.record.hold("one")
    office.record.hold("two")
    del office.record.contents["one"]
    office.record.refused = code
    facts = await office.assess()
    assert office.pictures == [b"bytes of two"]
    assert facts.warnings == ("1 of 2 pictures could not be fetched.",)


async def test_a_record_that_is_away_is_asked_again_and_in_the_end_done_without(
    office: Office,
) -> None:
    office.record.hold("one")
    office.record.contents.clear()
    office.record.refused = grpc.StatusCode.UNAVAILABLE
    with pytest.raises(ApplicationError) as failed:
        await office.assess()
    assert not failed.value.non_retryable
    assert office.classifier.asked == []
    facts = await office.assess(attempt=PATIENCE)
    assert office.pictures == []
    assert facts.warnings == ("1 of 1 pictures could not be fetched.",)


async def test_a_classifier_that_stays_away_leaves_it_to_a_person(office: Office) -> None:
    office.classifier.away = True
    with pytest.raises(ApplicationError) as failed:
        await office.assess()
    assert not failed.value.non_retryable
    facts = await office.assess(attempt=PATIENCE)
    assert facts.decision == "REVIEW"
    assert office.record.appended == []
