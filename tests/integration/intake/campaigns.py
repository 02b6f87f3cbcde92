"""Campaigns of referrals, and requests to act on them."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

from takedown.intake.v1 import casework_service_pb2 as pb
from takedown.intake.v1 import referral_service_pb2 as referral_pb
from takedown.referral.v1 import enums_pb2 as enums
from tests.integration.intake.lives import ahead
from tests.integration.intake.serving import Intake, submission

CAMPAIGN = "spring-boats"


async def many(intake: Intake, count: int, campaign: str = CAMPAIGN) -> list[str]:
    items = [submission(n, campaign_id=campaign) for n in range(1, count + 1)]
    request = referral_pb.BatchSubmitReferralsRequest(requests=items)
    answer = await intake.referrals().BatchSubmitReferrals(request, timeout=10)
    return [result.response.referral.referral_id for result in answer.results]


def action(name: str = "WITHDRAW", **changes: Any) -> pb.ActOnCampaignRequest:
    values: dict[str, Any] = {
        "campaign_id": CAMPAIGN,
        "request_id": str(uuid4()),
        "action": enums.CampaignAction.Value(f"CAMPAIGN_ACTION_{name}"),
        "note": "sent by mistake",
    }
    if name == "PLACE_HOLD":
        values |= {"hold_reason": enums.HOLD_REASON_SURVEILLANCE, "expire_time": ahead(days=2)}
    return pb.ActOnCampaignRequest(**{**values, **changes})


def approval(approval_id: str, **changes: Any) -> pb.ApproveCampaignActionRequest:
    values = {"approval_id": approval_id, "request_id": str(uuid4())}
    return pb.ApproveCampaignActionRequest(**{**values, **changes})
