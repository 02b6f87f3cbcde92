"""The script of a simulated platform is a function of time and of its ledger."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.simulators.script import Behaviour, Script, Step

LIFE = Behaviour(
    steps={
        1: (
            Step(1, "acknowledge"),
            Step(2, "ask", "Which account?"),
            Step(1, "page", "removed"),
            Step(2, "claim"),
            Step(9, "restore"),
            Step(10, "reverse"),
        )
    }
)


def said(behaviour: Behaviour, now: float, heard: dict[int, float] | None = None) -> list[str]:
    return [due.step.do for due in behaviour.answers_due(1, 100.0, now, heard)]


def test_nothing_behind_a_question_happens_before_it_is_answered() -> None:
    assert said(LIFE, 1_000_000.0) == ["acknowledge", "ask"]
    assert LIFE.page_state({1: 100.0}, 1_000_000.0) == "available"
    assert not LIFE.finished(1, 100.0, 1_000_000.0)


def test_what_is_behind_a_question_counts_from_its_answer() -> None:
    heard = {1: 150.0}
    assert said(LIFE, 151.9, heard) == ["acknowledge", "ask"]
    assert LIFE.page_state({1: 100.0}, 151.5, {1: heard}) == "removed"
    due = LIFE.answers_due(1, 100.0, 152.0, heard)
    assert [(d.step.do, d.at) for d in due] == [
        ("acknowledge", 101.0), ("ask", 102.0), ("claim", 152.0),
    ]  # fmt: skip
    assert LIFE.finished(1, 100.0, 160.0, heard)


def test_a_restored_page_is_what_it_was_before_the_notice() -> None:
    behaviour = Behaviour(
        page="age", steps={1: (Step(1, "page", "removed"), Step(2, "restore")), 2: ()}
    )
    states = [behaviour.page_state({1: 100.0}, now) for now in (100.5, 101.5, 102.5)]
    assert states == ["age", "removed", "age"]


def test_a_later_notice_changes_the_page_after_an_earlier_one() -> None:
    behaviour = Behaviour(
        steps={1: (Step(1, "page", "removed"), Step(5, "restore")),
               2: (Step(1, "page", "suspended"),)}
    )  # fmt: skip
    assert behaviour.page_state({1: 100.0, 2: 110.0}, 110.5) == "available"
    assert behaviour.page_state({1: 100.0, 2: 110.0}, 111.0) == "suspended"


def test_of_two_changes_at_one_moment_the_last_in_the_script_counts() -> None:
    behaviour = Behaviour(steps={1: (Step(1, "page", "withheld"), Step(1, "page", "removed"))})
    assert behaviour.page_state({1: 100.0}, 101.0) == "removed"


def test_a_repetition_has_the_words_and_the_id_of_the_answer_before_it() -> None:
    behaviour = Behaviour(
        steps={1: (Step(1, "acknowledge"), Step(2, "repeat"), Step(3, "repeat"), Step(4, "claim"))}
    )
    due = behaviour.answers_due(1, 100.0, 104.0)
    assert [(d.place, d.says, d.step.do, d.at) for d in due] == [
        (0, 0, "acknowledge", 101.0), (1, 0, "acknowledge", 101.0),
        (2, 0, "acknowledge", 101.0), (3, 3, "claim", 104.0),
    ]  # fmt: skip


def test_a_claim_may_overtake_the_acknowledgement() -> None:
    behaviour = Behaviour(steps={1: (Step(2, "acknowledge"), Step(1, "claim"))})
    assert said(behaviour, 101.5) == ["claim"]
    assert said(behaviour, 102.0) == ["acknowledge", "claim"]


@pytest.mark.parametrize(
    "steps",
    [[[1, "explode"]], [[1, "repeat"]], [[1, "page", "removed"], [1, "repeat"]], [[1, "ask"]]],
)
def test_a_script_that_no_platform_could_play_is_refused(tmp_path: Path, steps: list[Any]) -> None:
    file = tmp_path / "script.json"
    file.write_text(json.dumps({"x/1": {"steps": {"1": steps}}}))
    with pytest.raises(ValueError, match=r"cannot|no answer|in words"):
        Script.read(file)
