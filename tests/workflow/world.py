"""The world around a workflow: a record, a classifier, an adapter and an observer in memory.

They behave as the services do where the workflow can tell: the record is idempotent on keys,
the adapter has one effect per notice_id, the observer keeps series.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any

from temporalio import activity
from temporalio.exceptions import ApplicationError, ApplicationErrorCategory

from workflows import contracts
from workflows.contracts import (
    AppendRequest,
    AppendResult,
    AssessmentFacts,
    AssessRequest,
    ClarificationRequest,
    NoticeRequest,
    NoticeResult,
    ObservationFacts,
    ObserveRequest,
    ObserveResult,
    PlatformPolicy,
    RemindRequest,
    RemindResult,
    ResolvedLink,
    ResolveRequest,
    WithdrawRequest,
)
from workflows.lifecycle import State, is_legal

OFFER = AssessmentFacts(0.97, "OFFER", "REFER", "test-1")
UNSURE = AssessmentFacts(0.55, "UNKNOWN", "REVIEW", "test-1")
UNLIKELY = AssessmentFacts(0.03, "REPORTING", "SUGGEST_REJECT", "test-1")
GONE = frozenset({"REMOVED", "AUTHOR_DELETED", "ACCOUNT_SUSPENDED", "NOT_FOUND"})


@dataclass
class World:
    """Set what is to happen; read what did."""

    assessment: AssessmentFacts = OFFER
    policy: PlatformPolicy = field(default_factory=PlatformPolicy)
    # What looks find from now on; a list is used up first, its last value stays.
    availability: list[str] = field(default_factory=lambda: ["AVAILABLE"])
    link: ResolvedLink = field(default_factory=ResolvedLink)
    send_failures: list[str] = field(default_factory=list)
    events: dict[str, contracts.EventRecord] = field(default_factory=dict)
    effects: list[str] = field(default_factory=list)
    withdrawn: list[str] = field(default_factory=list)
    looks: list[str] = field(default_factory=list)
    # (level, deadline) of every reminder that was taken; ``unreachable`` refuses so many first.
    reminders: list[tuple[str, str]] = field(default_factory=list)
    unreachable: int = 0
    # Seconds that recording takes, following a short link, and the look before a first notice.
    slowness: float = 0.0
    answered: list[str] = field(default_factory=list)
    answer_failures: list[str] = field(default_factory=list)
    _appended: asyncio.Condition = field(default_factory=asyncio.Condition)
    _series: dict[str, list[ObservationFacts]] = field(default_factory=dict)

    @activity.defn(name=contracts.ACTIVITY_APPEND_EVENTS)
    async def append_events(self, request: AppendRequest) -> AppendResult:
        await asyncio.sleep(self.slowness)
        for event in request.events:
            self._append(event)
        async with self._appended:
            self._appended.notify_all()
        ended = [e for e in self.events.values() if e.type == "CLOSED"]
        outcome = str(ended[0].detail["outcome"]).removeprefix("OUTCOME_") if ended else ""
        return AppendResult(len(self.events), outcome)

    def _append(self, event: contracts.EventRecord) -> None:
        """As the record does: once by its key; a number that holds another event is a fork."""
        if event.key in self.events:
            return
        number = event.key.split("/")[1]
        forked = any(key.split("/")[1] == number for key in self.events)
        now = self.events[next(reversed(self.events))].state if self.events else ""
        if forked and now == "CLOSED":
            if event.type != "CLOSED":
                self.events[event.key] = replace(event, state="CLOSED")
            return
        if forked and event.before and event.before != now:
            resumed = contracts.EventRecord(
                f"r/{event.key}", "RESUMED", event.before, event.occurred_at
            )
            self.events[resumed.key] = resumed
        self.events[event.key] = event

    @activity.defn(name=contracts.ACTIVITY_ASSESS)
    async def assess(self, request: AssessRequest) -> AssessmentFacts:
        now = datetime.now(UTC).isoformat()
        record = contracts.EventRecord(request.event_key, "ASSESSED", "", now)
        self.events.setdefault(request.event_key, record)
        return self.assessment

    @activity.defn(name=contracts.ACTIVITY_RESOLVE_LINK)
    async def resolve(self, request: ResolveRequest) -> ResolvedLink:
        await asyncio.sleep(self.slowness)
        return self.link

    @activity.defn(name=contracts.ACTIVITY_LOOK_FIRST)
    async def look_first(self, request: ObserveRequest) -> ObserveResult:
        await asyncio.sleep(self.slowness)
        result = self._look(request)
        return ObserveResult(result.gone, result.observations, {"captureId": "c"})

    @activity.defn(name=contracts.ACTIVITY_OBSERVE)
    async def observe(self, request: ObserveRequest) -> ObserveResult:
        return self._look(request)

    @activity.defn(name=contracts.ACTIVITY_SUBMIT_NOTICE)
    async def submit_notice(self, request: NoticeRequest) -> NoticeResult:
        if self.send_failures:
            failure = self.send_failures.pop(0)
            if failure == "lost_answer":
                self._accept(request.notice_id)
            final = failure == contracts.ERROR_REFUSED
            raise ApplicationError("the platform said no", type=failure, non_retryable=final)
        self._accept(request.notice_id)
        detail = {"noticeId": request.notice_id, "number": request.number}
        return NoticeResult(detail, self.policy)

    @activity.defn(name=contracts.ACTIVITY_WITHDRAW_NOTICE)
    async def withdraw_notice(self, request: WithdrawRequest) -> None:
        self.withdrawn.append(request.notice_id)

    @activity.defn(name=contracts.ACTIVITY_ANSWER_CLARIFICATION)
    async def answer_clarification(self, request: ClarificationRequest) -> None:
        if self.answer_failures:
            failure = self.answer_failures.pop(0)
            raise ApplicationError("no", type=failure, non_retryable=True)
        if request.clarification_id not in self.answered:
            self.answered.append(request.clarification_id)

    @activity.defn(name=contracts.ACTIVITY_REMIND)
    async def remind(self, request: RemindRequest) -> RemindResult:
        if self.unreachable > 0:
            self.unreachable -= 1
            raise ApplicationError("nobody takes mail", type="UNREACHABLE")
        self.reminders.append((request.level, request.deadline))
        return RemindResult("log")

    def activities(self) -> list[Any]:
        return [
            self.append_events, self.assess, self.resolve, self.look_first, self.observe,
            self.submit_notice, self.withdraw_notice, self.answer_clarification, self.remind,
        ]  # fmt: skip

    def _accept(self, notice_id: str) -> None:
        if notice_id not in self.effects:
            self.effects.append(notice_id)

    def _look(self, request: ObserveRequest) -> ObserveResult:
        found = self.availability[0]
        if len(self.availability) > 1:
            self.availability.pop(0)
        self.looks.append(request.purpose)
        series = self._series.setdefault(request.series, [])
        facts = ObservationFacts(
            observation_id=f"{request.series}/{len(series)}",
            availability=found,
            visible="YES" if found == "AVAILABLE" else "NO" if found in GONE else "CANNOT_TELL",
            counts_as_gone=found in GONE,
            observed_at="2026-11-24T10:00:00Z",
            detail={
                "observationId": f"{request.series}/{len(series)}",
                "availability": f"AVAILABILITY_{found}",
                "countsAsGone": found in GONE,
            },
        )
        series.append(facts)
        if not facts.counts_as_gone:
            return ObserveResult(gone=False, observations=list(series))
        if len(series) >= request.quorum:
            return ObserveResult(gone=True, observations=list(series))
        raise ApplicationError(
            "one more", type=contracts.ERROR_NOT_YET, category=ApplicationErrorCategory.BENIGN
        )

    # --- what the tests read ----------------------------------------------------------

    async def recorded(self, kind: str, times: int = 1) -> None:
        """Wait until so many events of this type are on record."""
        await self.comes(lambda: self.types().count(kind) >= times)

    async def comes(self, what: Callable[[], bool]) -> None:
        """Wait, in real time, until the record makes it so."""
        async with self._appended:
            await self._appended.wait_for(what)

    def ordered(self) -> list[contracts.EventRecord]:
        """Events in the order in which they came on record."""
        return list(self.events.values())

    def types(self) -> list[str]:
        return [event.type for event in self.ordered()]

    def closed(self) -> dict[str, Any]:
        (event,) = [e for e in self.events.values() if e.type == "CLOSED"]
        return event.detail

    def only_legal_transitions(self) -> bool:
        before = State.RECEIVED
        for event in self.ordered():
            after = State(event.state) if event.state else before
            if event.type != "RESUMED" and after is not before and not is_legal(before, after):
                return False
            before = after
        return True
