"""Between protobuf and the record: how a row is shown and how a request is read."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from google.protobuf import json_format
from google.protobuf.timestamp_pb2 import Timestamp

from services.intake import submission
from services.intake.domain import URGENCIES, Event
from services.intake.submission import Evidence, NewSubmission
from services.kernel.ids import uuid7
from services.kernel.moments import moment
from takedown.intake.v1 import record_service_pb2 as record_pb
from takedown.intake.v1 import referral_service_pb2 as pb
from takedown.referral.v1 import enums_pb2 as enums
from takedown.referral.v1 import event_pb2, referral_pb2

_EVENT_TYPE = "REFERRAL_EVENT_TYPE_"
_STATE = "REFERRAL_STATE_"


def timestamp(moment: datetime | None) -> Timestamp | None:
    if moment is None:
        return None
    stamp = Timestamp()
    stamp.FromDatetime(moment)
    return stamp


def digest(request: Any) -> bytes:
    """SHA-256 of a request without its request_id: tells a replay from another body."""
    body = type(request)()
    body.CopyFrom(request)
    body.request_id = ""
    return hashlib.sha256(body.SerializeToString(deterministic=True)).digest()


def read_submission(
    request: pb.SubmitReferralRequest,
    *,
    referrer: str,
    actor: str,
    now: datetime,
    accept_real: bool,
    platforms: frozenset[str],
    traceparent: str,
    trace_id: str,
) -> NewSubmission:
    """A checked submission.

    Raises:
        DomainError: INVALID naming each field, its reason and what to do.
    """
    identity = submission.identify(request.content.url, platforms)
    urgency = enums.Urgency.Name(request.urgency or enums.URGENCY_ROUTINE)[len("URGENCY_") :]
    departure = (
        moment(request.departure_time, "departure_time")
        if request.HasField("departure_time")
        else None
    )
    evidence = tuple(
        Evidence(uuid7(), e.file_name, e.media_type, e.sha256, e.content) for e in request.evidence
    )
    submission.check(
        texts={
            "content.text": request.content.text,
            "reason": request.reason,
            "reference": request.reference,
        },
        urgency=urgency,
        departure_time=departure,
        evidence=evidence,
        test=request.test,
        accept_real=accept_real,
        now=now,
    )
    return NewSubmission(
        submission_id=uuid7(),
        referral_id=uuid7(),
        referrer=referrer,
        actor=actor,
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
        received_at=now,
        traceparent=traceparent,
        trace_id=trace_id,
        evidence=evidence,
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


def answer_bytes(
    item: NewSubmission,
    referral_id: UUID,
    disposition: str,
    source: NewSubmission | Mapping[str, Any],
) -> bytes:
    """The serialised answer to a submission; ``source`` is what created the referral."""
    answer = pb.SubmitReferralResponse(
        disposition=pb.Disposition.Value(f"DISPOSITION_{disposition}")
    )
    if isinstance(source, NewSubmission):
        _fresh_referral(answer.referral, source)
    else:
        _fill_referral(answer.referral, source)
    shown = _submission(
        {
            "submission_id": item.submission_id,
            "referral_id": referral_id,
            "referrer": item.referrer,
            "request_id": item.request_id,
            "detail": item.detail,
            "create_time": item.received_at,
            "withdraw_time": None,
        }
    )
    answer.submission.CopyFrom(shown)
    answer.referral.submissions.add().CopyFrom(shown)
    return answer.SerializeToString()


def _fresh_referral(target: referral_pb2.Referral, item: NewSubmission) -> None:
    target.referral_id = str(item.referral_id)
    target.state = enums.REFERRAL_STATE_RECEIVED
    target.urgency = enums.Urgency.Value(f"URGENCY_{item.urgency}")
    _fill_content(
        target.content,
        url=item.url,
        canonical_url=item.identity.canonical_url,
        platform=item.identity.platform,
        kind=item.identity.kind.upper(),
        content_id=item.identity.content_id,
        account=item.identity.account,
        text=item.text,
        language=item.language,
    )
    if item.departure_time is not None:
        target.departure_time.FromDatetime(item.departure_time)
    target.campaign_id = item.campaign_id
    target.test = item.test
    target.last_sequence = 1
    target.trace_id = item.trace_id
    target.create_time.FromDatetime(item.received_at)
    target.update_time.FromDatetime(item.received_at)


def _fill_content(target: referral_pb2.Content, *, kind: str, **texts: str) -> None:
    target.kind = enums.ContentKind.Value(f"CONTENT_KIND_{kind}")
    for name, text in texts.items():
        setattr(target, name, text)


def start_payload(item: NewSubmission, referral_id: UUID) -> bytes:
    """What the relay needs to start or hurry a workflow: no content."""
    bare = referral_pb2.Referral(
        referral_id=str(referral_id),
        urgency=enums.Urgency.Value(f"URGENCY_{item.urgency}"),
        test=item.test,
        traceparent=item.traceparent,
        departure_time=timestamp(item.departure_time),
    )
    bare.content.platform = item.identity.platform
    bare.content.kind = enums.ContentKind.Value(f"CONTENT_KIND_{item.identity.kind.upper()}")
    return bare.SerializeToString()


def referral(
    row: Mapping[str, Any], submissions: Sequence[Mapping[str, Any]] = ()
) -> referral_pb2.Referral:
    """A referral row as its readers see it, with the submissions they may see."""
    shown = referral_pb2.Referral()
    _fill_referral(shown, row)
    shown.submissions.extend(_submission(item) for item in submissions)
    return shown


def _fill_referral(target: referral_pb2.Referral, row: Mapping[str, Any]) -> None:
    target.referral_id = str(row["referral_id"])
    target.state = enums.ReferralState.Value(_STATE + row["state"])
    target.urgency = enums.Urgency.Value(f"URGENCY_{URGENCIES[row['priority']]}")
    names = ("url", "canonical_url", "platform", "content_id", "account", "text", "language")
    _fill_content(target.content, kind=row["kind"], **{name: row[name] for name in names})
    for name in ("departure_time", "claim_time", "confirm_time", "create_time", "update_time"):
        if row[name] is not None:
            getattr(target, name).FromDatetime(row[name])
    target.campaign_id = row["campaign_id"]
    target.test = row["test"]
    target.last_sequence = row["last_sequence"]
    target.trace_id = row["trace_id"]
    target.traceparent = row["traceparent"]
    if row["previous_referral_id"] is not None:
        target.previous_referral_id = str(row["previous_referral_id"])
    detail = as_dict(row["detail"])
    if detail:
        json_format.ParseDict(detail, target, ignore_unknown_fields=True)


def as_dict(detail: Any) -> dict[str, Any]:
    """JSONB as a dictionary, whichever driver read it."""
    if isinstance(detail, str):
        import json

        return dict(json.loads(detail))
    return dict(detail)


def _submission(row: Mapping[str, Any]) -> referral_pb2.Submission:
    shown = referral_pb2.Submission()
    _fill_submission(shown, as_dict(row["detail"]))
    shown.submission_id = str(row["submission_id"])
    shown.referral_id = str(row["referral_id"])
    shown.referrer = row["referrer"]
    shown.request_id = str(row["request_id"])
    shown.create_time.FromDatetime(row["create_time"])
    if row["withdraw_time"] is not None:
        shown.withdraw_time.FromDatetime(row["withdraw_time"])
    return shown


def _fill_submission(shown: referral_pb2.Submission, detail: Mapping[str, Any]) -> None:
    """By hand: the generic JSON parser would be the slowest part of accepting a submission."""
    shown.reference = detail["reference"]
    shown.reason = detail["reason"]
    shown.terms_ground = detail["termsGround"]
    shown.urgency = detail["urgency"]
    shown.legal_grounds.extend(detail.get("legalGrounds", ()))
    if "departureTime" in detail:
        shown.departure_time.FromJsonString(detail["departureTime"])
    if "territorialScope" in detail:
        shown.territorial_scope.countries.extend(detail["territorialScope"]["countries"])
    for item in detail.get("evidence", ()):
        shown.evidence.add(
            evidence_id=item["evidenceId"],
            file_name=item["fileName"],
            media_type=item["mediaType"],
            sha256=item["sha256"],
            size_bytes=int(item["sizeBytes"]),
        )


def event(
    row: Mapping[str, Any], *, hide_submission_of_others: str = ""
) -> event_pb2.ReferralEvent:
    """An event row as its reader sees it; another referrer's submission stays unnamed."""
    shown = event_pb2.ReferralEvent(
        referral_id=str(row["referral_id"]),
        sequence=row["sequence"],
        type=event_pb2.ReferralEventType.Value(_EVENT_TYPE + row["type"]),
        actor=row["actor"],
        trace_id=row["trace_id"],
    )
    if row["state"]:
        shown.state = enums.ReferralState.Value(_STATE + row["state"])
    shown.occur_time.FromDatetime(row["occur_time"])
    shown.record_time.FromDatetime(row["record_time"])
    detail = as_dict(row["detail"])
    if row["detail_kind"]:
        wrapped = {row["detail_kind"]: detail}
        json_format.ParseDict(wrapped, shown, ignore_unknown_fields=True)
    mine = hide_submission_of_others
    if mine and row["detail_kind"] == "submission" and detail.get("referrer") != mine:
        shown.submission.Clear()
        shown.submission.SetInParent()
        shown.actor = ""
    return shown


def read_event(new: record_pb.NewEvent) -> Event:
    """A worker's event for the record, its detail as protobuf JSON."""
    message = new.event
    kind = message.WhichOneof("detail") or ""
    detail = json_format.MessageToDict(getattr(message, kind)) if kind else {}
    state = enums.ReferralState.Name(message.state).removeprefix(_STATE) if message.state else ""
    return Event(
        key=new.event_key,
        type=event_pb2.ReferralEventType.Name(message.type).removeprefix(_EVENT_TYPE),
        state=state,
        actor=message.actor,
        occurred_at=moment(message.occur_time, "occur_time"),
        detail_kind=kind,
        detail=detail,
        trace_id=message.trace_id,
    )
