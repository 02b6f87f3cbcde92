"""What a person must decide, and what the decision does. Pure."""

from __future__ import annotations

from datetime import datetime, timedelta

from workflows import closing, policy
from workflows.contracts import AssessmentFacts
from workflows.lifecycle import Event
from workflows.progress import Progress, instant, stamp


def ask(
    progress: Progress, now: datetime, review_id: str, facts: AssessmentFacts, reasons: list[str]
) -> None:
    """Record why a person must decide and move to the work list."""
    suggestion = facts.decision if facts.decision != "REFER" else "REVIEW"
    detail: dict[str, object] = {
        "reviewId": review_id,
        "suggestion": f"ASSESSMENT_DECISION_{suggestion}",
        "reasons": reasons,
    }
    progress.review_since = progress.late_since = stamp(now)
    progress.late_rounds = 0
    if progress.whole_life:
        detail["dueTime"] = stamp(now + review_time_left(progress, now))
    progress.record(
        now,
        "REVIEW_REQUESTED",
        by=Event.REVIEW_NEEDED,
        detail_kind="review_requested",
        detail=detail,
    )


def decide(progress: Progress, now: datetime, decision: str) -> None:
    """Act on a person's decision, REFER or REJECT."""
    if decision == "REFER":
        progress.record(now, "DISPATCH_APPROVED", by=Event.DISPATCH_APPROVED)
    else:
        closing.close(progress, now, "REJECTED", Event.REJECTED)


def time_left(progress: Progress, now: datetime, seconds: float) -> timedelta:
    """Until whoever we wait for (a reviewer, who answers the platform) is late once more."""
    since = instant(progress.late_since) or now
    deadline = progress.clockwork.person_deadline(
        seconds, progress.urgency, instant(progress.departure_time), since
    )
    return since + deadline - now


def review_time_left(progress: Progress, now: datetime) -> timedelta:
    return time_left(progress, now, policy.REVIEW_DEADLINE)


def clarification_time_left(progress: Progress, now: datetime) -> timedelta:
    return time_left(progress, now, policy.CLARIFICATION_DEADLINE)
