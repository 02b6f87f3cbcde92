"""Deconfliction holds: the notice waits, the content is watched, and what that costs is counted."""

from __future__ import annotations

from datetime import datetime, timedelta

from temporalio import workflow

with workflow.unsafe.imports_passed_through():
    from workflows.contracts import Command
    from workflows.lifecycle import TABLE, Event, State, resume
    from workflows.progress import Progress, instant, stamp
from workflows.steps import Steps


class Holding:
    def __init__(self, progress: Progress, steps: Steps) -> None:
        self._p = progress
        self._steps = steps

    def begin_with_the_submission(self) -> None:
        """A hold that came with the submission holds before anything else is done."""
        p = self._p
        if p.hold_until and not p.held_since and p.state is State.RECEIVED and p.recorded == 0:
            self._begin(p.hold_until, p.hold_reason)

    def place(self, command: Command) -> None:
        """Hold, renew the hold, or refuse it once a platform may have the notice."""
        p = self._p
        if p.state is State.ON_HOLD:
            p.hold_until, p.hold_reason = command.until, command.reason
            p.record(self._steps.now(), "HOLD_RENEWED", detail_kind="hold", detail=self._detail())
        elif Event.HOLD_PLACED not in TABLE[p.state] or p.notified:
            sentence = (
                f"The referral is {p.state}: the platform may have a notice already, so nothing"
                " can be held back; withdraw the referral instead."
            )
            p.refuse(self._steps.now(), "hold", sentence)
        else:
            self._begin(command.until, command.reason)

    def release(self) -> None:
        p = self._p
        if p.state is State.ON_HOLD:
            self._end("RELEASED")
        else:
            p.refuse(
                self._steps.now(), "release", f"The referral is {p.state}: no hold is in force."
            )

    def decide(self, decision: str) -> None:
        """A reviewer decided while the referral is on hold: acted on when the hold ends."""
        self._p.decided_on_hold = decision

    async def hold(self) -> None:
        """Watch the content on its cadence until the hold is released or runs out."""
        p, now = self._p, self._steps.now()
        until = instant(p.hold_until) or now
        if until <= now:
            self._end("EXPIRED")
            return
        look = p.clockwork.next_look(instant(p.held_since) or now, now)
        if await self._steps.wait("the end of the hold", min(until - now, look)):
            return
        if (instant(p.hold_until) or now) <= self._steps.now():
            return
        result = await self._steps.observe("HOLD", quorum=1)
        p.hold_looks += len(result.observations)
        p.observed(self._steps.now(), result.observations)
        if result.observations:
            self._note_whether_gone(result.observations[-1].visible, result.gone)

    def note_cost(self, end: str) -> None:
        """Record what the hold cost, without moving: the caller does."""
        p = self._p
        p.record(
            self._steps.now(), "HOLD_ENDED", detail_kind="hold_ended",
            detail={"end": f"HOLD_END_{end}", "cost": self._cost(self._steps.now())},
        )  # fmt: skip

    def _begin(self, until: str, reason: str) -> None:
        p, now = self._p, self._steps.now()
        p.held_from, p.held_since = str(p.state), stamp(now)
        p.hold_until, p.hold_reason = until, reason
        p.hold_looks, p.vanished_at = 0, ""
        p.record(
            now, "HOLD_PLACED", by=Event.HOLD_PLACED, detail_kind="hold", detail=self._detail()
        )

    def _end(self, end: str) -> None:
        p = self._p
        p.state = resume(State(p.held_from))
        self.note_cost(end)
        p.held_since = p.hold_until = p.hold_reason = ""
        # What was seen before the hold says nothing about now.
        p.looked_first = False

    def _note_whether_gone(self, visible: str, gone: bool) -> None:
        p = self._p
        if gone:
            p.vanished_at = p.vanished_at or stamp(self._steps.now())
        elif visible == "YES":
            p.vanished_at = ""

    def _detail(self) -> dict[str, object]:
        return {"reason": f"HOLD_REASON_{self._p.hold_reason}", "expireTime": self._p.hold_until}

    def _cost(self, now: datetime) -> dict[str, object]:
        p = self._p
        since = instant(p.held_since) or now
        departure = instant(p.departure_time)
        cost: dict[str, object] = {
            "heldSeconds": str(int((now - since) / timedelta(seconds=1))),
            "vanished": bool(p.vanished_at),
            "departurePassed": departure is not None and since < departure <= now,
            "observations": p.hold_looks,
        }
        if p.vanished_at:
            cost["vanishTime"] = p.vanished_at
        return cost
