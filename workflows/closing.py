"""How a referral ends: the outcome's detail, from what the progress remembers. Pure."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from workflows.lifecycle import Event
from workflows.progress import Progress

_SENTENCES = {
    "REMOVED": "The content is gone and stayed gone while it was watched.",
    "RESTRICTED": "The platform withholds the content in some territory only.",
    "DECLINED": "The platform looked at it and declined.",
    "GONE_BEFORE_NOTICE": "The content was gone before a notice was sent; none was sent.",
    "REJECTED": "A reviewer decided not to refer it.",
    "WITHDRAWN": "The referrer took it back.",
    "NO_RESPONSE": "The platform did not answer within every deadline of its ladder.",
    "UNDELIVERABLE": "No notice could be delivered to the platform.",
    "DUPLICATE": "The short link leads to content that is referred already.",
}
_REVERSED = "The platform removed it and then put it back; its decision stands."


def close(
    progress: Progress, now: datetime, outcome: str, by: Event, *, because: str = "", of: str = ""
) -> None:
    """Record the one outcome, moving along the table by ``by``.

    Raises:
        IllegalTransitionError: the referral cannot end this way from where it stands.
    """
    progress.record(now, "CLOSED", by=by, detail_kind="closed", detail={})
    progress.outcome = outcome
    progress.unrecorded[-1].detail.update(_detail(progress, outcome, because, of))


def _detail(progress: Progress, outcome: str, because: str, of: str) -> dict[str, Any]:
    detail: dict[str, Any] = {
        "outcome": f"OUTCOME_{outcome}",
        "explanation": because or _SENTENCES[outcome],
        "reappearances": progress.reappearances,
        "contradictions": progress.contradictions,
        "duplicateOf": of,
        "withdrawnAfterNotice": outcome == "WITHDRAWN" and progress.notified,
    }
    if outcome == "REMOVED":
        detail |= _removal(progress)
    if progress.reversed:
        detail |= {"reversed": True, "explanation": _REVERSED} | _times(progress)
    if outcome == "GONE_BEFORE_NOTICE":
        detail["removedBy"] = f"REMOVED_BY_{progress.removed_by or 'UNKNOWN'}"
    if outcome in ("DECLINED", "RESTRICTED", "REMOVED") and progress.decision:
        detail |= _decision(progress.decision, outcome)
    return detail


def _removal(progress: Progress) -> dict[str, Any]:
    return {
        "removalBasis": f"REMOVAL_BASIS_{progress.basis}",
        "removedBy": f"REMOVED_BY_{progress.removed_by}",
        **_times(progress),
    }


def _times(progress: Progress) -> dict[str, Any]:
    if not progress.first_removal_at:
        return {}
    return {
        "firstRemovalTime": progress.first_removal_at,
        "finalRemovalTime": progress.final_removal_at,
    }


def _decision(decision: dict[str, Any], outcome: str) -> dict[str, Any]:
    detail: dict[str, Any] = {}
    if decision["visibility"]:
        detail["visibility"] = f"VISIBILITY_{decision['visibility']}"
    if decision["account_action"]:
        detail["accountAction"] = f"ACCOUNT_ACTION_{decision['account_action']}"
    if outcome == "DECLINED":
        detail["declineReason"] = f"DECLINE_REASON_{decision['decline_reason'] or 'OTHER'}"
    if outcome == "RESTRICTED":
        detail["territorialScope"] = {"countries": list(decision["countries"])}
    return detail
