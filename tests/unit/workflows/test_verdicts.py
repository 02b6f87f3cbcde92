"""Promises about what the record says of content: the table of docs/decisions/0021."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from google.protobuf.timestamp_pb2 import Timestamp
from hypothesis import given
from hypothesis import strategies as st

from takedown.referral.v1 import enums_pb2 as enums
from takedown.referral.v1 import notice_pb2, referral_pb2
from workflows import verdicts


def at(day: int) -> Timestamp:
    stamp = Timestamp()
    stamp.FromDatetime(datetime(2026, 5, day, tzinfo=UTC))
    return stamp


REVIEWED, REMOVED, TAKEN_BACK, CHANGED = at(1), at(2), at(3), at(9)
ADVERT, NOT_ADVERT = enums.SIGNAL_VERDICT_ADVERT, enums.SIGNAL_VERDICT_NOT_ADVERT
UNDECIDED = enums.SIGNAL_VERDICT_UNDECIDED
NOTICE = [notice_pb2.Notice(number=1)]


def review(decision: str, reason: str) -> referral_pb2.Review:
    return referral_pb2.Review(
        decision=enums.ReviewDecision.Value(f"REVIEW_DECISION_{decision}"),
        reason=enums.ReviewReason.Value(f"REVIEW_REASON_{reason}"),
        decide_time=REVIEWED,
    )


def ended(outcome: str, **more: Any) -> referral_pb2.OutcomeDetail:
    return referral_pb2.OutcomeDetail(outcome=enums.Outcome.Value(f"OUTCOME_{outcome}"), **more)


def verdict(**fields: Any) -> tuple[int, int, Timestamp | None]:
    found = verdicts.verdict(referral_pb2.Referral(update_time=CHANGED, **fields))
    return found.verdict, found.provenance, found.decide_time


OFFER = review("REFER", "OFFER_CONFIRMED")
REMOVAL = ended("REMOVED", removed_by=enums.REMOVED_BY_PLATFORM, final_removal_time=REMOVED)
REVERSAL = referral_pb2.Reversal(time=TAKEN_BACK, example_disputed=True)


@pytest.mark.parametrize(
    "fields",
    [
        {"reversal": REVERSAL, "outcome": REMOVAL, "notices": NOTICE, "review": OFFER},
        {"reversal": REVERSAL, "outcome": ended("DECLINED", reversed=True)},
        {"reversal": REVERSAL},
    ],
)
def test_what_the_platform_took_back_is_no_advert_whoever_said_so(fields: Any) -> None:
    assert verdict(**fields) == (NOT_ADVERT, enums.SIGNAL_PROVENANCE_REVERSAL, TAKEN_BACK)


def test_a_reversal_of_which_only_the_outcome_tells_counts_from_the_last_change() -> None:
    found = verdict(outcome=ended("DECLINED", reversed=True))
    assert found == (NOT_ADVERT, enums.SIGNAL_PROVENANCE_REVERSAL, CHANGED)


@pytest.mark.parametrize("reason", ["NOT_AN_ADVERT", "PROTECTED_SPEECH"])
@pytest.mark.parametrize("outcome", [None, ended("REJECTED")])
def test_what_a_reviewer_rejected_as_no_advert_is_none(reason: str, outcome: Any) -> None:
    found = verdict(review=review("REJECT", reason), outcome=outcome)
    assert found == (NOT_ADVERT, enums.SIGNAL_PROVENANCE_REVIEW, REVIEWED)


@pytest.mark.parametrize("reason", ["NOT_A_TERMS_BREACH", "PROTECTED_SPEECH"])
def test_what_the_platform_declined_as_within_its_terms_is_no_advert(reason: str) -> None:
    why = enums.DeclineReason.Value(f"DECLINE_REASON_{reason}")
    found = verdict(outcome=ended("DECLINED", decline_reason=why), notices=NOTICE, review=OFFER)
    assert found == (NOT_ADVERT, enums.SIGNAL_PROVENANCE_PLATFORM_DECLINE, CHANGED)


@pytest.mark.parametrize(
    "fields",
    [
        {"outcome": ended("WITHDRAWN"), "review": OFFER, "notices": NOTICE},
        {"outcome": ended("REJECTED"), "review": review("REJECT", "INSUFFICIENT_EVIDENCE")},
        {"review": review("REJECT", "WRONG_CONTENT")},
    ],
)
def test_what_was_given_up_is_undecided(fields: Any) -> None:
    assert verdict(**fields) == (UNDECIDED, 0, None)


def test_what_the_platform_removed_or_restricted_on_our_notice_is_an_advert() -> None:
    platform = enums.SIGNAL_PROVENANCE_PLATFORM_REMOVAL
    assert verdict(outcome=REMOVAL, notices=NOTICE) == (ADVERT, platform, REMOVED)
    restricted = verdict(outcome=ended("RESTRICTED"), notices=NOTICE)
    assert restricted == (ADVERT, platform, CHANGED)


@pytest.mark.parametrize(
    ("outcome", "notices"),
    [
        (REMOVAL, []),
        (ended("REMOVED", removed_by=enums.REMOVED_BY_AUTHOR), NOTICE),
        (ended("REMOVED", removed_by=enums.REMOVED_BY_ACCOUNT_ACTION), NOTICE),
        (ended("REMOVED", removed_by=enums.REMOVED_BY_UNKNOWN), NOTICE),
        (ended("GONE_BEFORE_NOTICE", removed_by=enums.REMOVED_BY_PLATFORM), []),
        (ended("NO_RESPONSE"), NOTICE),
        (ended("DUPLICATE"), []),
        (ended("UNDELIVERABLE"), NOTICE),
        (ended("DECLINED", decline_reason=enums.DECLINE_REASON_CANNOT_LOCATE), NOTICE),
        (ended("DECLINED", decline_reason=enums.DECLINE_REASON_OTHER), NOTICE),
    ],
)
def test_an_end_that_says_nothing_of_the_content_decides_nothing(
    outcome: Any, notices: Any
) -> None:
    assert verdict(outcome=outcome, notices=notices) == (UNDECIDED, 0, None)
    reviewed = verdict(outcome=outcome, notices=notices, review=OFFER)
    assert reviewed == (ADVERT, enums.SIGNAL_PROVENANCE_REVIEW, REVIEWED)


@pytest.mark.parametrize("reason", ["ACCOUNT_DEDICATED_TO_OFFERS", "PROMOTION_UNDER_COVER"])
def test_what_was_referred_for_something_else_than_its_offer_is_undecided(reason: str) -> None:
    assert verdict(review=review("REFER", reason)) == (UNDECIDED, 0, None)


def test_a_first_decision_of_two_decides_nothing() -> None:
    waiting = referral_pb2.Review(two_people=True, first_decided_by="somebody")
    waiting.first_decide_time.CopyFrom(REVIEWED)
    assert verdict(review=waiting) == (UNDECIDED, 0, None)


@given(
    st.builds(
        referral_pb2.Referral,
        update_time=st.just(CHANGED),
        notices=st.sampled_from([[], NOTICE]),
        outcome=st.builds(
            referral_pb2.OutcomeDetail,
            outcome=st.sampled_from(enums.Outcome.values()),
            removed_by=st.sampled_from(enums.RemovedBy.values()),
            decline_reason=st.sampled_from(enums.DeclineReason.values()),
            reversed=st.booleans(),
        ),
        review=st.builds(
            referral_pb2.Review,
            decision=st.sampled_from(enums.ReviewDecision.values()),
            reason=st.sampled_from(enums.ReviewReason.values()),
        ),
        reversal=st.sampled_from([None, REVERSAL]),
    )
)
def test_every_record_has_one_verdict_and_a_decision_has_who_and_when(
    referral: referral_pb2.Referral,
) -> None:
    found = verdicts.verdict(referral)
    assert found.verdict in (ADVERT, NOT_ADVERT, UNDECIDED)
    decided = found.verdict != UNDECIDED
    assert (found.decide_time is not None) == decided == bool(found.provenance)
    if referral.outcome.reversed or referral.HasField("reversal"):
        assert found.verdict == NOT_ADVERT
