"""All that is replaced of what a workflow runs: its clock, and the calls out of its steps."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Final
from unittest.mock import patch

from workflows import contracts, ladder, steps, waits
from workflows.contracts import (
    AssessmentFacts,
    EventRecord,
    NoticeResult,
    ObservationFacts,
    ObserveResult,
    ResolvedLink,
)
from workflows.progress import stamp

if TYPE_CHECKING:
    from tests.unit.workflows.lives import Life

BEGUN: Final = datetime(2026, 3, 27, 9, 30, tzinfo=UTC)


@dataclass
class Clock:
    """Stands where ``temporalio.workflow`` stands in a workflow."""

    at: datetime = BEGUN

    def now(self) -> datetime:
        return self.at

    def uuid4(self) -> uuid.UUID:
        return uuid.uuid5(uuid.NAMESPACE_OID, self.at.isoformat())


class Scripted(steps.Steps):
    """The workflow's own steps, with every call out of it answered by the draw."""

    def __init__(self, life: Life) -> None:
        with patch.object(waits, "workflow", life.clock):
            super().__init__(life.progress)
        self._life = life

    def now(self) -> datetime:
        return self._life.clock.at

    async def flush(self) -> None:
        for event in self._p.unrecorded:
            self._life.append(event)
        self._p.unrecorded.clear()

    async def _wait_at_most(
        self, what: str, until: datetime | None, pause: timedelta | None
    ) -> None:
        share = self._life.draw("how far time goes", (0.1, 0.5, 1.0))
        self._life.clock.at += (pause or timedelta(days=1)) * share
        if share < 1.0 or pause is None:
            self._life.something_comes()

    async def _remind(self, reminder: ladder.Reminder) -> None:
        if self._life.draw("somebody takes the reminder", (True, True, False)):
            self._p.reminders.remove(reminder)
            detail = {
                "level": f"ESCALATION_LEVEL_{reminder.level}",
                "deadline": reminder.deadline, "channel": "log",
            }  # fmt: skip
            now = self._life.clock.now()
            self._p.record(now, "REMINDER_SENT", detail_kind="reminder_sent", detail=detail)
        else:
            ladder.put_off(self._p, reminder, self._life.clock.now())

    async def assess(self) -> AssessmentFacts:
        await self.flush()
        key = self._p.event_key("ASSESSED")
        if self._life.draw("the classifier answers", (True, True, False)):
            self._life.append(EventRecord(key, "ASSESSED", "", stamp(self._life.clock.at)))
        decision = self._life.draw("assessment", ("REFER", "REVIEW"))
        return AssessmentFacts(0.9, "OFFER", decision, "test-1")

    async def _look(self, activity: str, request: Any, otherwise: Any) -> Any:
        self._life.clock.at += timedelta(seconds=1)
        if activity == contracts.ACTIVITY_RESOLVE_LINK:
            return self._resolve(request.event_key)
        found = self._life.draw("look", (*["AVAILABLE"] * 5, "REMOVED", "UNKNOWN", "nothing"))
        if found == "nothing":
            return otherwise
        if self._life.draw("something comes while it looks", (False, False, True)):
            self._life.something_comes()
        gone = found == "REMOVED"
        facts = self._facts(request, found)
        return ObserveResult(gone, [facts] * (request.quorum if gone else 1), {"captureId": "c"})

    def _resolve(self, key: str) -> ResolvedLink:
        if not self._life.draw("the link answers", (True, False)):
            return ResolvedLink()
        detail = {"resolvedKind": "CONTENT_KIND_VIDEO"}
        at = stamp(self._life.clock.at)
        self._life.append(
            EventRecord(key, "SHORT_LINK_RESOLVED", "", at, "", "short_link_resolved", detail)
        )
        return ResolvedLink(kind="VIDEO")

    def _facts(self, request: Any, found: str) -> ObservationFacts:
        visible = {"AVAILABLE": "YES", "REMOVED": "NO"}.get(found, "CANNOT_TELL")
        detail = {
            "observationId": request.series, "availability": f"AVAILABILITY_{found}",
            "visible": f"VISIBLE_{visible}", "countsAsGone": found == "REMOVED",
        }  # fmt: skip
        seen_at = stamp(self._life.clock.at - timedelta(seconds=1))
        gone = found == "REMOVED"
        return ObservationFacts(request.series, found, visible, gone, seen_at, detail)

    async def submit_notice(
        self, prepared: datetime, overtaken: Callable[[], bool]
    ) -> tuple[NoticeResult | None, dict[str, Any] | None]:
        self._life.sent.append(self._p.notice_id)
        self._life.clock.at += timedelta(seconds=2)
        self._life.look_back()
        if self._life.draw("an answer overtakes the sending", (False, False, True)):
            self._life.answer()
            if overtaken():
                return None, None
        detail = self.prepared_notice(prepared) | {"deliverTime": stamp(self._life.clock.at)}
        return NoticeResult(detail, self._life.policy), None

    async def _send(self, activity: str, request: Any) -> bool:
        self._life.clock.at += timedelta(seconds=1)
        return bool(self._life.draw("the platform takes it", (True, True, False)))
