"""What the demonstration's referrers and its operator do, and what they see."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import Iterable
from itertools import groupby
from typing import Any

import grpc

from infra.local.access import channel
from infra.local.auditor import AcceptedSubmission
from infra.local.demo_people import People
from infra.local.layout import Layout
from infra.local.progress_view import ProgressView
from services.cli.batch_file import request_of
from takedown.intake.v1 import casework_service_pb2 as casework_pb
from takedown.intake.v1 import referral_service_pb2 as pb
from takedown.referral.v1 import enums_pb2 as enums
from takedown.referral.v1 import event_pb2, referral_pb2

_CLOSED = "CLOSED"
_TYPE = "REFERRAL_EVENT_TYPE_"
# What may happen on a referral's way beside its outcome, by the event that says so.
LIFE = {
    "contradicted": "CONTRADICTED", "reappeared": "REAPPEARED", "reversed": "REVERSED",
    "held": "HOLD_PLACED", "clarified": "CLARIFICATION_DELIVERED",
}  # fmt: skip


class Run:
    """One play of the example batch. Times are seconds since the epoch, by our clock."""

    def __init__(self, layout: Layout, script: dict[str, Any]) -> None:
        self.layout = layout
        self.script = script
        self.accepted: list[AcceptedSubmission] = []
        self.dispositions: Counter[str] = Counter()
        self.referrals: dict[str, referral_pb2.Referral] = {}
        self.keys: dict[str, str] = {}
        self.events: dict[str, list[event_pb2.ReferralEvent]] = {}
        self.seen_at: dict[str, float] = {}
        self._channels: list[grpc.aio.Channel] = []
        self.unmatched = 0
        self.campaigns: list[casework_pb.Campaign] = []
        self.people = People(self._channel)

    def _channel(self, role: str, name: str) -> grpc.aio.Channel:
        opened = channel(self.layout, "intake", role, name)
        self._channels.append(opened)
        return opened

    async def close(self) -> None:
        self.people.close()
        for opened in self._channels:
            await opened.close()

    async def submit(self, lines: list[dict[str, Any]]) -> None:
        """Submit the lines in order, each run of one referrer's lines as one batch."""
        for referrer, found in groupby(lines, key=lambda line: str(line["referrer"])):
            stub = self.people.referrer(referrer)
            requests = [request_of(line) for line in found]
            answer = await stub.BatchSubmitReferrals(
                pb.BatchSubmitReferralsRequest(requests=requests), timeout=20
            )
            for request, result in zip(requests, answer.results, strict=True):
                self._note(referrer, request, result)

    def _note(self, referrer: str, request: Any, result: pb.BatchSubmitResult) -> None:
        if result.HasField("error"):
            raise RuntimeError(f"an example was refused: {result.error.message}")
        referral = result.response.referral
        self.dispositions[pb.Disposition.Name(result.response.disposition)[12:]] += 1
        self.accepted.append(AcceptedSubmission(referrer, request.request_id, referral.referral_id))
        self.keys.setdefault(referral.referral_id, key_of(referral.content))

    async def until_closed(self, patience: float, *, live: bool) -> None:
        """Follow every event, act where a person must, until all referrals are closed."""
        with ProgressView(live=live, total=len(self.keys)) as view:
            try:
                async with asyncio.timeout(patience):
                    await self._follow(view)
            except TimeoutError:
                return

    async def _follow(self, view: ProgressView) -> None:
        cursor = ""
        while self._unfinished():
            request = pb.WatchReferralEventsRequest(cursor=cursor)
            async for response in self.people.operator.WatchReferralEvents(request, timeout=300):
                cursor = response.cursor
                if response.HasField("event"):
                    self._take(response.event)
                    view.show(self.states())
                if not self._unfinished():
                    return

    def _take(self, event: event_pb2.ReferralEvent) -> None:
        self.events.setdefault(event.referral_id, []).append(event)
        kind = event_pb2.ReferralEventType.Name(event.type).removeprefix(_TYPE)
        if event.HasField("platform_event"):
            self.seen_at.setdefault(event.platform_event.event_id, time.time())
        script = self._scripted(event.referral_id)
        owner = next(a.referrer for a in self.accepted if a.referral_id == event.referral_id)
        self.people.see(kind, event, script, owner)

    def _scripted(self, referral_id: str) -> dict[str, Any]:
        found: dict[str, Any] = self.script.get(self.keys.get(referral_id, ""), {})
        return found

    def states(self) -> dict[str, str]:
        """Latest state by referral."""
        return {
            referral_id: enums.ReferralState.Name(events[-1].state)[15:]
            for referral_id, events in self.events.items()
        }

    def open_referrals(self) -> list[str]:
        states = self.states()
        return [referral_id for referral_id in self.keys if states.get(referral_id) != _CLOSED]

    def _unfinished(self) -> bool:
        """Whether anything is open, or something scripted for after the end has not come yet."""
        return bool(self.open_referrals()) or any(self.unseen(i) for i in self.keys)

    def unseen(self, referral_id: str) -> list[str]:
        """Events that the script expects on this referral's record and that are not there."""
        seen = {
            event_pb2.ReferralEventType.Name(event.type).removeprefix(_TYPE)
            for event in self.events.get(referral_id, ())
        }
        return sorted(set(self._scripted(referral_id).get("sees", ())) - seen)

    def outcome(self, referral_id: str) -> str:
        for event in self.events.get(referral_id, ()):
            if event.HasField("closed"):
                return enums.Outcome.Name(event.closed.outcome).removeprefix("OUTCOME_")
        return "STILL_OPEN"

    def platform(self, referral_id: str) -> str:
        return self.keys[referral_id].partition("/")[0]

    def unexpected(self) -> list[str]:
        """Referrals that did not go as their script says."""
        found = list(self.people.failures)
        strays = sum(self._strays(key) for key in self.keys.values())
        if self.unmatched != strays:
            found.append(f"{self.unmatched} events of unknown notices instead of {strays}")
        for referral_id, key in self.keys.items():
            expected = self.script.get(key, {}).get("expects", "REMOVED")
            if self.outcome(referral_id) != expected:
                found.append(f"{key}: {self.outcome(referral_id)} instead of {expected}")
            found += [f"{key}: no {name}" for name in self.unseen(referral_id)]
            found += [f"{key}: {sentence}" for sentence in self._miscounted(referral_id)]
        return found + self._campaigns_amiss()

    def _miscounted(self, referral_id: str) -> list[str]:
        """What happened more or less often than scripted; what no script names never happens."""
        counts = happened(self.events.get(referral_id, ()))
        expected = dict.fromkeys(LIFE, 0) | self._scripted(referral_id).get("shows", {})
        return [
            f"{name} {counts[name]} times instead of {times}"
            for name, times in expected.items()
            if counts[name] != times
        ]

    def _campaigns_amiss(self) -> list[str]:
        """All examples are of one campaign, and of a finished one nothing is open."""
        listed = [(campaign.referrals, campaign.open) for campaign in self.campaigns]
        if listed == [(len(self.keys), len(self.open_referrals()))]:
            return []
        return [f"campaigns (referrals, open): {listed} instead of all {len(self.keys)} referrals"]

    def _strays(self, key: str) -> int:
        steps = self.script.get(key, {}).get("steps", {}).values()
        return sum(step[1] == "stray" for found in steps for step in found)


def happened(events: Iterable[event_pb2.ReferralEvent]) -> Counter[str]:
    """How often each thing happened that a script may count under ``shows``."""
    names = {kind: name for name, kind in LIFE.items()} | {"PLATFORM_EVENT_NOTED": "noted"}
    counts: Counter[str] = Counter()
    for event in events:
        kind = event_pb2.ReferralEventType.Name(event.type).removeprefix(_TYPE)
        if kind in names:
            counts[names[kind]] += 1
        if kind == "HOLD_ENDED":
            end = enums.HoldEnd.Name(event.hold_ended.end).removeprefix("HOLD_END_")
            counts[f"hold_{end.lower()}"] += 1
        if event.closed.account_action == enums.ACCOUNT_ACTION_SUSPENDED:
            counts["suspended"] += 1
    return counts


def key_of(content: referral_pb2.Content) -> str:
    """The script's name of an item."""
    return f"{content.platform}/{(content.content_id or content.account).lower()}"
