"""What people tell: answers to a platform's questions, departures, steps up the ladder."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import asyncpg

from services.intake import casework, submission
from services.intake.casework import Caller, closed
from services.intake.domain import PRIORITIES
from services.intake.life import open_question
from services.intake.wire import as_dict
from services.kernel.errors import failed_precondition
from takedown.referral.v1 import enums_pb2, event_pb2, referral_pb2


async def answer(
    conn: asyncpg.Connection, row: Any, caller: Caller, clarification_id: str, words: str
) -> None:
    """Answer the open question of a locked referral; the words stay in the record.

    Raises:
        DomainError: FAILED_PRECONDITION when this question is not open.
    """
    if row["state"] == "CLOSED":
        raise closed(row, "the platform waits for no answer any more.")
    question = open_question(as_dict(row["detail"]))
    if (
        row["state"] != "CLARIFICATION_REQUESTED"
        or question is None
        or question["clarificationId"] != clarification_id
    ):
        raise failed_precondition(
            "CLARIFICATION_NOT_OPEN",
            f"The referral is {row['state']} and this question is not open on it: it was"
            " answered, was overtaken, or was never asked. Look at the referral's questions; the"
            " newest one without an answer is the open one.",
        )
    detail = {"clarificationId": clarification_id, "answer": words}
    item_id = await casework.put_on_record(
        conn, row, caller, "CLARIFICATION_ANSWERED", "clarification_answered", detail
    )
    bare = event_pb2.ClarificationAnsweredDetail(clarification_id=clarification_id)
    await casework.send(
        conn, row, item_id, "clarification.answered", bare.SerializeToString,
        caller.traceparent, caller.now,
    )  # fmt: skip


async def escalate(conn: asyncpg.Connection, row: Any, caller: Caller, note: str) -> None:
    """Ask for one step up the ladder on a locked referral.

    Raises:
        DomainError: FAILED_PRECONDITION when the referral is closed.
    """
    if row["state"] == "CLOSED":
        raise closed(row, "nobody has to be reminded. Submit the content again if it is back.")
    detail = {"deadline": "request", "note": note}
    item_id = await casework.put_on_record(
        conn, row, caller, "ESCALATION_REQUESTED", "escalated", detail
    )
    bare = event_pb2.EscalatedDetail(deadline="request")
    await casework.send(
        conn, row, item_id, "escalation.requested", bare.SerializeToString,
        caller.traceparent, caller.now,
    )  # fmt: skip


async def confirm_departure(
    conn: asyncpg.Connection, row: Any, caller: Caller, departure: datetime
) -> None:
    """Say when it leaves: the locked referral overtakes everything that is not leaving.

    Raises:
        DomainError: INVALID for a time that is past or absurd; FAILED_PRECONDITION when the
            referral is closed, or is known to leave no later.
    """
    submission.check_departure(departure, caller.now)
    if row["state"] == "CLOSED":
        raise closed(row, "nothing is left to hurry for. Submit the content again if it is back.")
    known, first = row["departure_time"], row["priority"] == PRIORITIES["IMMINENT_DEPARTURE"]
    if first and known is not None and caller.now < known <= departure:
        raise failed_precondition(
            "DEPARTURE_KNOWN",
            f"The referral is {row['state']} and is known to leave no later than that already, so"
            " nothing would change. Confirm an earlier time, if there is one.",
        )
    detail = {
        "urgency": "URGENCY_IMMINENT_DEPARTURE",
        "departureTime": departure.isoformat(),
    }
    item_id = await casework.put_on_record(
        conn, row, caller, "URGENCY_RAISED", "urgency_raised", detail
    )
    await casework.send(
        conn, row, item_id, "urgency.raised", _bare(row, departure).SerializeToString,
        caller.traceparent, caller.now, PRIORITIES["IMMINENT_DEPARTURE"],
    )  # fmt: skip


def _bare(row: Any, departure: datetime) -> referral_pb2.Referral:
    """What the relay needs to hurry a workflow: no content."""
    bare = referral_pb2.Referral(
        referral_id=str(row["referral_id"]),
        urgency=enums_pb2.URGENCY_IMMINENT_DEPARTURE,
        test=row["test"],
        traceparent=row["traceparent"],
    )
    bare.departure_time.FromDatetime(departure)
    bare.content.platform = row["platform"]
    bare.content.kind = enums_pb2.ContentKind.Value(f"CONTENT_KIND_{row['kind']}")
    return bare
