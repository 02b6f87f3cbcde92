"""The projection is the fold of its events: questions, reviews, reversals, urgency."""

from __future__ import annotations

import copy
from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.intake import domain, hold_rules
from services.intake.domain import Projection, fold, needs_two_people
from services.intake.life import HANDLERS, open_question
from takedown.referral.v1 import event_pb2
from tests.unit.intake.events import ANN, BOB, LATER, START, UNTIL, WORKER, event
from workflows import policy
from workflows.lifecycle import HOLDABLE


def test_the_newest_question_without_an_answer_is_the_open_one() -> None:
    events = [
        event("CLARIFICATION_REQUESTED", eventId="q1", noticeId="n", message="Which post?"),
        event("CLARIFICATION_REQUESTED", 1, eventId="q2", message="Which country?"),
        event("CLARIFICATION_REQUESTED", 2, eventId="q2", message="Which country?"),
    ]
    asked = fold(events)
    assert [c["clarificationId"] for c in asked.detail["clarifications"]] == ["q1", "q2"]
    question = open_question(asked.detail)
    assert question is not None
    assert question["question"] == "Which country?"
    events += [
        event("CLARIFICATION_ANSWERED", 3, by=ANN, clarificationId="q2", answer="All of them."),
        event("CLARIFICATION_DELIVERED", 4, clarificationId="q2"),
    ]
    done = fold(events)
    assert open_question(done.detail) is None
    told = done.detail["clarifications"][1]
    assert (told["answer"], told["answeredBy"]) == ("All of them.", ANN)
    assert "deliverTime" in told


def test_an_answer_that_never_reached_the_platform_opens_the_question_again() -> None:
    after = fold(
        [
            event("CLARIFICATION_REQUESTED", eventId="q1", message="Which post?"),
            event("CLARIFICATION_ANSWERED", 1, by=ANN, clarificationId="q1", answer="This one."),
            event("COMMAND_REFUSED", 2, command="clarification", reason="Answer again."),
        ]
    )
    question = open_question(after.detail)
    assert question is not None
    assert "answeredBy" not in question


def test_a_first_decision_frees_the_claim_and_the_second_one_counts() -> None:
    first = [
        event("REVIEW_REQUESTED", state="IN_REVIEW", reviewId="r", reasons=["x"]),
        event("REVIEW_CLAIMED", 1, by=ANN, reviewer=ANN, expireTime=UNTIL),
        event("REVIEW_FIRST_DECIDED", 2, by=ANN, decision="REVIEW_DECISION_REFER"),
    ]
    review = fold(first).detail["review"]
    assert review["firstDecidedBy"] == ANN
    assert not {"claimedBy", "claimExpireTime", "decision"} & set(review)
    second = event("REVIEW_DECIDED", 3, by=BOB, decision="REVIEW_DECISION_REFER", note="yes")
    decided = fold([*first, second]).detail["review"]
    assert (decided["firstDecidedBy"], decided["decidedBy"]) == (ANN, BOB)
    assert (decided["reviewId"], decided["note"]) == ("r", "yes")


def test_a_decision_ends_the_claim() -> None:
    after = fold(
        [
            event("REVIEW_REQUESTED", state="IN_REVIEW", reviewId="r"),
            event("REVIEW_CLAIMED", 1, by=ANN, reviewer=ANN, expireTime=UNTIL),
            event("REVIEW_DECIDED", 2, by=ANN, decision="REVIEW_DECISION_REJECT"),
        ]
    )
    assert "claimedBy" not in after.detail["review"]


def test_first_and_latest_removal_are_kept_apart_and_reappearances_counted() -> None:
    after = fold(
        [
            event("REMOVAL_CONFIRMED", 1, state="MONITORING"),
            event("REAPPEARED", 2, state="NOTIFYING"),
            event("REMOVAL_CONFIRMED", 9, state="MONITORING"),
        ]
    )
    assert after.detail["firstRemovalTime"] == (START + timedelta(minutes=1)).isoformat()
    assert after.confirm_time == START + timedelta(minutes=9)
    assert after.detail["reappearances"] == 1


def test_contradictions_are_counted_and_never_go_back() -> None:
    after = fold([event("CONTRADICTED", count=2), event("CONTRADICTED", 1, count=1)])
    assert after.detail["contradictions"] == 3


def test_a_closed_referral_that_is_reversed_keeps_its_outcome() -> None:
    closed = event("CLOSED", state="CLOSED", outcome="OUTCOME_REMOVED", explanation="gone")
    after = fold([closed, event("REVERSED", 1, eventId="pe-1")])
    assert (after.state, after.outcome) == ("CLOSED", "REMOVED")
    assert after.detail["outcome"]["reversed"]
    assert after.detail["outcome"]["explanation"] == "gone"
    assert after.detail["reversal"] == {
        "platformEventId": "pe-1",
        "time": (START + timedelta(minutes=1)).isoformat(),
        "exampleDisputed": True,
    }
    # The event itself says what it said.
    assert "reversed" not in closed.detail


