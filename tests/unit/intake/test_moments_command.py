"""Times on the command line, and texts from outside in its tables."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest

from services.cli import moments
from services.cli.output import Failure, print_table


@pytest.mark.parametrize(
    ("text", "hours"),
    [("3d", 72), ("12h", 12), ("1d12h", 36), ("90m", 1.5), ("30s", 1 / 120), (" 2D ", 48)],
)
def test_durations_are_read(text: str, hours: float) -> None:
    assert moments.duration(text, "--for") == timedelta(hours=hours)


@pytest.mark.parametrize(
    "text", ["", "3", "d", "3w", "-3d", "3d!", "3.5d", "3d 4h", "999999d", "x"]
)
def test_what_is_no_duration_is_refused_with_how_to_write_one(text: str) -> None:
    with pytest.raises(Failure, match=r"--for: .* write 3d"):
        moments.duration(text, "--for")


def test_a_moment_is_a_time_with_or_without_a_zone_or_a_duration_from_now() -> None:
    expected = datetime(2026, 3, 1, 18, tzinfo=UTC)
    assert moments.moment("2026-03-01T18:00", "--until") == expected
    assert moments.moment("2026-03-01T18:00Z", "--until") == expected
    paris = datetime(2026, 3, 1, 18, tzinfo=timezone(timedelta(hours=1)))
    assert moments.moment("2026-03-01T18:00+01:00", "--until") == paris
    assert moments.moment("2026-03-01", "--until") == datetime(2026, 3, 1, tzinfo=UTC)
    ahead = moments.moment("3d", "--until") - datetime.now(UTC)
    assert timedelta(days=2.99) < ahead <= timedelta(days=3)


@pytest.mark.parametrize("text", ["tomorrow", "2026-13-01", "3x", "99:99"])
def test_what_is_no_moment_is_refused_with_how_to_write_one(text: str) -> None:
    with pytest.raises(Failure, match=r"--until: "):
        moments.moment(text, "--until")


def test_a_hold_has_exactly_one_end() -> None:
    for until, lasting in (("", ""), ("3d", "3d")):
        with pytest.raises(Failure, match="one of them"):
            moments.one_of(until, lasting, ("--until", "--for"))
    assert moments.one_of("", "3d", ("--until", "--for")).seconds > 0


def test_a_platforms_words_steer_no_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    print_table("", ("asked",), [("[/red] \x1b[2J \u202eevil :smile:",)])
    shown = capsys.readouterr().out
    assert "[/red]" in shown
    assert ":smile:" in shown
    assert "\x1b[2J" not in shown
    assert "\u202e" not in shown
