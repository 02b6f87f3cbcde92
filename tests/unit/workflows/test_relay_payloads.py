"""A payload becomes facts for a workflow: ids, names and times, and no words."""

from __future__ import annotations

import json
from dataclasses import asdict
from datetime import UTC, date, datetime

import pytest

from takedown.referral.v1 import assessment_pb2, enums_pb2, event_pb2, referral_pb2
from workflows import bank_holidays, contracts, relay_payloads
from workflows.activities.classification import _facts
from workflows.contracts import Command
from workflows.progress import instant

UNTIL = datetime(2026, 12, 1, 9, tzinfo=UTC)
SECRET = "words that must not travel"


def _bare() -> referral_pb2.Referral:
    return referral_pb2.Referral(
        referral_id="r", test=True, urgency=enums_pb2.URGENCY_URGENT,
        content=referral_pb2.Content(
            platform="x", kind=enums_pb2.CONTENT_KIND_POST, url=SECRET, text=SECRET
        ),
    )  # fmt: skip


def test_a_start_is_of_todays_version_with_this_and_the_next_years_bank_holidays() -> None:
    start = relay_payloads.start(_bare().SerializeToString(), 0.5)
    assert (start.version, start.urgency, start.kind) == (contracts.VERSION, "URGENT", "POST")
    assert (start.hold_until, start.hold_reason) == ("", "")
    assert start.bank_holidays == bank_holidays.around(datetime.now(UTC).date())
    assert SECRET not in json.dumps(asdict(start))


def test_a_hold_that_came_with_the_submission_starts_with_the_workflow() -> None:
    bare = _bare()
    hold = bare.holds.add(reason=enums_pb2.HOLD_REASON_SAFEGUARDING, note=SECRET, requested=True)
    hold.expire_time.FromDatetime(UNTIL)
    start = relay_payloads.start(bare.SerializeToString(), 1.0)
    assert (instant(start.hold_until), start.hold_reason) == (UNTIL, "SAFEGUARDING")
    assert SECRET not in json.dumps(asdict(start))


def _hold() -> event_pb2.HoldDetail:
    hold = event_pb2.HoldDetail(
        owner=SECRET, note=SECRET, reason=enums_pb2.HOLD_REASON_LIVE_INVESTIGATION
    )
    hold.expire_time.FromDatetime(UNTIL)
    return hold


@pytest.mark.parametrize(
    ("kind", "payload", "expected"),
    [
        (contracts.KIND_HOLD_PLACED, _hold(),
         Command("operator", reason="LIVE_INVESTIGATION", until=UNTIL.isoformat())),
        (contracts.KIND_HOLD_RELEASED,
         event_pb2.HoldEndedDetail(end=enums_pb2.HOLD_END_RELEASED),
         Command("operator", value="RELEASED")),
        (contracts.KIND_CLARIFICATION_ANSWERED,
         event_pb2.ClarificationAnsweredDetail(clarification_id="q1", answer=SECRET),
         Command("operator", subject="q1")),
        (contracts.KIND_ESCALATION_REQUESTED, event_pb2.EscalatedDetail(note=SECRET),
         Command("operator")),
        (contracts.KIND_REVIEW_DECIDED,
         event_pb2.ReviewDecidedDetail(
             decision=enums_pb2.REVIEW_DECISION_REJECT, note=SECRET,
             reason=enums_pb2.REVIEW_REASON_PROTECTED_SPEECH),
         Command("operator", value="REJECT", reason="PROTECTED_SPEECH")),
    ],
)  # fmt: skip
def test_each_command_is_read_and_its_words_are_left_out(
    kind: str, payload: event_pb2.HoldDetail, expected: Command
) -> None:
    command = relay_payloads.COMMANDS[kind](payload.SerializeToString())
    assert command == expected
    assert SECRET not in json.dumps(asdict(command))


def test_christmas_and_easter_are_known_and_weekends_need_not_be() -> None:
    found = bank_holidays.around(date(2026, 11, 26))
    assert {"2026-12-25", "2026-12-28", "2027-03-26", "2027-03-29"} <= set(found)
    assert "2026-12-26" not in found
    assert {day[:4] for day in found} == {"2026", "2027"}


def test_the_departure_that_an_assessment_names_reaches_the_workflow() -> None:
    assessment = assessment_pb2.Assessment()
    assert _facts(assessment).departure_time == ""
    assessment.departure_time.FromDatetime(UNTIL)
    assert instant(_facts(assessment).departure_time) == UNTIL


def test_of_what_is_taken_for_no_advert_no_departure_is_proposed() -> None:
    assessment = assessment_pb2.Assessment(decision=enums_pb2.ASSESSMENT_DECISION_SUGGEST_REJECT)
    assessment.departure_time.FromDatetime(UNTIL)
    assert _facts(assessment).departure_time == ""
