"""Times of day: "5am", "05:30", "saat 5", "ساعت ۵ و نیم", found by the words beside a number."""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from collections.abc import Iterator
from itertools import islice
from operator import attrgetter
from typing import Final

from services.classification import minutes
from services.classification.amounts import (
    closed,
    counts_nights,
    counts_things,
    is_amount,
    is_article,
    is_counted,
    priced,
)
from services.classification.calendar_matches import Word
from services.classification.calendar_words import (
    DAY_PARTS,
    HALVES,
    NAMED_DAYS,
    WEEKDAY_PARTS,
    CalendarWords,
)
from services.classification.hour import Hour
from services.classification.minutes import EARLIER, HALF, LATER, LESS, MINUTES, NOON, QUARTERS
from services.classification.ranges import (
    NEAR_DAY,
    begun,
    is_limit,
    with_mark,
    without_opening_hours,
)
from services.classification.rare_hours import apart, four_digits, turned

_DAY: Final = 24
_MONTHS: Final = 12
_MOST: Final = 30
_CLOCK: Final = re.compile(
    r"(\d(?<![\d:.,]\d)(?:(?<=[01])\d|(?<=2)[0-3])?)\s?(?::|h|\.|g)\s?([0-5]\d)(?![\d:/%]|[.,]\d)(?:\s?(am|pm)\b)?"
)
_ATTACHED: Final = re.compile(r"([01]?\d|2[0-3])(am|pm|h|g|gio|pa|sa|hrs?|ish)")
_AFTER: Final = frozenset({"hour"})
_AFTER_IF: Final = frozenset({"hours"})
_SUFFIX: Final = frozenset({"hour_suffix"})
_BEFORE: Final = frozenset({"hour_before"})
_COUNTED: Final = frozenset({"counted"})
_ON_DATE: Final = frozenset({"on_date"})
_AT: Final = frozenset({"at"})
_AFTERNOON: Final = frozenset({"afternoon_after"})
_BY_DAY: Final = frozenset({"by_day"})
_AHEAD: Final = frozenset({"ahead"})
_AHEAD_AFTER: Final = frozenset({"ahead_after"})
_SAYS_HALF: Final = HALVES | DAY_PARTS | WEEKDAY_PARTS | {"tonight", "tonight_midnight"}
_DATED: Final = NAMED_DAYS | {"next_week"}
# "De", ten in Latinised Sorani, is a word of half of Europe.
_TELLING: Final = 3
# Without one of these words so near it, its minutes between them, no number is an hour.
_REACH: Final = 7
EVIDENCE: Final = _SAYS_HALF | _DATED | _AFTER | _AFTER_IF | _BEFORE | EARLIER | _SUFFIX


def find_hours(words: CalendarWords) -> list[Hour]:
    """Every time of day that the text names, without the ranges of opening hours."""
    clocks = [*islice(_clocks(words), _MOST), *islice(apart(words), _MOST)]
    clocks.sort(key=attrgetter("start"))
    taken = [hour.start for hour in clocks]
    spoken = _said(words) if words.kinds & EVIDENCE else ()
    unread = (*islice(spoken, _MOST), *islice(_attached(words), _MOST), *turned(words))
    others = [hour for hour in unread if not _covered(hour.start, clocks, taken)]
    if not clocks and not others:
        others = list(islice(four_digits(words), _MOST))
    written = [hour for hour in clocks if hour.end - hour.start > 1]
    # A clock face is mostly a picture beside the hour that is meant.
    found = sorted((*written, *others) or clocks, key=lambda hour: (hour.start, -hour.end))
    found = without_opening_hours(words.text.original, found) if len(found) > 1 else found
    kept: dict[int, Hour] = {}
    for hour in found:
        first = begun(words, hour)
        # Of "5 to 6 in the afternoon" the second knows the half, and begins where the first does.
        if first is not hour or first.start not in kept:
            kept[first.start] = first
    return list(kept.values())


def _covered(start: int, clocks: list[Hour], taken: list[int]) -> bool:
    at = bisect_right(taken, start) - 1
    return at >= 0 and start < clocks[at].end


