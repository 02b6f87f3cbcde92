"""Days that a text names, resolved against ``now``: "tomorrow", "Friday", "12 June", "۲۲ خرداد"."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from itertools import islice
from typing import Final

from services.classification.calendar_matches import Word
from services.classification.calendar_words import NAMED_DAYS, CalendarWords
from services.classification.dates import numeric
from services.classification.day import Day, merged
from services.classification.lexica import PARTS
from services.classification.months import BARE, MONTHS, MonthDay, in_month, of_month, of_weekday

_HOURS_AHEAD: Final = re.compile(r"(\d{1,2})(?:h([0-5]\d)?|hrs?|t)")
_SHORT: Final = 3
_MOST: Final = 60
_EVERY: Final = frozenset({"every"})
_PAST: Final = frozenset({"past"})
# "Depuis mardi" is over, "mardi depuis Calais" is not.
_PAST_BEFORE: Final = frozenset({"past_before"})
# "Not tonight", "Friday is full": another day is meant.
_NOT: Final = frozenset({"not_before"})
_NOT_AFTER: Final = frozenset({"not_after"})
_NO: Final = frozenset({"no_after"})
_UNTIL: Final = frozenset({"until"})
_UNTIL_AFTER: Final = frozenset({"until_after"})
_NEXT_WEEK: Final = frozenset({"next_week"})
_NEXT_DAY: Final = frozenset({"next_day"})
# "Friday week": said right behind the day.
_WEEK_ON: Final = frozenset({"week_on"})
_IN_HOURS: Final = frozenset({"in_hours", "in_half_hours"})
_NAMING: Final = frozenset({"weekdays", "next_week"})
_OF: Final = frozenset({"de", "du"})
_MIDNIGHT: Final = frozenset({"midnight"})
_AT_PRAYER: Final = ("sunset", "late_night")
# Words for today that midnight may end, and the part they are otherwise.
_OWN_PART: Final = {"tonight": "tonight", "today_evening": "evening"}
_AHEAD: Final = frozenset({"ahead"})
_AHEAD_AFTER: Final = frozenset({"ahead_after"})
SAYS_AHEAD: Final = _AHEAD | _AHEAD_AFTER
_DAY_KINDS: Final = {"today": 0, "tonight": 0, "tomorrow": 1, "day_after": 2}
# The number stands behind the word that the day is found by.
_BY_NUMBER: Final = frozenset({"month_day", "numeric"})
_STEPS: Final = {
    "in_hours": timedelta(hours=1), "in_half_hours": timedelta(hours=1),
    "in_nights": timedelta(days=1), "in_days": timedelta(days=1), "in_weeks": timedelta(weeks=1),
    "weeks_today": timedelta(weeks=1),
}  # fmt: skip
# The kinds of words that name a day, alone or with a number beside them.
NAMING_DAYS: Final = NAMED_DAYS | BARE | MONTHS | {*_STEPS, "weekend"}


def find_days(words: CalendarWords, now: datetime) -> list[Day]:
    """The days in the order of the text, the longest where two overlap, parts of one day joined."""
    named = islice(_named_days(words, now), _MOST)
    return merged(words.text.original, (*named, *islice(_numeric_days(words, now), _MOST)))


def _named_days(words: CalendarWords, now: datetime) -> Iterator[Day]:
    for word in words.of_kinds(NAMING_DAYS):
        day = _of_word(words, word, now)
        if day is not None:
            yield _judged(words, word, day)
    if words.kinds.isdisjoint(SAYS_AHEAD):
        return
    for index in words.numerals:
        token = words.tokens[index]
        found = _HOURS_AHEAD.fullmatch(token.forms[0]) if index < words.end else None
        if found and (words.before(index, _AHEAD) or words.after(index, _AHEAD_AFTER)):
            moment = now + timedelta(hours=int(found[1]), minutes=int(found[2] or 0))
            yield Day(moment.date(), token.start, token.end, "", moment, "in_hours")


def _of_word(words: CalendarWords, word: Word, now: datetime) -> Day | None:
    start, end = words.tokens[word.first].start, words.tokens[word.last].end
    if word.kind == "tonight" and _is_of_weekday(words, word):
        return None
    name, _, said = word.kind.partition("_")
    name, said = (word.kind, "") if word.kind == "day_after" else (name, said)
    if word.kind in _STEPS:
        return _ahead(words, word, now)
    if name in _DAY_KINDS:
        part = _part_of_near(words, word, said)
        on = now.date() + timedelta(days=_DAY_KINDS[name])
        weak = name == "today" and not part
        short = name == "day_after" and end - start <= _SHORT and not part
        rolls = name in ("today", "tonight") or said != "" or _by_itself(words, word)
        return Day(on, start, end, part, kind=name, rolls=rolls, weak=weak, short=short)
    if name in ("weekdays", "weekend"):
        return _of_week(words, word, now)
    if word.kind in MONTHS | BARE:
        found = (of_month if word.kind in BARE else in_month)(words, word, now)
        return _of_date(words, word, found) if found else None
    return None


def _is_of_weekday(words: CalendarWords, word: Word) -> bool:
    """ "Dans la nuit de jeudi à vendredi" is not tonight."""
    following = words.tokens[word.last + 1 : word.last + 2]
    return (
        bool(following)
        and following[0].forms[0] in _OF
        and words.is_kind(word.last + 2, "weekdays")
    )


def _of_date(words: CalendarWords, word: Word, found: MonthDay) -> Day:
    start, end = words.tokens[found.first].start, words.tokens[found.last].end
    bare = word.kind in BARE
    kind = "month_day" if bare else word.kind
    return Day(found.on, start, end, found.part, kind=kind, weak=bare)


def _of_week(words: CalendarWords, word: Word, now: datetime) -> Day:
    today = now.date()
    start, end = words.tokens[word.first].start, words.tokens[word.last].end
    weekday = word.number - 1 if word.kind != "weekend" else 5
    short = end - start <= _SHORT and words.text.original[start].isascii()
    on = today + timedelta(days=(weekday - today.weekday()) % 7)
    if words.after(word.last, _WEEK_ON):
        on, short = on + timedelta(days=7), False
    elif words.after(word.last, _NEXT_WEEK, 2) or words.before(word.first, _NEXT_WEEK, 2):
        on, short = today + timedelta(days=7 - today.weekday() + weekday), False
    elif words.after(word.last, _NEXT_DAY, 2) or words.before(word.first, _NEXT_DAY):
        on, short = on + timedelta(days=7 if on == today else 0), False
    part = word.kind.partition("_")[2] or words.part_beside(word.first, word.last, 2)
    if not part and (said := words.after(word.last, _NEXT_WEEK | _NEXT_DAY)):
        # "Mercredi prochain à midi".
        behind = words.part_after(said.last)
        part = behind.kind if behind else ""
    if dated := of_weekday(words, word, weekday, now):
        part = part or dated.part
        return Day(dated.on, start, words.tokens[dated.last].end, part, kind="numeric")
    weak = word.kind == "weekend"
    kind = "weekend" if weak else "weekdays"
    return Day(on, start, end, part, kind=kind, weak=weak, short=short and not part)


def _by_itself(words: CalendarWords, word: Word) -> bool:
    """ "Tomorrow night at 2" is of the morning after; "tomorrow at 2 at night" is tomorrow's."""
    return bool(words.after(word.last, PARTS) or words.before(word.first, PARTS))


