"""Every row of the state table, as the real workflow takes it on a server that skips time."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from copy import deepcopy
from datetime import timedelta
from typing import Any, Final

import pytest

from tests.workflow.conftest import Begin, Play
from tests.workflow.world import UNSURE, World
from workflows import contracts
from workflows.contracts import PlatformPolicy, ResolvedLink
from workflows.lifecycle import TABLE, Event, State

pytestmark = pytest.mark.timeout(60)
S, E = State, Event
Act = Callable[[Play], Awaitable[object]]
DAY: Final = timedelta(days=1)
# How far the clock is skipped at a time, a little beside every look and deadline, and at most.
PACE: Final = timedelta(minutes=7, seconds=20)
LONGEST: Final = timedelta(days=31)
# Rows that the table allows and nothing in the workflow brings about: the one look before a notice
# ends as gone before notice, a short link is followed earlier, and no clock of the platform's
# runs while it waits for our answer.
NEVER_TAKEN: Final = {
    (S.NOTIFYING, E.SEEN_GONE), (S.NOTIFYING, E.DUPLICATE_FOUND),
    (S.CLARIFICATION_REQUESTED, E.RENOTICE_DUE), (S.CLARIFICATION_REQUESTED, E.LADDER_EXHAUSTED),
}  # fmt: skip
ROWS: Final = [
    (state, event)
    for state, row in TABLE.items()
    for event in row
    if (state, event) not in NEVER_TAKEN
]


def answer(kind: str, **facts: Any) -> Act:
    return lambda play: play.answer(kind, **facts)


def command(kind: str, value: str = "", **facts: Any) -> Act:
    return lambda play: play.command(kind, value, **facts)


def seen(*found: str) -> Act:
    async def change(play: Play) -> None:
        play.world.availability = list(found)

    return change


def then(*acts: Act) -> Act:
    async def one_after_another(play: Play) -> None:
        for act in acts:
            await act(play)

    return one_after_another


async def nothing(play: Play) -> None:
    """What follows, follows by itself."""


ASK = answer("CLARIFICATION_REQUEST", event_id="q-1")
WITHDRAW = command(contracts.KIND_WITHDRAWAL_REQUESTED)
GONE, BACK = seen("REMOVED"), seen("AVAILABLE")


async def hold(play: Play) -> None:
    until = await play.environment.get_current_time() + 14 * DAY
    await play.command(contracts.KIND_HOLD_PLACED, reason="SURVEILLANCE", until=until.isoformat())


# How a referral comes into a state: its world, and what happens once a notice is out.
WAYS: Final[dict[State, tuple[dict[str, Any], Act]]] = {
    S.RECEIVED: ({}, nothing),
    S.IN_REVIEW: ({"assessment": UNSURE}, nothing),
    S.ON_HOLD: ({"assessment": UNSURE}, hold),
    S.NOTIFYING: ({"send_failures": ["UNAVAILABLE"] * 50}, nothing),
    S.AWAITING_ACKNOWLEDGEMENT: ({}, nothing),
    S.AWAITING_DECISION: ({}, answer("ACKNOWLEDGEMENT")),
    S.CLARIFICATION_REQUESTED: ({}, ASK),
    S.VERIFYING_REMOVAL: ({}, answer("DECISION", decision="REMOVE")),
    S.CONTRADICTED: ({}, answer("REMOVAL_CLAIM")),
    S.MONITORING: ({}, then(GONE, answer("REMOVAL_CLAIM"))),
}
DOES: Final[dict[Event, Act]] = {
    E.REVIEW_NEEDED: nothing,
    E.DISPATCH_APPROVED: command(contracts.KIND_REVIEW_DECIDED, "REFER"),
    E.REJECTED: command(contracts.KIND_REVIEW_DECIDED, "REJECT"),
    E.HOLD_PLACED: hold,
    E.GONE_BEFORE_NOTICE: nothing,
    E.DUPLICATE_FOUND: nothing,
    E.DELIVERED: nothing,
    E.UNDELIVERABLE: nothing,
    E.ACKNOWLEDGED: answer("ACKNOWLEDGEMENT"),
    E.CLARIFICATION_ASKED: ASK,
    E.CLARIFICATION_ANSWERED: command(contracts.KIND_CLARIFICATION_ANSWERED, subject="q-1"),
    E.REMOVAL_DECIDED: answer("DECISION", decision="REMOVE"),
    E.RESTRICTED: answer("DECISION", decision="RESTRICT", countries=("GB",)),
    E.DECLINED: answer("DECISION", decision="DECLINE", decline_reason="CANNOT_LOCATE"),
    E.REMOVAL_CLAIMED: answer("REMOVAL_CLAIM"),
    E.SEEN_GONE: GONE,
    E.SEEN_AGAIN: nothing,
    E.CONTRADICTED: answer("REMOVAL_CLAIM"),
    E.CONFIRMED: GONE,
    E.REAPPEARED: BACK,
    E.RENOTICE_DUE: nothing,
    E.LADDER_EXHAUSTED: nothing,
    E.WITHDRAWN: WITHDRAW,
    E.MONITORING_OVER: nothing,
    E.REVERSED: answer("REVERSAL"),
}
# Where a row needs another world, start or way than its state's own.
OTHERWISE: Final[dict[tuple[State, Event], dict[str, Any]]] = {
    (S.RECEIVED, E.WITHDRAWN): {"slowness": 1.5, "kind": "SHORT_LINK"},
    (S.RECEIVED, E.HOLD_PLACED): {"slowness": 1.5, "kind": "SHORT_LINK"},
    (S.RECEIVED, E.REVIEW_NEEDED): {"assessment": UNSURE},
    (S.RECEIVED, E.DUPLICATE_FOUND): {"link": ResolvedLink(duplicate_of="d"), "kind": "SHORT_LINK"},
    (S.RECEIVED, E.UNDELIVERABLE): {
        "link": ResolvedLink(refused_reason="it leads nowhere"), "kind": "SHORT_LINK",
    },
    (S.NOTIFYING, E.DELIVERED): {"send_failures": []},
    (S.NOTIFYING, E.UNDELIVERABLE): {"send_failures": [contracts.ERROR_REFUSED]},
    (S.NOTIFYING, E.HOLD_PLACED): {"slowness": 1.5},
    (S.NOTIFYING, E.GONE_BEFORE_NOTICE): {"availability": ["NOT_FOUND"]},
    (S.VERIFYING_REMOVAL, E.SEEN_AGAIN): {"way": seen("REMOVED", "AVAILABLE")},
}  # fmt: skip
# What the record calls an event that has another name there.
TYPES: Final = {
    E.REVIEW_NEEDED: "REVIEW_REQUESTED", E.DELIVERED: "NOTICE_DELIVERED",
    E.CLARIFICATION_ASKED: "CLARIFICATION_REQUESTED",
    E.CLARIFICATION_ANSWERED: "CLARIFICATION_DELIVERED", E.REMOVAL_DECIDED: "DECIDED",
    E.SEEN_GONE: "OBSERVED", E.SEEN_AGAIN: "OBSERVED", E.CONFIRMED: "REMOVAL_CONFIRMED",
    E.RENOTICE_DUE: "DEADLINE_PASSED",
}  # fmt: skip


def taken(world: World, state: State, event: Event) -> bool:
    """Whether the record shows this row: from where, to where, and by what."""
    target = TABLE[state][event]
    type_ = "CLOSED" if target is S.CLOSED else TYPES.get(event, event.value)
    return any((e.before, e.state, e.type) == (state, target, type_) for e in world.ordered())


@pytest.mark.parametrize(("state", "event"), ROWS, ids=lambda part: part.value)
async def test_the_workflow_takes_every_row_of_the_table(
    begin: Begin, state: State, event: Event
) -> None:
    given, way = WAYS[state]
    # A world uses up its lists: each test has its own.
    given = deepcopy(given | OTHERWISE.get((state, event), {}))
    start = {"kind": given.pop("kind")} if "kind" in given else {}
    way = given.pop("way", way)
    if event is E.LADDER_EXHAUSTED:
        given["policy"] = PlatformPolicy(
            acknowledgement=4 * 3600.0, decision=4 * 3600.0, renotice_interval=4 * 3600.0,
            renotice_limit=0,
        )  # fmt: skip
    world = World(**given)
    play = await begin(world, **start)
    first = "IN_REVIEW" if world.assessment == UNSURE else "AWAITING_ACKNOWLEDGEMENT"
    if way is not nothing:
        await play.until(first)
        await way(play)
    if state in (S.RECEIVED, S.NOTIFYING):
        # Moments between two steps, which no skipping of time may pass over.
        if state is S.NOTIFYING and DOES[event] is not nothing:
            early = event is E.HOLD_PLACED
            await world.recorded("DISPATCH_APPROVED" if early else "NOTICE_PREPARED")
        await DOES[event](play)
        await world.comes(lambda: taken(world, state, event))
        return
    did = DOES[event] is nothing
    pace, skipped = PACE, timedelta()
    while not taken(world, state, event):
        assert skipped < LONGEST, f"never: {[(e.before, e.state, e.type) for e in world.ordered()]}"
        if not did and (await play.snapshot()).state == state:
            did = True
            await DOES[event](play)
            continue
        await play.environment.sleep(pace)
        skipped, pace = skipped + pace, min(pace * (1.3 if did else 1.05), DAY)
