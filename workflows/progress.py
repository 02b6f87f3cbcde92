"""What a running referral remembers: plain data that survives continue-as-new whole."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field, fields
from datetime import UTC, datetime, timedelta
from typing import Any, Self

from workflows import carrying, event_keys
from workflows.contracts import (
    Delivery,
    EventRecord,
    ObservationFacts,
    PlatformPolicy,
    StartReferral,
)
from workflows.lifecycle import Event, State, advance
from workflows.policy import BEFORE_NOTICE, Clockwork, more_urgent

# The version of the workflow from which on it knows the whole life (docs/decisions/0015).
WHOLE_LIFE = 2
# From here on a reminder whose matter is settled is dropped, and one that falls due while a
# notice is on its way is sent meanwhile.
SETTLES = 3


def stamp(moment: datetime) -> str:
    """ISO 8601 in UTC with a Z, as protobuf JSON reads it."""
    return moment.astimezone(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")


def instant(text: str) -> datetime | None:
    return datetime.fromisoformat(text) if text else None


class EndedOnRecordError(Exception):
    """The record had closed the referral before this run knew (docs/decisions/0017)."""


@dataclass(frozen=True)
class Reminder:
    """A reminder that is planned and not sent yet; ``key`` names the message for good."""

    key: str
    level: str
    deadline: str
    due: str
    tries: int = 0


@dataclass
class Progress:
    """State, counters and clocks of one referral. Instants are ISO 8601 strings, "" for none."""

    referral_id: str
    platform: str
    kind: str
    urgency: str
    departure_time: str
    test: bool
    time_scale: float
    state: State = State.RECEIVED
    outcome: str = ""
    recorded: int = 0
    series: int = 0
    notice_number: int = 0
    notice_id: str = ""
    delivered_at: str = ""
    waiting_since: str = ""
    verifying_since: str = ""
    claimed_at: str = ""
    removal_decided: bool = False
    gone_as: str = ""
    gone_ids: list[str] = field(default_factory=list)
    basis: str = ""
    removed_by: str = ""
    decision: dict[str, Any] = field(default_factory=dict)
    monitoring_since: str = ""
    first_removal_at: str = ""
    final_removal_at: str = ""
    reappearances: int = 0
    looked_first: bool = False
    # When the notice was prepared that a restored run must send again, as the same one.
    prepared_at: str = ""
    approved: bool = False
    withdrawal_asked: bool = False
    policy: PlatformPolicy = BEFORE_NOTICE
    version: int = 1
    bank_holidays: tuple[str, ...] = ()
    # The hold in force: where it began, until when, and what was seen meanwhile.
    held_from: str = ""
    held_since: str = ""
    hold_until: str = ""
    hold_reason: str = ""
    hold_looks: int = 0
    vanished_at: str = ""
    decided_on_hold: str = ""
    review_since: str = ""
    clarification_id: str = ""
    clarification_since: str = ""
    contradictions: int = 0
    contradicted_at: str = ""
    reversed: bool = False
    escalation_level: str = ""
    # Missed deadlines of the platform in this loop of notices; of our own people since they wait.
    rungs: int = 0
    late_rounds: int = 0
    late_since: str = ""
    # Notices before this loop began: content that reappeared gets the whole ladder again.
    loop_base: int = 0
    loop_since: str = ""
    # Every notice of the ladder has gone out; what is left is to wait.
    patient: bool = False
    reminded: int = 0
    reminders: list[Reminder] = field(default_factory=list)
    seen: list[str] = field(default_factory=list)
    pending: list[Delivery] = field(default_factory=list)
    unrecorded: list[EventRecord] = field(default_factory=list)

    @classmethod
    def begin(cls, start: StartReferral) -> Self:
        if start.carried is not None:
            return cls.restore(start.carried)
        return cls(
            referral_id=start.referral_id,
            platform=start.platform,
            kind=start.kind,
            urgency=start.urgency,
            departure_time=start.departure_time,
            test=start.test,
            time_scale=start.time_scale,
            version=start.version,
            bank_holidays=start.bank_holidays,
            hold_until=start.hold_until,
            hold_reason=start.hold_reason,
        )

    @classmethod
    def restore(cls, carried: dict[str, Any]) -> Self:
        """The inverse of ``carry``. Raises KeyError on a field that is not known."""
        known = {item.name for item in fields(cls)}
        if unknown := set(carried) - known:
            raise KeyError(f"carried progress has unknown fields: {sorted(unknown)}")
        values = dict(carried)
        values["state"] = State(values["state"])
        values["policy"] = carrying.policy(values["policy"])
        values["bank_holidays"] = tuple(values.get("bank_holidays", ()))
        values["reminders"] = [Reminder(**item) for item in values.get("reminders", ())]
        values["pending"] = [carrying.delivery(item) for item in values["pending"]]
        values["unrecorded"] = [EventRecord(**item) for item in values["unrecorded"]]
        return cls(**values)

    def carry(self) -> dict[str, Any]:
        return asdict(self)

    @property
    def clockwork(self) -> Clockwork:
        return Clockwork(self.policy, self.time_scale)

    @property
    def claimed(self) -> bool:
        """The platform says that it removed, or decided to: its side of the two facts."""
        return bool(self.claimed_at) or self.removal_decided

    @property
    def notified(self) -> bool:
        """A notice may have reached the platform: from its preparation on."""
        return self.notice_number > 0

    def event_key(self, kind: str, detail: dict[str, Any] | None = None) -> str:
        """The next event's idempotency key: its number, its type and what it is about.

        The same event has the same key whenever its step runs again; another event in its place,
        because things came in another order the second time, has another one.
        """
        self.recorded += 1
        if not self.whole_life:
            return f"w/{self.recorded}"
        return event_keys.key_of(self.recorded, kind, detail or {})

    def record(
        self,
        now: datetime,
        kind: str,
        *,
        by: Event | None = None,
        detail_kind: str = "",
        detail: dict[str, Any] | None = None,
        occurred_at: str = "",
    ) -> None:
        """Note an event for the record, moving along the table when ``by`` is given.

        Raises:
            IllegalTransitionError: the table has no such row; nothing was noted.
        """
        before = self.state
        if by is not None:
            self.state = advance(self.state, by)
            if before is State.CLARIFICATION_REQUESTED is not self.state:
                self.run_the_platforms_clock(now)
        self.unrecorded.append(
            EventRecord(
                key=self.event_key(kind, detail),
                type=kind,
                state=str(self.state),
                occurred_at=occurred_at or stamp(now),
                detail_kind=detail_kind,
                detail=detail or {},
                before=str(before) if self.whole_life else "",
            )
        )

    def run_the_platforms_clock(self, now: datetime) -> None:
        """The time in which the platform waited for us does not count against it."""
        asked, since = instant(self.clarification_since), instant(self.waiting_since)
        if asked is not None and since is not None:
            self.waiting_since = stamp(since + (now - asked))
        self.clarification_id = self.clarification_since = ""

    def refuse(self, now: datetime, command: str, sentence: str) -> None:
        """A person's command came too late: recorded with what can be done, changing nothing."""
        self.record(
            now,
            "COMMAND_REFUSED",
            detail_kind="command_refused",
            detail={"command": command, "reason": sentence},
        )

    def observed(
        self, now: datetime, observations: list[ObservationFacts], by: Event | None = None
    ) -> None:
        """Note observations; ``by`` is what the last of them means for the state."""
        for number, seen in enumerate(observations, start=1):
            self.record(
                now,
                "OBSERVED",
                by=by if number == len(observations) else None,
                detail_kind="observation",
                detail=seen.detail,
                occurred_at=seen.observed_at,
            )

    def accept_the_end(self, outcome: str) -> None:
        """What is closed on record is closed, also when this run came to think otherwise.

        Raises:
            EndedOnRecordError: the step that was under way has nothing left to do.
        """
        if outcome and self.outcome != outcome:
            self.state, self.outcome = State.CLOSED, outcome
            self.unrecorded.clear()
            raise EndedOnRecordError(outcome)

    def raise_urgency(self, now: datetime, urgency: str, departure_time: str) -> None:
        self.urgency = more_urgent(self.urgency, urgency)
        given, known = instant(departure_time), instant(self.departure_time)
        if given is None:
            return
        # A departure that has passed gives way to the next one that is confirmed.
        if known is None or given < known or known <= now:
            self.departure_time = departure_time

    @property
    def whole_life(self) -> bool:
        """Whether this run knows holds, clarification, contradiction, reversal and the ladder."""
        return self.version >= WHOLE_LIFE

    @property
    def settles(self) -> bool:
        """Whether this run drops reminders that are settled, and reminds while it sends."""
        return self.version >= SETTLES

    @property
    def lapses_at(self) -> datetime | None:
        """When the departure that makes this imminent passes; None when nothing will lapse."""
        if not self.whole_life or self.urgency != "IMMINENT_DEPARTURE":
            return None
        return instant(self.departure_time)

    def forget_answers(self) -> None:
        """A new notice asks anew: earlier claims stay on record but no longer speak for it."""
        self.claimed_at = ""
        self.removal_decided = False
        self.gone_as = ""
        self.gone_ids = []
        self.verifying_since = ""

    def answer_time_left(self, now: datetime) -> timedelta:
        """Until the platform's deadline to acknowledge or decide; negative when it is over."""
        since = instant(self.waiting_since) or now
        deadline = self.clockwork.answer_deadline(
            str(self.state),
            0 if self.patient else self.notice_number - self.loop_base,
            self.urgency,
            instant(self.departure_time),
            since,
        )
        return since + deadline - now
