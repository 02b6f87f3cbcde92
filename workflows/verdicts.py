"""What the record says of a referral's content now: advert, not an advert, or undecided.

Pure. The table stands in docs/decisions/0021; the first line that fits decides.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from google.protobuf.timestamp_pb2 import Timestamp

from takedown.referral.v1 import enums_pb2 as enums
from takedown.referral.v1 import referral_pb2

Referral = referral_pb2.Referral
_NO_ADVERT: Final = (enums.REVIEW_REASON_NOT_AN_ADVERT, enums.REVIEW_REASON_PROTECTED_SPEECH)
_NO_BREACH: Final = (
    enums.DECLINE_REASON_NOT_A_TERMS_BREACH,
    enums.DECLINE_REASON_PROTECTED_SPEECH,
)


@dataclass(frozen=True, slots=True)
class Verdict:
    """``verdict`` and ``provenance`` are values of SignalVerdict and SignalProvenance.

    ``decide_time`` is None while nobody has decided.
    """

    verdict: enums.SignalVerdict.ValueType
    provenance: enums.SignalProvenance.ValueType = enums.SIGNAL_PROVENANCE_UNSPECIFIED
    decide_time: Timestamp | None = None


def verdict(referral: Referral) -> Verdict:
    """What is held of the referral's content, on whose word, and since when."""
    return next(found for line in _TABLE if (found := line(referral)) is not None)


def _taken_back(referral: Referral) -> Verdict | None:
    reversal = referral.reversal
    if not (referral.outcome.reversed or reversal.example_disputed or reversal.HasField("time")):
        return None
    when = reversal.time if reversal.HasField("time") else referral.update_time
    return Verdict(enums.SIGNAL_VERDICT_NOT_ADVERT, enums.SIGNAL_PROVENANCE_REVERSAL, when)


def _rejected(referral: Referral) -> Verdict | None:
    review = referral.review
    if review.decision != enums.REVIEW_DECISION_REJECT or review.reason not in _NO_ADVERT:
        return None
    return Verdict(
        enums.SIGNAL_VERDICT_NOT_ADVERT, enums.SIGNAL_PROVENANCE_REVIEW, _decided(referral)
    )


def _declined(referral: Referral) -> Verdict | None:
    ended = referral.outcome
    if ended.outcome != enums.OUTCOME_DECLINED or ended.decline_reason not in _NO_BREACH:
        return None
    return Verdict(
        enums.SIGNAL_VERDICT_NOT_ADVERT,
        enums.SIGNAL_PROVENANCE_PLATFORM_DECLINE,
        referral.update_time,
    )


def _given_up(referral: Referral) -> Verdict | None:
    """Withdrawn, or rejected for a reason that says nothing about the content."""
    gone = referral.outcome.outcome in (enums.OUTCOME_WITHDRAWN, enums.OUTCOME_REJECTED)
    if gone or referral.review.decision == enums.REVIEW_DECISION_REJECT:
        return _UNDECIDED
    return None


def _removed(referral: Referral) -> Verdict | None:
    """By the platform itself, after a notice: neither by the author nor with the account."""
    ended = referral.outcome
    removed = (
        ended.outcome == enums.OUTCOME_REMOVED and ended.removed_by == enums.REMOVED_BY_PLATFORM
    )
    if not referral.notices or not (removed or ended.outcome == enums.OUTCOME_RESTRICTED):
        return None
    when = ended.final_removal_time if ended.HasField("final_removal_time") else None
    return Verdict(
        enums.SIGNAL_VERDICT_ADVERT,
        enums.SIGNAL_PROVENANCE_PLATFORM_REMOVAL,
        when or referral.update_time,
    )


def _referred(referral: Referral) -> Verdict | None:
    """A review has its decision only when all have decided who must."""
    review = referral.review
    if review.decision != enums.REVIEW_DECISION_REFER:
        return None
    if review.reason != enums.REVIEW_REASON_OFFER_CONFIRMED:
        return None
    return Verdict(enums.SIGNAL_VERDICT_ADVERT, enums.SIGNAL_PROVENANCE_REVIEW, _decided(referral))


def _anything_else(_: Referral) -> Verdict | None:
    return _UNDECIDED


def _decided(referral: Referral) -> Timestamp:
    review = referral.review
    return review.decide_time if review.HasField("decide_time") else referral.update_time


_UNDECIDED: Final = Verdict(enums.SIGNAL_VERDICT_UNDECIDED)
_TABLE: Final[tuple[Callable[[Referral], Verdict | None], ...]] = (
    _taken_back, _rejected, _declined, _given_up, _removed, _referred, _anything_else,
)  # fmt: skip
