"""Between protobuf and the adapter's domain."""

from __future__ import annotations

from uuid import UUID

from services.adapters.domain import NoticeFacts
from services.adapters.profiles.table import Policy
from services.adapters.store import Row
from services.kernel.moments import moment
from takedown.adapter.v1 import platform_adapter_service_pb2 as pb
from takedown.referral.v1 import enums_pb2 as enums
from takedown.referral.v1 import notice_pb2

_DURATIONS = (
    "contradiction_patience",
    "acknowledgement", "acknowledgement_urgent", "decision", "decision_urgent",
    "renotice_interval", "delivery_patience", "claim_grace", "quorum_spacing",
    "monitoring_window", "monitoring_cadence",
)  # fmt: skip


def facts(request: pb.SubmitNoticeRequest) -> NoticeFacts:
    departure = request.departure_time if request.HasField("departure_time") else None
    return NoticeFacts(
        notice_id=UUID(request.notice_id),
        referral_id=UUID(request.referral_id),
        number=request.number,
        platform=request.content.platform,
        url=request.content.url,
        canonical_url=request.content.canonical_url,
        kind=enums.ContentKind.Name(request.content.kind).removeprefix("CONTENT_KIND_"),
        content_id=request.content.content_id,
        account=request.content.account,
        terms_ground=enums.TermsGround.Name(request.terms_ground).removeprefix("TERMS_GROUND_"),
        legal_grounds=tuple(
            enums.LegalGround.Name(ground).removeprefix("LEGAL_GROUND_")
            for ground in request.legal_grounds
        ),
        countries=tuple(request.territorial_scope.countries),
        urgency=enums.Urgency.Name(request.urgency).removeprefix("URGENCY_"),
        departure_time=moment(departure, "departure_time") if departure is not None else None,
        referrers=tuple(request.referrers),
        reason=request.reason,
        test=request.test,
        prepared_at=moment(request.prepare_time, "prepare_time"),
    )


def notice(platform: str, row: Row) -> notice_pb2.Notice:
    shown = notice_pb2.Notice(
        notice_id=str(row["notice_id"]),
        referral_id=str(row["referral_id"]),
        number=row["number"],
        platform=platform,
        channel=enums.NOTICE_CHANNEL_API,
        sha256=row["sha256"],
        platform_reference=row["platform_reference"],
        sandbox=row["sandbox"],
    )
    for name in ("prepare_time", "deliver_time", "withdraw_time"):
        if row[name] is not None:
            getattr(shown, name).FromDatetime(row[name])
    return shown


def policy(policy: Policy) -> pb.PlatformPolicy:
    shown = pb.PlatformPolicy(
        renotice_limit=policy.renotice_limit,
        quorum=policy.quorum,
        confirmation=pb.ConfirmationRule.Value(f"CONFIRMATION_RULE_{policy.confirmation}"),
    )
    for name in _DURATIONS:
        getattr(shown, name).FromTimedelta(getattr(policy, name))
    for pause in policy.observation_cadence:
        shown.observation_cadence.add().FromTimedelta(pause)
    return shown