def _clocks(words: CalendarWords) -> Iterator[Hour]:
    text = words.text
    starts: list[int] = []
    found = list(_CLOCK.finditer(text.text)) if text.digits else []
    # "10.06 – 22:45": beside an hour with a colon one with a point is a date.
    dated = any("." not in match[0] for match in found)
    for match in found:
        if dated and "." in match[0] and match[1] != "0" and 0 < int(match[2]) <= _MONTHS:
            continue
        starts = starts or [token.start for token in words.tokens]
        start, end = text.span(match.start(), match.end())
        first, last = bisect_right(starts, start) - 1, bisect_left(starts, end) - 1
        if _is_sum(words, match, first, last) or is_limit(words, first, last):
            continue
        half = match[3] or _half_beside(words, first, last)
        hour = int(match[1])
        open_half = not half and hour < NOON and not match[1].startswith("0")
        value = minutes.in_half(hour, half) * 60 + int(match[2])
        yield Hour(value, start, end, half, open_half or (not half and hour == NOON))


def _is_sum(words: CalendarWords, match: re.Match[str], first: int, last: int) -> bool:
    """ "1.30 €"; no price begins with a nought ("01.30 bot"), "Friday 22.00 boat" counts none."""
    if "." not in match[0] or match[1][0] == "0":
        return False
    if priced(words, words.tokens[first].start, words.tokens[last].end):
        return True
    of_day = match[2] == "00" and words.before(first, NAMED_DAYS) is not None
    return is_counted(words, last) and not of_day


def _attached(words: CalendarWords) -> Iterator[Hour]:
    end = words.dated_end() if words.numerals else 0
    for index in words.numerals:
        token = words.tokens[index]
        if index >= end or (found := _ATTACHED.fullmatch(token.forms[0])) is None:
            continue
        said = found[2] if found[2] in ("am", "pm") else ""
        half = said or _half_beside(words, index, index)
        if (not half and not _is_at(words, index, index)) or is_limit(words, index, index):
            continue
        # "Tomorrow 22h places left": so late an hour of a day counts nothing but "15h de route".
        beside = words.dated_near(token.end) or words.before(index, NAMED_DAYS)
        of_way = words.after(index, _COUNTED)
        late = int(found[1]) > NOON and beside and not (of_way and of_way.last > of_way.first)
        # "6h 6000 €" is six o'clock and a price.
        counted = not late and counts_things(words, index)
        sure = said or found[2] == "ish"
        if not sure and (counted or words.before(index, _AHEAD)):
            continue
        if words.after(index, _AHEAD_AFTER):
            continue
        later = words.after(index, LATER)
        change = minutes.change(later) if later else minutes.said(words, index)[0]
        value = minutes.in_half(int(found[1]), half) * 60 + change
        yield Hour(value, token.start, token.end, half, not half and int(found[1]) <= NOON)


def _is_at(words: CalendarWords, first: int, last: int) -> bool:
    """An hour that might be a duration: "at 5h", or with a day beside it."""
    if words.before(first, _AT) or words.near(first, NAMED_DAYS, NEAR_DAY):
        return True
    # Without its accent the word is "has": "il a 3h de route".
    if words.text.original.endswith("à ", 0, words.tokens[first].start):
        return True
    return words.dated_near(words.tokens[first].start)


def _said(words: CalendarWords) -> Iterator[Hour]:
    end = 0
    evident = words.places(EVIDENCE)
    for value, first, last in words.numbers():
        # The minutes of the hour before are none themselves.
        if value > _DAY or words.tokens[first].start < end:
            continue
        at = bisect_left(evident, first - _REACH)
        if at == len(evident) or evident[at] > first + _REACH:
            continue
        less = words.before(first, LESS) and not words.before(first, EARLIER)
        if less or minutes.begin(words, first):
            continue
        if hour := _hour_of(words, value % _DAY, first, last):
            end = hour.end
            yield hour


