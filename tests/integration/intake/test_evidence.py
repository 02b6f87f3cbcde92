"""Evidence: its bytes are for the worker, which hands them to classification."""

from __future__ import annotations

import hashlib
from typing import Any
from uuid import uuid4

import pytest

from services.kernel.errors import ErrorKind
from takedown.intake.v1 import record_service_pb2 as record_pb
from takedown.intake.v1 import referral_service_pb2 as pb
from takedown.referral.v1 import referral_pb2
from tests.integration.intake.serving import Intake, submission
from tests.integration.refusing import refused

CONTENT = b"\x89PNG and more"


async def submitted(intake: Intake) -> referral_pb2.Evidence:
    """What the record says of a piece of evidence that came with a referral."""
    request = submission()
    request.evidence.add(
        file_name="shot.png", media_type="image/png", content=CONTENT,
        sha256=hashlib.sha256(CONTENT).hexdigest(),
    )  # fmt: skip
    answer = await intake.referrals().SubmitReferral(request, timeout=5)
    read = pb.GetReferralRequest(referral_id=answer.referral.referral_id)
    known = await intake.referrals("service/worker").GetReferral(read, timeout=5)
    evidence: referral_pb2.Evidence = known.referral.submissions[0].evidence[0]
    return evidence


def asked(evidence_id: str) -> record_pb.GetEvidenceRequest:
    return record_pb.GetEvidenceRequest(evidence_id=evidence_id)


async def test_the_worker_gets_what_was_submitted(intake: Intake) -> None:
    evidence = await submitted(intake)
    found = await intake.record().GetEvidence(asked(evidence.evidence_id), timeout=5)
    assert found.content == CONTENT
    assert found.evidence == evidence
    assert found.evidence.size_bytes == len(CONTENT)


async def test_unknown_evidence_is_refused_with_a_remedy(intake: Intake) -> None:
    error = await refused(intake.record().GetEvidence(asked(str(uuid4())), timeout=5))
    assert (error.kind, error.reason) == (ErrorKind.NOT_FOUND, "EVIDENCE_NOT_FOUND")
    assert "take the id from" in error.message


@pytest.mark.parametrize("wrong", ["", "1234", "../evidence"])
async def test_an_id_that_is_none_is_refused_by_field(intake: Intake, wrong: str) -> None:
    error = await refused(intake.record().GetEvidence(asked(wrong), timeout=5))
    assert [violation.field for violation in error.violations] == ["evidence_id"]


@pytest.mark.parametrize("who", ["referrer/nca", "operator/ann", "service/classification"])
async def test_nobody_else_gets_the_bytes(intake: Intake, who: str) -> None:
    evidence: Any = await submitted(intake)
    error = await refused(intake.record(who).GetEvidence(asked(evidence.evidence_id), timeout=5))
    assert error.kind is ErrorKind.PERMISSION_DENIED
