"""How the record is shown: rows as protobuf messages."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from functools import lru_cache
from typing import Any, Final
from uuid import UUID

from google.protobuf import json_format
from google.protobuf.timestamp_pb2 import Timestamp

from services.intake.domain import URGENCIES, needs_two_people
from services.kernel.turns import in_turns
from takedown.intake.v1 import record_service_pb2 as record_pb
from takedown.referral.v1 import enums_pb2 as enums
from takedown.referral.v1 import event_pb2, referral_pb2

EVENT_TYPE = "REFERRAL_EVENT_TYPE_"
STATE = "REFERRAL_STATE_"
# Referrals of a page that are made messages before others have their turn: some milliseconds.
_AT_ONCE: Final = 5


def timestamp(moment: datetime | None) -> Timestamp | None:
    if moment is None:
        return None
    stamp = Timestamp()
    set_time(stamp, moment)
    return stamp


def set_time(target: Timestamp, moment: datetime) -> None:
    """As ``FromDatetime``; what arrives together has one time, which is worked out once."""
    target.CopyFrom(_stamp(moment))


@lru_cache(maxsize=64)
def _stamp(moment: datetime) -> Timestamp:
    stamp = Timestamp()
    stamp.FromDatetime(moment)
    return stamp


def _fill_content(target: referral_pb2.Content, *, kind: str, **texts: str) -> None:
    target.kind = enums.ContentKind.Value(f"CONTENT_KIND_{kind}")
    for name, text in texts.items():
        setattr(target, name, text)


def referral(
    row: Mapping[str, Any], submissions: Sequence[Mapping[str, Any]] = (), referrer: str = ""
) -> referral_pb2.Referral:
    """A referral row as its reader sees it: a ``referrer``, or "" for who sees everything.

    ``submissions`` are those that the reader may see.
    """
    shown = referral_pb2.Referral()
    fill_referral(shown, row)
    if referrer:
        hide_notes_of_others(shown, referrer)
    shown.submissions.extend(submission(item) for item in submissions)
    return shown


async def referrals(
    rows: Sequence[Mapping[str, Any]],
    submissions: Mapping[UUID, Sequence[Mapping[str, Any]]],
    referrer: str = "",
) -> list[referral_pb2.Referral]:
    """A page of them, as ``referral`` shows each; others have their turn after every few.

    A hundred with their histories take a tenth of a second, in which nobody's referral would be
    accepted.
    """

    def shown(row: Mapping[str, Any]) -> referral_pb2.Referral:
        return referral(row, submissions.get(row["referral_id"], ()), referrer)

    return await in_turns(rows, shown, _AT_ONCE)


def fill_referral(target: referral_pb2.Referral, row: Mapping[str, Any]) -> None:
    target.referral_id = str(row["referral_id"])
    target.state = enums.ReferralState.Value(STATE + row["state"])
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
    if "review" in detail:
        target.review.two_people = needs_two_people(row["kind"], detail)


def hide_notes_of_others(shown: referral_pb2.Referral, referrer: str) -> None:
    """Who holds, until when and by which reason code is shared; the words are the owner's."""
    for hold in shown.holds:
        if hold.owner != f"referrer/{referrer}":
            hold.note = ""


def as_dict(detail: Any) -> dict[str, Any]:
    """JSONB as a dictionary, whichever driver read it."""
    if isinstance(detail, str):
        import json

        return dict(json.loads(detail))
    return dict(detail)


def submission(row: Mapping[str, Any]) -> referral_pb2.Submission:
    shown = referral_pb2.Submission()
    fill_submission(shown, as_dict(row["detail"]))
    shown.submission_id = str(row["submission_id"])
    shown.referral_id = str(row["referral_id"])
    shown.referrer = row["referrer"]
    shown.request_id = str(row["request_id"])
    shown.create_time.FromDatetime(row["create_time"])
    if row["withdraw_time"] is not None:
        shown.withdraw_time.FromDatetime(row["withdraw_time"])
    return shown


def fill_submission(shown: referral_pb2.Submission, detail: Mapping[str, Any]) -> None:
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


def evidence(row: Mapping[str, Any]) -> record_pb.GetEvidenceResponse:
    """A row of evidence, bytes and all."""
    return record_pb.GetEvidenceResponse(
        evidence=referral_pb2.Evidence(
            evidence_id=str(row["evidence_id"]),
            file_name=row["file_name"],
            media_type=row["media_type"],
            sha256=row["sha256"].hex(),
            size_bytes=len(row["content"]),
        ),
        content=row["content"],
    )


def event(
    row: Mapping[str, Any], *, hide_submission_of_others: str = "", keyed: bool = False
) -> event_pb2.ReferralEvent:
    """An event row as its reader sees it.

    Another referrer's submission stays unnamed, and the notes on holds are their owner's.
    ``keyed`` shows the key that it was appended under, which is the worker's alone.
    """
    shown = event_pb2.ReferralEvent(
        referral_id=str(row["referral_id"]),
        sequence=row["sequence"],
        type=event_pb2.ReferralEventType.Value(EVENT_TYPE + row["type"]),
        actor=row["actor"],
        trace_id=row["trace_id"],
        event_key=row["event_key"] if keyed else "",
    )
    if row["state"]:
        shown.state = enums.ReferralState.Value(STATE + row["state"])
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
    if mine and row["detail_kind"] == "hold" and shown.hold.owner != f"referrer/{mine}":
        shown.hold.note = ""
    if mine and row["detail_kind"] == "hold_ended":
        shown.hold_ended.note = ""
    return shown