def _part_of_near(words: CalendarWords, word: Word, said: str) -> str:
    """ "Midnight tonight" ends the day; otherwise "tonight" is a part by itself."""
    part = said or words.part_beside(word.first, word.last, 2)
    own = _OWN_PART.get(word.kind)
    if own is None or part in _AT_PRAYER:
        return part
    # The nearest part may be another: "tonight at 12, midnight".
    late = words.after(word.last, _MIDNIGHT, 3) or words.before(word.first, _MIDNIGHT, 2)
    return "midnight" if late else own


def _judged(words: CalendarWords, word: Word, day: Day) -> Day:
    """Rejected where the words beside it say "every", "last" or "until"; refused at "not"."""
    last = word.last
    if day.kind in _BY_NUMBER:
        last = max(last, words.word_from(day.end) - 1)
    if words.before(word.first, _NOT) or words.after(last, _NOT_AFTER):
        return replace(day, refused=True)
    # "Tonight no, tomorrow": where the clause goes on it is no refusal, or the number nine.
    no = words.after(last, _NO)
    if no and words.parted(no.last):
        return replace(day, refused=True)
    beside = (
        words.before(word.first, _EVERY | _PAST | _PAST_BEFORE | _UNTIL)
        or words.after(last, _EVERY | _PAST)
        or words.before(word.first, _EVERY, 2)
        or words.after(last, _UNTIL_AFTER)
    )
    steps = day.kind in _STEPS and not words.before(word.first, _EVERY)
    if beside is None or day.kind in MONTHS or steps:
        return day
    return replace(day, rejected=True)


def _ahead(words: CalendarWords, word: Word, now: datetime) -> Day | None:
    count = word.number
    if not count:
        forms = (token.forms[0] for token in words.tokens[word.first : word.last + 1])
        digits = next((form for form in forms if form.isdigit()), "")
        # "In 300 days" is no departure.
        count = int(digits) if 0 < len(digits) <= 2 else 0  # noqa: PLR2004
    # "Thứ sáu 5 giờ" and "tuần sau 5 giờ" are at 5, though "sau 5 giờ" is in five hours.
    ending = words.ending.get(word.first, ())
    if not count or any(w.kind in _NAMING and w.first < word.first for w in ending):
        return None
    moment = now + count * _STEPS[word.kind]
    if word.kind == "in_half_hours":
        moment += timedelta(minutes=30)
    exact = moment if word.kind in _IN_HOURS else None
    part = "" if exact else words.part_beside(word.first, word.last, 2)
    if word.kind == "in_nights":
        part = part or "night"
    start, end = words.tokens[word.first].start, words.tokens[word.last].end
    # "A week today" is a day by itself; "in two days" may be how long the papers take.
    weak = not (exact or part or word.kind == "weeks_today")
    return Day(moment.date(), start, end, part, exact, word.kind, weak=weak)


def _numeric_days(words: CalendarWords, now: datetime) -> Iterator[Day]:
    text = words.text
    for match in words.numeric:
        day = numeric(match, now)
        if day is not None:
            start, end = text.span(match.start(), match.end())
            # The date may begin inside a word, and ends with its last.
            part = words.part_beside(words.word_from(start + 1) - 1, words.word_from(end) - 1)
            yield Day(day, start, end, part, kind="numeric")
