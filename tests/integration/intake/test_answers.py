"""Answers to platforms, departures and steps up the ladder: for operators, some for referrers."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from uuid import uuid4

import pytest

from services.kernel.errors import ErrorKind
from takedown.intake.v1 import casework_service_pb2 as pb
from takedown.referral.v1 import enums_pb2 as enums
from takedown.referral.v1 import event_pb2, referral_pb2
from tests.integration.intake.lives import (
    ANN,
    MET,
    NCA,
    ahead,
    append,
    asked,
    changes_nothing,
    closed,
    created,
    event,
    events_of,
    in_review,
    names_state_and_remedy,
    newest_item,
    noticed,
    shown,
    spiffe,
    spoken,
)
from tests.integration.intake.serving import Intake

WORDS = "The second account; the first belongs to a charity."
Change = Callable[[Any], Any]


def answer(referral_id: str, **changes: Any) -> pb.AnswerClarificationRequest:
    values = {
        "referral_id": referral_id,
        "request_id": str(uuid4()),
        "clarification_id": "q-1",
        "answer": WORDS,
    }
    return pb.AnswerClarificationRequest(**{**values, **changes})


def escalation(referral_id: str, **changes: Any) -> pb.EscalateRequest:
    values = {"referral_id": referral_id, "request_id": str(uuid4()), "note": "the press asks"}
    return pb.EscalateRequest(**{**values, **changes})


def departure(referral_id: str, **changes: Any) -> pb.ConfirmDepartureRequest:
    values: dict[str, Any] = {
        "referral_id": referral_id,
        "request_id": str(uuid4()),
        "departure_time": ahead(hours=9),
    }
    return pb.ConfirmDepartureRequest(**{**values, **changes})


@pytest.mark.parametrize("who", [ANN, NCA])
async def test_a_question_is_answered_and_the_words_stay_in_the_record(
    intake: Intake, who: str
) -> None:
    referral_id, stub = await asked(intake), intake.casework(who)
    (question,) = (await shown(intake, referral_id, who)).clarifications
    assert (question.clarification_id, question.answer) == ("q-1", "")
    assert question.question == "Which of the two accounts?"
    request = answer(referral_id)
    first = await stub.AnswerClarification(request, timeout=5)
    (told,) = first.referral.clarifications
    assert (told.answer, told.answered_by) == (WORDS, spiffe(who))
    assert first.referral.state == enums.REFERRAL_STATE_CLARIFICATION_REQUESTED
    item = await newest_item(intake)
    assert (item["kind"], item["referral_id"]) == ("clarification.answered", referral_id)
    said = event_pb2.ClarificationAnsweredDetail.FromString(item["payload"])
    assert (said.clarification_id, said.answer) == ("q-1", "")
    before = await intake.counts()
    assert await stub.AnswerClarification(request, timeout=5) == first
    assert await intake.counts() == before


async def test_only_the_open_question_is_answered(intake: Intake) -> None:
    referral_id, stub = await asked(intake), intake.casework()
    unknown = answer(referral_id, clarification_id="q-9")
    error = await changes_nothing(intake, stub.AnswerClarification(unknown, timeout=5))
    names_state_and_remedy(error, "CLARIFICATION_NOT_OPEN", "CLARIFICATION_REQUESTED")
    await stub.AnswerClarification(answer(referral_id), timeout=5)
    error = await changes_nothing(
        intake, stub.AnswerClarification(answer(referral_id, answer="other"), timeout=5)
    )
    names_state_and_remedy(error, "CLARIFICATION_NOT_OPEN", "CLARIFICATION_REQUESTED")


async def test_a_question_that_the_platform_went_past_is_closed(intake: Intake) -> None:
    referral_id, stub = await asked(intake), intake.casework()
    await append(intake, referral_id, event("REMOVAL_CLAIMED", "VERIFYING_REMOVAL"))
    error = await changes_nothing(intake, stub.AnswerClarification(answer(referral_id), timeout=5))
    names_state_and_remedy(error, "CLARIFICATION_NOT_OPEN", "VERIFYING_REMOVAL")
    await closed(intake, referral_id)
    error = await changes_nothing(intake, stub.AnswerClarification(answer(referral_id), timeout=5))
    names_state_and_remedy(error, "REFERRAL_CLOSED", "CLOSED")


async def test_an_answer_that_the_platform_never_got_can_be_given_again(intake: Intake) -> None:
    referral_id, stub = await asked(intake), intake.casework()
    await stub.AnswerClarification(answer(referral_id), timeout=5)
    said = event_pb2.CommandRefusedDetail(command="clarification", reason="Answer again.")
    await append(intake, referral_id, event("COMMAND_REFUSED", command_refused=said))
    again = await stub.AnswerClarification(answer(referral_id, answer="again"), timeout=5)
    assert again.referral.clarifications[0].answer == "again"


async def test_a_step_up_the_ladder_is_asked_for_with_a_note_that_stays_here(
    intake: Intake,
) -> None:
    referral_id, stub = await noticed(intake), intake.casework()
    request = escalation(referral_id)
    first = await stub.Escalate(request, timeout=5)
    last = (await events_of(intake, referral_id))[-1]
    assert last.type == event_pb2.REFERRAL_EVENT_TYPE_ESCALATION_REQUESTED
    assert last.escalated.note == request.note
    item = await newest_item(intake)
    assert item["kind"] == "escalation.requested"
    assert event_pb2.EscalatedDetail.FromString(item["payload"]).note == ""
    assert await stub.Escalate(request, timeout=5) == first
    level = event_pb2.EscalatedDetail(level=enums.ESCALATION_LEVEL_PLATFORM_CONTACT)
    await append(intake, referral_id, event("ESCALATED", escalated=level))
    assert (await shown(intake, referral_id)).escalation_level == level.level
    await closed(intake, referral_id)
    error = await changes_nothing(intake, stub.Escalate(escalation(referral_id), timeout=5))
    names_state_and_remedy(error, "REFERRAL_CLOSED", "CLOSED")


@pytest.mark.parametrize("who", [ANN, NCA])
async def test_a_confirmed_departure_overtakes_and_settles_the_proposal(
    intake: Intake, who: str
) -> None:
    referral_id, stub = await in_review(intake, 1), intake.casework(who)
    await in_review(intake, 2)
    proposed = event_pb2.DepartureProposedDetail(departure_time=ahead(hours=30))
    await append(intake, referral_id, event("DEPARTURE_PROPOSED", departure_proposed=proposed))
    before = await shown(intake, referral_id)
    assert before.proposed_departure_time == proposed.departure_time
    assert before.urgency == enums.URGENCY_ROUTINE
    request = departure(referral_id)
    first = await stub.ConfirmDeparture(request, timeout=5)
    assert first.referral.urgency == enums.URGENCY_IMMINENT_DEPARTURE
    assert not first.referral.HasField("proposed_departure_time")
    moment = request.departure_time.ToDatetime()
    assert abs((first.referral.departure_time.ToDatetime() - moment).total_seconds()) < 0.001
    item = await newest_item(intake)
    assert (item["kind"], item["priority"]) == ("urgency.raised", 0)
    bare = referral_pb2.Referral.FromString(item["payload"])
    assert (bare.referral_id, bare.urgency) == (referral_id, first.referral.urgency)
    assert (bare.content.url, bare.content.text, bare.content.account) == ("", "", "")
    assert await stub.ConfirmDeparture(request, timeout=5) == first
    listed = await intake.casework().ListWork(pb.ListWorkRequest(), timeout=5)
    assert listed.referrals[0].referral_id == referral_id


async def test_a_departure_that_changes_nothing_is_refused(intake: Intake) -> None:
    referral_id, stub = await created(intake), intake.casework()
    await stub.ConfirmDeparture(departure(referral_id), timeout=5)
    later = departure(referral_id, departure_time=ahead(hours=10))
    error = await changes_nothing(intake, stub.ConfirmDeparture(later, timeout=5))
    names_state_and_remedy(error, "DEPARTURE_KNOWN", "RECEIVED")
    earlier = departure(referral_id, departure_time=ahead(hours=2))
    await stub.ConfirmDeparture(earlier, timeout=5)
    await append(intake, referral_id, event("URGENCY_LAPSED"))
    assert (await shown(intake, referral_id)).urgency == enums.URGENCY_ROUTINE
    await closed(intake, referral_id)
    error = await changes_nothing(intake, stub.ConfirmDeparture(departure(referral_id), timeout=5))
    names_state_and_remedy(error, "REFERRAL_CLOSED", "CLOSED")


BAD: dict[str, tuple[str, Change, str]] = {
    "departure in the past": (
        "ConfirmDeparture", lambda r: r.departure_time.CopyFrom(ahead(seconds=-1)),
        "departure_time"),
    "departure in two years": (
        "ConfirmDeparture", lambda r: r.departure_time.CopyFrom(ahead(days=700)),
        "departure_time"),
    "no departure": (
        "ConfirmDeparture", lambda r: r.ClearField("departure_time"), "departure_time"),
    "departure of no calendar": (
        "ConfirmDeparture", lambda r: setattr(r.departure_time, "seconds", 10**15),
        "departure_time"),
    "empty answer": ("AnswerClarification", lambda r: setattr(r, "answer", ""), "answer"),
    "answer with a nul": ("AnswerClarification", lambda r: setattr(r, "answer", "\x00"), "answer"),
    "answer too long": (
        "AnswerClarification", lambda r: setattr(r, "answer", "x" * 4001), "answer"),
    "no question": (
        "AnswerClarification", lambda r: setattr(r, "clarification_id", ""), "clarification_id"),
    "question with a nul": (
        "AnswerClarification", lambda r: setattr(r, "clarification_id", "\x00"),
        "clarification_id"),
    "escalation without a note": ("Escalate", lambda r: setattr(r, "note", ""), "note"),
    "escalation with a nul": ("Escalate", lambda r: setattr(r, "note", "a\x00"), "note"),
}  # fmt: skip
MAKE = {"ConfirmDeparture": departure, "AnswerClarification": answer, "Escalate": escalation}


@pytest.mark.parametrize("name", BAD)
async def test_bad_words_and_times_are_refused_by_field(intake: Intake, name: str) -> None:
    method, change, field = BAD[name]
    request = MAKE[method](await asked(intake))  # type: ignore[operator]
    change(request)
    call = getattr(intake.casework(), method)(request, timeout=5)
    error = await changes_nothing(intake, call)
    assert error.kind is ErrorKind.INVALID
    assert field in {violation.field for violation in error.violations}


async def test_a_foreign_referral_answers_a_referrer_exactly_like_an_unknown_one(
    intake: Intake,
) -> None:
    referral_id, met = await asked(intake), intake.casework(MET)
    for method, make in (("AnswerClarification", answer), ("ConfirmDeparture", departure)):
        call = getattr(met, method)
        foreign = await changes_nothing(intake, call(make(referral_id), timeout=5))  # type: ignore[operator]
        unknown = await changes_nothing(intake, call(make(str(uuid4())), timeout=5))  # type: ignore[operator]
        assert foreign.kind is ErrorKind.NOT_FOUND
        told = [(e.kind, e.reason, e.message, e.violations) for e in (foreign, unknown)]
        assert told[0] == told[1]
    call = intake.casework(NCA).Escalate(escalation(referral_id), timeout=5)
    assert (await changes_nothing(intake, call)).kind is ErrorKind.PERMISSION_DENIED


async def test_a_referrer_is_shown_no_submission_of_others_by_its_answer(intake: Intake) -> None:
    referral_id = await asked(intake)
    await created(intake, who=MET)
    answered = await intake.casework(MET).AnswerClarification(answer(referral_id), timeout=5)
    assert {s.referrer for s in answered.referral.submissions} == {"met-police"}


async def test_one_request_id_of_two_methods_is_refused_and_never_confused(intake: Intake) -> None:
    referral_id, stub = await noticed(intake), intake.casework()
    request = escalation(referral_id)
    await stub.Escalate(request, timeout=5)
    # The very same bytes, but another question.
    same = pb.ReleaseHoldRequest.FromString(request.SerializeToString())
    error = await changes_nothing(intake, stub.ReleaseHold(same, timeout=5))
    assert error.reason == "REQUEST_ID_REUSED"


async def test_a_closed_referral_that_is_reversed_says_so_and_keeps_its_outcome(
    intake: Intake,
) -> None:
    referral_id = await noticed(intake)
    await closed(intake, referral_id)
    await append(intake, referral_id, event("REVERSED", platform_event=spoken("pe-7", "REVERSAL")))
    after = await shown(intake, referral_id, NCA)
    assert (after.state, after.outcome.outcome) == (
        enums.REFERRAL_STATE_CLOSED, enums.OUTCOME_REMOVED,
    )  # fmt: skip
    assert after.outcome.reversed
    assert after.reversal.platform_event_id == "pe-7"
    assert after.reversal.example_disputed
