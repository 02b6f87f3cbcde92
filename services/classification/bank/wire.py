"""Between protobuf and the signal bank."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any
from uuid import UUID

from google.protobuf.timestamp_pb2 import Timestamp

from services.classification.bank.store import Negative, Row, Statement
from services.classification.bank.suggestions import Suggestion
from services.classification.domain import Verdict
from services.classification.pictures.facts import PictureFacts, Result
from services.kernel.errors import invalid
from services.kernel.moments import moment
from takedown.classification.v1 import signal_bank_service_pb2 as pb
from takedown.referral.v1 import assessment_pb2
from takedown.referral.v1 import enums_pb2 as enums


def statement(request: pb.LearnSignalRequest) -> Statement:
    """Raises DomainError INVALID: a verdict without who decided and when, or the reverse."""
    verdict = Verdict(verdict_word(request.verdict))
    decided = verdict is not Verdict.UNDECIDED
    if decided and not request.provenance:
        raise invalid("provenance", "REQUIRED", "A verdict rests on somebody; give provenance.")
    if decided and not request.HasField("decide_time"):
        raise invalid("decide_time", "REQUIRED", "A verdict has a time; give decide_time.")
    if not decided and (request.provenance or request.HasField("decide_time")):
        raise invalid(
            "provenance", "NOBODY_DECIDED",
            "UNDECIDED rests on nobody; leave provenance and decide_time out.",
        )  # fmt: skip
    name = enums.SignalProvenance.Name(request.provenance)
    return Statement(
        referral_id=UUID(request.referral_id),
        source_time=moment(request.source_time, "source_time"),
        verdict=verdict,
        provenance=name.removeprefix("SIGNAL_PROVENANCE_"),
        decide_time=moment(request.decide_time, "decide_time") if decided else None,
        platform=request.platform,
        campaign_id=request.campaign_id,
        test=request.test,
    )


def negative(request: pb.AddNegativeSignalRequest, who: str) -> Negative:
    return Negative(UUID(request.request_id), request.note, request.test, who)


def verdict_word(value: Any) -> str:
    """The verdict's short name; empty for UNSPECIFIED."""
    name: str = enums.SignalVerdict.Name(value)
    short = name.removeprefix("SIGNAL_VERDICT_")
    return "" if short == "UNSPECIFIED" else short


def signal(row: Row) -> pb.BankedSignal:
    shown = pb.BankedSignal(
        signal_id=str(row["signal_id"]),
        referral_id=str(row["referral_id"] or ""),
        verdict=enums.SignalVerdict.Value(f"SIGNAL_VERDICT_{row['verdict']}"),
        provenance=enums.SignalProvenance.Value(f"SIGNAL_PROVENANCE_{row['provenance']}"),
        platform=row["platform"],
        campaign_id=row["campaign_id"],
        withdrawn_by=row["withdrawn_by"],
        added_by=row["added_by"],
        note=row["note"],
        words=row["word_count"],
        pictures=row["picture_count"],
        contacts=row["contact_count"],
        test=row["test"],
    )
    for name in ("decide_time", "create_time", "expire_time", "withdraw_time"):
        _set(getattr(shown, name), row[name])
    return shown


def suggestion(found: Suggestion) -> pb.CampaignSuggestion:
    shown = pb.CampaignSuggestion(
        referral_ids=[str(member.referral_id) for member in found.members],
        platforms=sorted({member.platform for member in found.members} - {""}),
        shared=found.shared,
        campaign_ids=sorted({member.campaign_id for member in found.members} - {""}),
    )
    times = [member.time for member in found.members]
    shown.first_time.FromDatetime(min(times))
    shown.last_time.FromDatetime(max(times))
    return shown


def _set(stamp: Timestamp, value: datetime | None) -> None:
    if value is not None:
        stamp.FromDatetime(value)


def refuse_unstorable(field: str, text: str) -> None:
    """Raises DomainError INVALID for what PostgreSQL cannot hold."""
    if "\x00" in text:
        sentence = f"{field} holds a NUL character; remove it and try again."
        raise invalid(field, "CONTROL_CHARACTERS", sentence)


def pictures(readings: Iterable[assessment_pb2.PictureReading]) -> list[PictureFacts]:
    """Their hashes, whatever became of the reading of their text."""
    return [PictureFacts(Result.READ, one.pdq, one.pdq_quality) for one in readings]
