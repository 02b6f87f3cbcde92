"""Promises of the pure table and the pure policy."""

from __future__ import annotations

import dataclasses
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workflows import policy
from workflows.contracts import AssessmentFacts, Delivery, PlatformAnswer, StartReferral
from workflows.lifecycle import (
    TABLE,
    Event,
    IllegalTransitionError,
    State,
    advance,
    is_legal,
    resume,
)
from workflows.policy import Clockwork
from workflows.progress import Progress

NOW = datetime(2026, 11, 24, 10, tzinfo=UTC)


@given(st.sampled_from(list(State)), st.sampled_from(list(Event)))
def test_an_event_moves_as_the_table_says_or_not_at_all(state: State, event: Event) -> None:
    if event in TABLE[state]:
        assert is_legal(state, advance(state, event)) or TABLE[state][event] is state
    else:
        with pytest.raises(IllegalTransitionError):
            advance(state, event)


def test_nothing_leaves_closed() -> None:
    assert TABLE[State.CLOSED] == {}


def test_every_open_state_can_be_withdrawn_and_can_end() -> None:
    for state in State:
        if state is not State.CLOSED:
            assert TABLE[state][Event.WITHDRAWN] is State.CLOSED


def test_a_hold_resumes_the_state_before_it() -> None:
    assert resume(State.IN_REVIEW) is State.IN_REVIEW
    with pytest.raises(IllegalTransitionError):
        resume(State.MONITORING)


@pytest.mark.parametrize("speech", sorted(policy.PROTECTED_SPEECH))
def test_protected_speech_always_needs_a_person_whatever_the_score(speech: str) -> None:
    facts = AssessmentFacts(0.999, speech, "REFER", "m")
    assert policy.review_reasons("POST", facts) != []


def test_a_confident_offer_may_be_referred_at_once() -> None:
    assert policy.review_reasons("POST", AssessmentFacts(0.99, "OFFER", "REFER", "m")) == []


def test_an_assessment_that_cannot_be_had_goes_to_a_person() -> None:
    unassessed = AssessmentFacts(0.0, "UNKNOWN", "REVIEW", "", ("DEPENDENCY_UNAVAILABLE",))
    assert policy.review_reasons("POST", unassessed) != []


@given(st.floats(min_value=1e-6, max_value=1.0))
def test_looks_never_come_closer_together_than_the_shortest_cadence(scale: float) -> None:
    looks = Clockwork(scale=scale).looks()
    found = [next(looks) for _ in range(12)]
    assert all(b - a >= policy.SHORTEST_CADENCE for a, b in pairwise(found))


@given(st.integers(min_value=0, max_value=30 * 86400))
def test_the_next_look_is_always_ahead(seconds: int) -> None:
    left = Clockwork().next_look(NOW - timedelta(seconds=seconds), NOW)
    assert timedelta() < left <= timedelta(days=1)


@given(st.sampled_from(["AWAITING_ACKNOWLEDGEMENT", "AWAITING_DECISION"]), st.integers(1, 6))
def test_the_urgent_deadline_is_never_longer_than_the_routine_one(state: str, number: int) -> None:
    clock = Clockwork()
    routine = clock.answer_deadline(state, number, "ROUTINE", None, NOW)
    assert clock.answer_deadline(state, number, "URGENT", None, NOW) <= routine


def test_an_imminent_departure_gives_half_the_time_left() -> None:
    departs = NOW + timedelta(minutes=20)
    left = Clockwork().answer_deadline(
        "AWAITING_ACKNOWLEDGEMENT", 1, "IMMINENT_DEPARTURE", departs, NOW
    )
    assert left == timedelta(minutes=10)


def test_after_the_departure_nothing_is_left_to_hurry_for() -> None:
    gone = NOW - timedelta(minutes=1)
    assert policy.effective_urgency("IMMINENT_DEPARTURE", gone, NOW) == "ROUTINE"


def test_a_later_submission_may_raise_the_urgency_and_never_lower_it() -> None:
    assert policy.more_urgent("ROUTINE", "URGENT") == "URGENT"
    assert policy.more_urgent("IMMINENT_DEPARTURE", "ROUTINE") == "IMMINENT_DEPARTURE"


@pytest.mark.parametrize(
    ("rule", "claimed", "gone", "waited", "basis"),
    [
        ("CLAIM_AND_OBSERVATION", True, True, False, "CLAIM_AND_OBSERVATION"),
        ("CLAIM_AND_OBSERVATION", True, False, True, None),
        ("CLAIM_AND_OBSERVATION", False, True, False, None),
        ("CLAIM_AND_OBSERVATION", False, True, True, "OBSERVATION_ONLY"),
        ("OBSERVATION_ONLY", False, True, False, "OBSERVATION_ONLY"),
        ("OBSERVATION_ONLY", True, False, True, None),
        ("CLAIM_ONLY", True, False, False, "CLAIM_ONLY"),
        ("CLAIM_ONLY", False, True, True, None),
    ],
)
def test_a_confirmation_rests_on_what_the_profile_asks(
    rule: str, claimed: bool, gone: bool, waited: bool, basis: str | None
) -> None:
    assert policy.confirmation_basis(rule, claimed, gone, waited) == basis


def test_a_platform_gets_no_credit_for_what_the_author_deleted() -> None:
    assert policy.removed_by("AUTHOR_DELETED", claimed=True) == "AUTHOR"


def test_progress_survives_being_carried_whole() -> None:
    progress = Progress.begin(StartReferral("r", "x", "POST", "URGENT", "", True, 0.5))
    progress.record(NOW, "DISPATCH_APPROVED", by=Event.DISPATCH_APPROVED)
    answer = PlatformAnswer("e", "DECISION", "2026-11-24T10:00:00Z", countries=("GB",))
    progress.pending.append(Delivery("i", "platform.event", answer=answer))
    progress.seen.append("i")
    carried = StartReferral("r", "x", "POST", "URGENT", carried=progress.carry())
    assert Progress.begin(carried) == progress


def test_carried_progress_with_an_unknown_field_is_refused() -> None:
    carried = Progress.begin(StartReferral("r", "x", "POST", "ROUTINE")).carry() | {"new": 1}
    with pytest.raises(KeyError):
        Progress.restore(carried)


def test_payloads_are_frozen() -> None:
    with pytest.raises(dataclasses.FrozenInstanceError):
        StartReferral("r", "x", "POST", "ROUTINE").kind = "PAGE"  # type: ignore[misc]
