"""``takedown referral batch``: what a file's lines become, and what is refused whole."""

from __future__ import annotations

import contextlib
import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.cli.batch import BATCH, _parts
from services.cli.batch_file import Line, read
from services.cli.output import Failure
from takedown.intake.v1 import referral_service_pb2 as pb
from takedown.referral.v1 import enums_pb2 as enums

EXAMPLES = Path(__file__).parents[3] / "docs" / "examples" / "referrals.ndjson"
PLAIN = {"url": "https://x.com/a/status/1", "terms_ground": "human_smuggling"}


def file_of(tmp_path: Path, *lines: Any) -> Path:
    made = tmp_path / "batch.ndjson"
    made.write_text("\n".join(json.dumps(line) for line in lines), encoding="utf-8")
    return made


def refusal(tmp_path: Path, *lines: Any) -> str:
    with pytest.raises(Failure) as refused:
        read(file_of(tmp_path, *lines))
    return str(refused.value)


def test_the_example_batch_is_one_that_the_command_takes() -> None:
    lines = read(EXAMPLES)
    assert len(lines) == len(EXAMPLES.read_text("utf-8").splitlines())
    assert any(line.request.HasField("hold") for line in lines)
    assert {name for name, _ in _parts(lines, "")} == {
        "referrer/nca", "referrer/home-office", "referrer/met-police",
    }  # fmt: skip


def test_a_hold_ends_after_its_seconds_or_at_its_time(tmp_path: Path) -> None:
    hold = {"reason": "LIVE_INVESTIGATION", "note": "ask first"}
    before = datetime.now(UTC).timestamp()
    lasting, until = read(
        file_of(
            tmp_path,
            PLAIN | {"hold": hold | {"seconds": 60}},
            PLAIN | {"hold": hold | {"expire_time": "2030-01-02T03:04:05Z"}},
        )
    )
    assert before + 59 <= lasting.request.hold.expire_time.seconds <= before + 90
    assert until.request.hold.expire_time.ToJsonString() == "2030-01-02T03:04:05Z"
    assert until.request.hold.reason == enums.HOLD_REASON_LIVE_INVESTIGATION
    assert until.request.hold.note == "ask first"


@pytest.mark.parametrize(
    ("line", "said"),
    [
        (PLAIN | {"hold": {"reason": "OTHER"}}, "a hold has an end"),
        (PLAIN | {"hold": {"reason": "OTHER", "seconds": 1, "expire_time": "x"}}, "has an end"),
        (PLAIN | {"hold": {"seconds": 1}}, "'reason' is missing"),
        (PLAIN | {"hold": {"reason": "OTHER", "seconds": 1, "days": 2}}, "['hold.days']"),
        (PLAIN | {"hold": 3}, "line 2"),
        (PLAIN | {"hold": {"reason": "OTHER", "seconds": 1e18}}, "line 2"),
        (PLAIN | {"departs_in_seconds": "soon"}, "line 2"),
        (PLAIN | {"urgency": "now"}, "URGENCY_NOW"),
        (PLAIN | {"colour": "red"}, "['colour']"),
        ({"url": "https://x.com/a/status/1"}, "'terms_ground' is missing"),
        ([1], "line 2"),
        ("text", "line 2"),
    ],
)
def test_a_line_that_is_none_refuses_the_file_and_is_named(
    tmp_path: Path, line: Any, said: str
) -> None:
    sentence = refusal(tmp_path, PLAIN, line)
    assert said in sentence
    assert sentence.startswith("line 2: ")
    assert "nothing was submitted" in sentence


@given(
    st.recursive(
        st.none() | st.booleans() | st.floats(allow_nan=False) | st.text(max_size=8),
        lambda inner: (
            st.lists(inner, max_size=3)
            | st.dictionaries(
                st.sampled_from(
                    ["url", "terms_ground", "hold", "reason", "seconds", "test", "urgency"]
                ),
                inner,
                max_size=5,
            )
        ),
        max_leaves=8,
    )
)
def test_no_line_ends_in_a_traceback(tmp_path_factory: pytest.TempPathFactory, line: Any) -> None:
    made = file_of(tmp_path_factory.mktemp("any"), line)
    with contextlib.suppress(Failure):
        assert all(isinstance(found, Line) for found in read(made))


def lines_of(*referrers: str) -> list[Line]:
    return [Line(n, name, pb.SubmitReferralRequest()) for n, name in enumerate(referrers, start=1)]


def test_lines_go_in_order_in_runs_of_one_referrer_each() -> None:
    found = list(_parts(lines_of("nca", "nca", "", "met-police", "nca"), ""))
    assert [(name, [line.number for line in part]) for name, part in found] == [
        ("referrer/nca", [1, 2, 3]),
        ("referrer/met-police", [4]),
        ("referrer/nca", [5]),
    ]


def test_no_call_takes_more_than_it_may() -> None:
    assert [len(part) for _, part in _parts(lines_of(*["nca"] * (2 * BATCH + 1)), "")] == [
        BATCH, BATCH, 1,
    ]  # fmt: skip


def test_nobody_submits_what_the_file_says_is_anothers() -> None:
    with pytest.raises(Failure, match="line 2: it is of referrer/nca, not of referrer/met-police"):
        list(_parts(lines_of("", "nca"), "referrer/met-police"))
