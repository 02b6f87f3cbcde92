"""What accepting answers and passes on: built once, serialised where it is needed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final
from uuid import UUID

from services.intake import wire
from services.intake.hold_rules import HoldWish
from services.intake.submission import NewSubmission
from takedown.intake.v1 import referral_service_pb2 as pb
from takedown.referral.v1 import enums_pb2 as enums
from takedown.referral.v1 import referral_pb2

_URGENCIES: Final = {
    name.removeprefix("URGENCY_"): number for name, number in enums.Urgency.items()
}
_KINDS: Final = {
    name.removeprefix("CONTENT_KIND_").lower(): number for name, number in enums.ContentKind.items()
}


def answer_to(
    item: NewSubmission,
    referral_id: UUID,
    disposition: str,
    source: NewSubmission | Mapping[str, Any],
) -> pb.SubmitReferralResponse:
    """The answer to a submission; ``source`` is what created the referral, or its row."""
    answer = pb.SubmitReferralResponse(
        disposition=pb.Disposition.Value(f"DISPOSITION_{disposition}")
    )
    if isinstance(source, NewSubmission):
        _fill_fresh(answer.referral, source)
    else:
        wire.fill_referral(answer.referral, source)
        if not item.by_operator:
            wire.hide_notes_of_others(answer.referral, item.referrer)
    shown = answer.submission
    shown.submission_id = str(item.submission_id)
    shown.referral_id = str(referral_id)
    shown.referrer = item.referrer
    shown.request_id = str(item.request_id)
    wire.set_time(shown.create_time, item.received_at)
    wire.fill_submission(shown, item.detail)
    answer.referral.submissions.add().CopyFrom(shown)
    return answer


def _fill_fresh(target: referral_pb2.Referral, item: NewSubmission) -> None:
    target.referral_id = str(item.referral_id)
    target.state = enums.REFERRAL_STATE_RECEIVED
    target.urgency = _URGENCIES[item.urgency]
    content, identity = target.content, item.identity
    content.kind = _KINDS[identity.kind]
    content.url = item.url
    content.canonical_url = identity.canonical_url
    content.platform = identity.platform
    content.content_id = identity.content_id
    content.account = identity.account
    content.text = item.text
    content.language = item.language
    if item.departure_time is not None:
        target.departure_time.FromDatetime(item.departure_time)
    target.campaign_id = item.campaign_id
    target.test = item.test
    target.last_sequence = 1 if item.hold is None else 2
    if item.hold is not None:
        _fill_hold(target, item.hold).note = item.hold.note
    target.trace_id = item.trace_id
    wire.set_time(target.create_time, item.received_at)
    target.update_time.CopyFrom(target.create_time)


def _fill_hold(target: referral_pb2.Referral, wish: HoldWish) -> referral_pb2.Hold:
    """A hold that is asked for, without its note."""
    hold = target.holds.add(
        owner=wish.owner,
        reason=enums.HoldReason.Value(f"HOLD_REASON_{wish.reason}"),
        requested=True,
    )
    hold.expire_time.FromDatetime(wish.expires_at)
    return hold


def start_payload(item: NewSubmission, referral_id: UUID) -> bytes:
    """What the relay needs to start or hurry a workflow: no content."""
    bare = referral_pb2.Referral(
        referral_id=str(referral_id),
        urgency=_URGENCIES[item.urgency],
        test=item.test,
        traceparent=item.traceparent,
        departure_time=wire.timestamp(item.departure_time),
    )
    bare.content.platform = item.identity.platform
    bare.content.kind = _KINDS[item.identity.kind]
    if item.hold is not None and item.referral_id == referral_id:
        _fill_hold(bare, item.hold)
    return bare.SerializeToString()
