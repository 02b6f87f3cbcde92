"""How requests are read: messages from outside as checked values."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final, NamedTuple
from uuid import UUID

from google.protobuf import json_format

from services.intake import submission
from services.intake.canonical import ContentIdentity
from services.intake.domain import Event
from services.intake.hold_rules import HoldWish
from services.intake.submission import Evidence, NewSubmission
from services.intake.wire import EVENT_TYPE, STATE
from services.kernel.ids import uuid7
from services.kernel.moments import moment
from takedown.intake.v1 import record_service_pb2 as record_pb
from takedown.intake.v1 import referral_service_pb2 as pb
from takedown.referral.v1 import enums_pb2 as enums
from takedown.referral.v1 import event_pb2

_URGENCIES: Final = {
    number: name.removeprefix("URGENCY_") for name, number in enums.Urgency.items()
}


def digest(request: Any) -> bytes:
    """SHA-256 of a request without its request_id: tells a replay from another body."""
    body = type(request)()
    body.CopyFrom(request)
    body.request_id = ""
    return hashlib.sha256(body.SerializeToString(deterministic=True)).digest()


class Arrival(NamedTuple):
    """What all submissions of one call have in common.

    ``platforms``: those that are served here; empty: all.
    """

    referrer: str
    actor: str
    now: datetime
    accept_real: bool
    platforms: frozenset[str] = frozenset()
    traceparent: str = ""
    trace_id: str = ""


def identify(request: pb.SubmitReferralRequest, arrival: Arrival) -> ContentIdentity:
    """The content that a request names.

    Raises:
        DomainError: INVALID on its URL.
    """
    return submission.identify(request.content.url, arrival.platforms)


def read_submission(
    request: pb.SubmitReferralRequest, identity: ContentIdentity, arrival: Arrival
) -> NewSubmission:
    """A checked submission.

    Raises:
        DomainError: INVALID naming each field, its reason and what to do.
    """
    urgency = _URGENCIES[request.urgency or enums.URGENCY_ROUTINE]
    departure = (
        moment(request.departure_time, "departure_time")
        if request.HasField("departure_time")
        else None
    )
    hold = _hold(request, arrival.actor)
    evidence = tuple(
        Evidence(uuid7(), e.file_name, e.media_type, e.sha256, e.content) for e in request.evidence
    )
    submission.check(
        texts={
            "content.text": request.content.text,
            "reason": request.reason,
            "reference": request.reference,
            "hold.note": request.hold.note,
        },
        urgency=urgency,
        departure_time=departure,
        evidence=evidence,
        test=request.test,
        accept_real=arrival.accept_real,
        now=arrival.now,
        hold=hold,
    )
    return NewSubmission(
        submission_id=uuid7(),
        referral_id=uuid7(),
        referrer=arrival.referrer,
        actor=arrival.actor,
        request_id=UUID(request.request_id),
        body_sha256=digest(request),
        identity=identity,
        url=request.content.url.strip(" "),
        text=request.content.text,
        language=request.content.language,
        urgency=urgency,
        departure_time=departure,
        campaign_id=request.campaign_id,
        test=request.test,
        detail=_submission_detail(request, evidence),
        received_at=arrival.now,
        traceparent=arrival.traceparent,
        trace_id=arrival.trace_id,
        evidence=evidence,
        hold=hold,
    )


def _hold(request: pb.SubmitReferralRequest, actor: str) -> HoldWish | None:
    """The hold that begins with the submission; whoever submits owns it."""
    if not request.HasField("hold"):
        return None
    return HoldWish(
        owner=actor.partition("takedown.internal/")[2],
        reason=enums.HoldReason.Name(request.hold.reason).removeprefix("HOLD_REASON_"),
        note=request.hold.note,
        expires_at=moment(request.hold.expire_time, "hold.expire_time"),
    )


def _submission_detail(
    request: pb.SubmitReferralRequest, evidence: Sequence[Evidence]
) -> dict[str, Any]:
    detail: dict[str, Any] = {
        "reference": request.reference,
        "reason": request.reason,
        "termsGround": request.terms_ground,
        "urgency": request.urgency or enums.URGENCY_ROUTINE,
    }
    if request.legal_grounds:
        detail["legalGrounds"] = list(request.legal_grounds)
    if request.HasField("departure_time"):
        detail["departureTime"] = request.departure_time.ToJsonString()
    if request.territorial_scope.countries:
        detail["territorialScope"] = {"countries": list(request.territorial_scope.countries)}
    if evidence:
        detail["evidence"] = [
            {
                "evidenceId": str(e.evidence_id),
                "fileName": e.file_name,
                "mediaType": e.media_type,
                "sha256": e.sha256,
                "sizeBytes": str(len(e.content)),
            }
            for e in evidence
        ]
    return detail


def read_event(new: record_pb.NewEvent) -> Event:
    """A worker's event for the record, its detail as protobuf JSON."""
    message = new.event
    kind = message.WhichOneof("detail") or ""
    detail = json_format.MessageToDict(getattr(message, kind)) if kind else {}
    state = enums.ReferralState.Name(message.state).removeprefix(STATE) if message.state else ""
    before = enums.ReferralState.Name(new.state_before).removeprefix(STATE)
    return Event(
        key=new.event_key,
        type=event_pb2.ReferralEventType.Name(message.type).removeprefix(EVENT_TYPE),
        state=state,
        actor=message.actor,
        occurred_at=moment(message.occur_time, "occur_time"),
        detail_kind=kind,
        detail=detail,
        trace_id=message.trace_id,
        before=before if new.state_before else "",
    )
