"""Bulk is admitted in small numbers, every place comes back, and nothing starves."""

from __future__ import annotations

import asyncio

from hypothesis import given
from hypothesis import strategies as st

from workflows.admission import Admission
from workflows.lifecycle import State


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def _full(limit: int = 2) -> tuple[Admission, Clock]:
    clock = Clock()
    admission = Admission(limit, expiry=30.0, clock=clock)
    assert all(admission.take(f"r{number}") for number in range(limit))
    return admission, clock


def test_no_more_than_the_limit_are_admitted_and_a_second_asking_keeps_the_place() -> None:
    admission, _ = _full()
    assert admission.take("r0")
    assert not admission.take("late")
    admission.give_back("r1")
    assert admission.take("late")
    assert admission.taken == 2


def test_a_place_that_is_never_given_back_runs_out() -> None:
    admission, clock = _full()
    clock.now = 29.9
    assert not admission.take("late")
    clock.now = 30.0
    assert admission.take("late")


def test_asking_again_does_not_prolong_a_place() -> None:
    admission, clock = _full()
    clock.now = 20.0
    assert admission.take("r0")
    clock.now = 30.0
    assert admission.taken == 0


def test_a_place_is_kept_until_the_notice_is_sent_or_somebody_is_waited_for() -> None:
    for state in State:
        admission, _ = _full(1)
        admission.moved("r0", str(state))
        kept = state in (State.RECEIVED, State.NOTIFYING)
        assert admission.taken == (1 if kept else 0), state
    admission, _ = _full(1)
    admission.moved("r0", "")
    assert admission.taken == 1


@given(st.lists(st.tuples(st.sampled_from(["take", "back", "tick"]), st.integers(0, 9))))
def test_whatever_happens_the_limit_holds_and_time_frees_everything(
    steps: list[tuple[str, int]],
) -> None:
    clock = Clock()
    admission = Admission(3, expiry=30.0, clock=clock)
    for what, number in steps:
        if what == "take":
            admission.take(str(number))
        elif what == "back":
            admission.give_back(str(number))
        else:
            clock.now += number
        assert admission.taken <= 3
    clock.now += 30.0
    assert admission.taken == 0


async def test_who_waits_goes_on_as_soon_as_a_place_is_given_back() -> None:
    loop = asyncio.get_running_loop()
    admission = Admission(1, expiry=30.0, clock=loop.time)
    assert admission.take("r0")
    waiting = [asyncio.create_task(admission.wait(name, 10.0)) for name in ("a", "b")]
    await asyncio.wait(waiting, timeout=0.05)
    assert not any(task.done() for task in waiting)
    for previous in ("r0", "a", "b"):
        admission.give_back(previous)
        await asyncio.wait(waiting, timeout=0.05)
    async with asyncio.timeout(1):
        assert await asyncio.gather(*waiting) == [True, True]


async def test_who_waits_too_long_is_told_so_and_takes_nothing() -> None:
    loop = asyncio.get_running_loop()
    admission = Admission(1, expiry=30.0, clock=loop.time)
    assert admission.take("r0")
    assert not await admission.wait("late", 0.05)
    assert admission.taken == 1


async def test_who_waits_takes_a_place_that_runs_out() -> None:
    loop = asyncio.get_running_loop()
    admission = Admission(1, expiry=0.05, clock=loop.time)
    assert admission.take("r0")
    async with asyncio.timeout(1):
        assert await admission.wait("late", 10.0)


async def test_who_is_hurried_goes_on_over_the_limit_and_nobody_else() -> None:
    loop = asyncio.get_running_loop()
    admission = Admission(1, expiry=30.0, clock=loop.time)
    assert admission.take("r0")
    waiting = {name: asyncio.create_task(admission.wait(name, 10.0)) for name in ("a", "b")}
    await asyncio.wait(waiting.values(), timeout=0.05)
    admission.hurry("b")
    admission.hurry("nobody")
    async with asyncio.timeout(1):
        assert await waiting["b"]
    assert not waiting["a"].done()
    assert not admission.take("nobody")
    admission.give_back("r0")
    admission.give_back("b")
    async with asyncio.timeout(1):
        assert await waiting["a"]