def test_the_highest_step_of_the_ladder_is_kept() -> None:
    levels = ["REFERRER_LIAISON", "PLATFORM_CONTACT"]
    steps = [event("ESCALATED", n, level=f"ESCALATION_LEVEL_{x}") for n, x in enumerate(levels)]
    assert fold(steps).detail["escalationLevel"] == "ESCALATION_LEVEL_REFERRER_LIAISON"


def test_urgency_lapses_to_routine_and_a_new_departure_counts_after_it() -> None:
    raised = event(
        "URGENCY_RAISED", urgency="URGENCY_IMMINENT_DEPARTURE",
        departureTime=(START + timedelta(minutes=5)).isoformat(),
    )  # fmt: skip
    lapsed = fold([raised, event("URGENCY_LAPSED", 6)])
    assert lapsed.priority == domain.PRIORITIES["ROUTINE"]
    assert lapsed.departure_time == START + timedelta(minutes=5)
    again = event("URGENCY_RAISED", 7, urgency="URGENCY_IMMINENT_DEPARTURE", departureTime=UNTIL)
    after = fold([again], lapsed)
    assert (after.priority, after.departure_time) == (0, datetime.fromisoformat(UNTIL))


def test_of_two_departures_to_come_the_first_counts_and_settles_what_was_proposed() -> None:
    proposed = event("DEPARTURE_PROPOSED", departureTime=LATER)
    assert fold([proposed]).detail["proposedDepartureTime"] == LATER
    after = fold(
        [
            proposed,
            event("URGENCY_RAISED", 1, urgency="URGENCY_IMMINENT_DEPARTURE", departureTime=UNTIL),
            event("URGENCY_RAISED", 2, urgency="URGENCY_IMMINENT_DEPARTURE", departureTime=LATER),
        ]
    )
    assert after.departure_time == datetime.fromisoformat(UNTIL)
    assert "proposedDepartureTime" not in after.detail


@pytest.mark.parametrize("kind", sorted(policy.PERSON_DECIDES_KINDS))
def test_whole_accounts_and_groups_need_two_people(kind: str) -> None:
    assert needs_two_people(kind, {})


def test_protected_speech_needs_two_people_and_an_offer_does_not() -> None:
    def speech(act: str) -> dict[str, Any]:
        return {"assessment": {"speechAct": f"SPEECH_ACT_{act}"}}

    assert all(needs_two_people("POST", speech(act)) for act in policy.PROTECTED_SPEECH)
    assert not needs_two_people("POST", speech("OFFER"))
    assert not needs_two_people("POST", {})


def test_intake_and_the_workflow_agree_on_what_needs_people_and_what_can_be_held() -> None:
    assert domain.PROTECTED_SPEECH == policy.PROTECTED_SPEECH
    assert domain.TWO_PEOPLE_KINDS == policy.PERSON_DECIDES_KINDS
    assert frozenset(str(state) for state in HOLDABLE) == hold_rules.STATES


def test_every_event_that_the_fold_knows_is_an_event_of_the_contract() -> None:
    known = {
        n.removeprefix("REFERRAL_EVENT_TYPE_")
        for n in event_pb2.ReferralEventType.DESCRIPTOR.values_by_name
    }
    assert set(HANDLERS) <= known


_DETAILS = st.fixed_dictionaries(
    {},
    optional={
        "eventId": st.sampled_from(["q1", "q2"]),
        "clarificationId": st.sampled_from(["q1", "q2", "q3"]),
        "answer": st.sampled_from(["", "a"]),
        "command": st.sampled_from(["hold", "release", "clarification"]),
        "expireTime": st.sampled_from([UNTIL, LATER]),
        "reason": st.sampled_from(["HOLD_REASON_OTHER", "HOLD_REASON_SURVEILLANCE"]),
        "count": st.integers(0, 3),
        "level": st.sampled_from(["", "ESCALATION_LEVEL_HEAD_OF_UNIT"]),
        "outcome": st.just("OUTCOME_REMOVED"),
    },
)
_EVENTS = st.lists(
    st.tuples(st.sampled_from([*sorted(HANDLERS), "CLOSED"]), st.sampled_from([WORKER, ANN]),
              _DETAILS),
    max_size=12,
)  # fmt: skip


@given(_EVENTS)
def test_any_order_of_events_folds_and_event_by_event_gives_the_same(
    drawn: list[tuple[str, str, dict[str, Any]]],
) -> None:
    events = [event(name, n, by, **detail) for n, (name, by, detail) in enumerate(drawn)]
    untouched = copy.deepcopy(events)
    at_once, one_by_one = fold(events), Projection()
    for each in events:
        # As the record keeps it: through JSON, never the same objects.
        one_by_one.detail = copy.deepcopy(one_by_one.detail)
        one_by_one.apply(each)
    assert at_once == one_by_one
    assert events == untouched
