"""A day that a text names, and how the days of one text that mean the same are made one."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from typing import Final

from services.classification.months import MONTHS

# So far apart a day of the week and its date may stand: "Wednesday 9 pm we go (10 June)".
_AGREED: Final = 40
_DATED: Final = MONTHS | {"numeric"}
_SAID_DATES: Final = _DATED | {"month_day", "in_weeks"}
# Beside a date these give way to it.
_UNDATED: Final = frozenset({"weekdays", "in_weeks"})


@dataclass(frozen=True, slots=True)
class Day:
    """A day, or a moment, and the original characters that name it.

    ``rolls``: "tonight at 2" is of the next morning, "Friday night at 2" of Friday.
    ``weak``: a word that means a departure only with an hour or a word of travel beside it;
    ``short``: an abbreviation that is a word too ("sun", "mer") or a number of no named month: no
    day without an hour or a part. ``refused``: "not tonight", "Friday is full".
    """

    on: date
    start: int
    end: int
    part: str = ""
    exact: datetime | None = None
    kind: str = ""
    rolls: bool = False
    weak: bool = False
    short: bool = False
    rejected: bool = False
    refused: bool = False


def merged(original: str, days: Iterable[Day]) -> list[Day]:
    """The days in the order of the text: the longest where two overlap, parts of one day joined."""
    return _agreed(_joined(original, _without_overlap(days)))


def _without_overlap(days: Iterable[Day]) -> list[Day]:
    kept: list[Day] = []
    for day in sorted(days, key=lambda d: (d.start, d.start - d.end)):
        if not kept or day.start >= kept[-1].end:
            kept.append(day)
        elif day.end - day.start > kept[-1].end - kept[-1].start and (
            # "Après-demain à l'aube" is not "demain à l'aube".
            kept[-1].kind != "day_after" or day.start == kept[-1].start
        ):
            kept[-1] = day
    return kept


def _joined(original: str, days: list[Day]) -> list[Day]:
    """ "Friday 5 June" and "tomorrow, Thursday" name one day; the plain date says which."""
    joined: list[Day] = []
    for day in days:
        last = joined[-1] if joined else None
        if last is None or not _one_day(original[last.end : day.start], last, day):
            joined.append(day)
            continue
        said = day if last.kind in _UNDATED and day.kind != "weekdays" else last
        joined[-1] = replace(
            said, start=last.start, end=day.end, part=last.part or day.part, weak=False,
            rolls=said.rolls or (last.kind == day.kind == "weekdays"),
            short=False, rejected=last.rejected or day.rejected,
        )  # fmt: skip
    return joined


def _agreed(days: list[Day]) -> list[Day]:
    """A day of the week means the date that is said a few words on, where that is such a day."""
    for index in range(1, len(days)):
        pair = days[index - 1], days[index]
        kinds = [day.kind for day in pair]
        if "weekdays" not in kinds or _SAID_DATES.isdisjoint(kinds):
            continue
        dated = pair[kinds[0] == "weekdays"]
        same = dated.on.weekday() == pair[kinds[0] != "weekdays"].on.weekday()
        if same and pair[1].start - pair[0].end <= _AGREED:
            part = pair[0].part or pair[1].part
            days[index - 1 : index + 1] = (
                replace(day, on=dated.on, part=day.part or part) for day in pair
            )
    # "Every Thursday we cross ... the next one is the 11th": that is a Thursday.
    every = {day.on.weekday() for day in days if day.rejected and day.kind == "weekdays"}
    return [
        replace(day, weak=False) if day.weak and day.on.weekday() in every else day for day in days
    ]


def _one_day(between: str, first: Day, second: Day) -> bool:
    if len(between) > 6 or "\n" in between or first.exact or second.exact:  # noqa: PLR2004
        return False
    if first.refused != second.refused:
        return False
    kinds = {first.kind, second.kind}
    night = first.part == "night" or (second.part == "night" and between == " ")
    if kinds == {"weekdays"} and night and second.on - first.on == timedelta(1):
        # "The night from Saturday to Sunday": its small hours are of the second.
        return True
    dated = kinds & _DATED
    return first.on == second.on or ("weekdays" in kinds and bool(dated))