def _hour_of(words: CalendarWords, value: int, first: int, last: int) -> Hour | None:
    """A number that the words beside it make an hour: "half past 5", "saat 5", "۵ و نیم صبح"."""
    tokens = words.tokens
    # "Quarter to five" counts nothing, whatever follows it.
    said = _after_hour_word(words, first) or words.before(first, QUARTERS) is not None
    if not said and (is_amount(words, first, last) or _of_date(words, first, last)):
        return None
    earlier = words.before(first, EARLIER)
    later = words.after(last, LATER)
    end = later.last if later else last
    # "پنج و پانزده دقیقه": the quarter is fifteen minutes by name.
    named = words.after(end, MINUTES) if later else None
    end = named.last if named else end
    mark = words.after(end, _AFTER) or words.after(end, _AFTER_IF) or _suffix(words, end)
    end = mark.last if mark else end
    if mark and not later and (later := words.after(end, LATER)):
        end = later.last
    change, end = (0, end) if earlier or later else minutes.said(words, end)
    begin = earlier.first if earlier else first
    half = _half_beside(words, begin, end)
    marked = mark or words.is_kind(first, "half_numbers")
    half = "afternoon" if marked and not half and words.after(end, _AFTERNOON) else half
    # "یک بجه روز", "فالوحدة د النهار": one by day.
    clock = mark or words.is_kind(first, "clock_numbers") or words.before(first, _AT)
    half = "noon" if clock and not half and words.after(end, _BY_DAY) else half
    evident = said or _evident(words, (begin, end), mark, half, earlier)
    halved = bool(later or change) or words.is_kind(first, "half_numbers")
    evident = evident or (halved and _of_a_day(words, first, end))
    if not evident or is_limit(words, begin, end):
        return None
    if not (said or mark or earlier or halved) and (value == 0 or is_article(words, first, last)):
        # "Wind 0, waves 0": midnight is hardly ever a nought and nothing with it.
        return None
    beside = earlier or later
    change += minutes.change(beside) if beside else 0
    change += HALF if words.is_kind(first, "half_numbers") else 0
    minute = minutes.spelt(words, end) if mark and not change else 0
    open_half = not half and 0 < value <= NOON
    whole = minutes.in_half(value, half) * 60 + change + minute
    spoken = words.after(end, HALVES, 3)
    reach = tokens[spoken.last if spoken else end].end
    return Hour(whole, tokens[begin].start, tokens[end].end, half, open_half, reach)


def _of_date(words: CalendarWords, first: int, last: int) -> bool:
    """ "Ngày 15" is a day of the month; "ngay 9 giờ" is no day, and "اليوم ٩" is today at 9."""
    found = words.before(first, _ON_DATE)
    if found is None or words.is_kind(found.first, "today"):
        return False
    return not (words.after(last, _AFTER) or words.after(last, _AFTER_IF))


def _of_a_day(words: CalendarWords, first: int, end: int) -> bool:
    """ "Today half past 4": with a day beside it, and nothing that it counts."""
    clock = words.is_kind(end, "clock_half")
    return words.near(first, _DATED, NEAR_DAY) and (clock or not is_counted(words, end))


def _after_hour_word(words: CalendarWords, first: int) -> bool:
    """ "Saat 5", and not the five of "3 saat 5 kişi"."""
    before = words.before(first, _BEFORE, 2)
    if before is None or not words.numbered_before(before.first):
        return before is not None
    # "Me date 10 ora 23", "12.06 saat 23": the number before the word is a day.
    day = before.first - 1
    return words.before(day, _ON_DATE) is not None or words.dated_near(words.tokens[day].start)


def _suffix(words: CalendarWords, index: int) -> Word | None:
    """ "5'te": the ending stands behind an apostrophe."""
    found = words.after(index, _SUFFIX)
    return found if found and words.gap(index) not in (" ", "") else None


def _evident(
    words: CalendarWords, span: tuple[int, int], mark: Word | None, half: str, earlier: Word | None
) -> bool:
    first, last = span
    named = words.near(first, NAMED_DAYS, NEAR_DAY)
    if (mark and mark.kind != "hours") or (named and words.is_kind(first, "clock_numbers")):
        return True
    if words.is_romanised(first):
        return half != "" and named and len(words.tokens[first].forms[0]) >= _TELLING
    if earlier or (half and (mark or named or not counts_nights(words, last))):
        return True
    if mark:
        return _is_at(words, first, last)
    if named and words.before(first, _AT):
        return True
    # "Tonight 11, from Calais": nothing follows that the number could count.
    said = words.before(first, NAMED_DAYS)
    return said is not None and said.kind[:2] == "to" and closed(words, last)


def _half_beside(words: CalendarWords, first: int, last: int) -> str:
    first = with_mark(words, first)
    found = words.after(last, _SAYS_HALF, 3) or words.before(first, _SAYS_HALF, 2)
    if found is None:
        return ""
    kind = found.kind.rpartition("_")[2]
    return "night" if kind == "tonight" else kind
