"""When a boat is said to leave: found in ten languages and resolved against the post's instant."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta, timezone

import pytest
from hijridate import Gregorian

from services.classification.dates import next_lunar
from services.classification.domain import EntityKind
from services.classification.solar import from_solar
from tests.unit.classification.corpus import LANGUAGES, assess, rows


@pytest.mark.parametrize("row", rows("departures"), ids=lambda row: row["id"])
def test_a_stated_departure_is_resolved(row: dict[str, str]) -> None:
    result = assess(row["text"])
    moments = [e.resolved for e in result.entities if e.kind is EntityKind.DEPARTURE_TIME]
    assert moments == [datetime.fromisoformat(row["leaves"]).replace(tzinfo=UTC)]
    assert result.departure_time == moments[0]


@pytest.mark.parametrize("row", rows("no_departures"), ids=lambda row: row["id"])
def test_a_number_or_a_day_of_something_else_is_no_departure(row: dict[str, str]) -> None:
    assert not [e for e in assess(row["text"]).entities if e.kind is EntityKind.DEPARTURE_TIME]


def test_every_language_has_false_friends() -> None:
    assert {row["language"] for row in rows("no_departures")} == set(LANGUAGES)


@pytest.mark.parametrize(
    ("text", "leaves"),
    [
        # The marks alone tell "tới" (next) from "tối" (evening), "sang" (across) from "sáng".
        ("Xuồng đi Anh thứ sáu tới, ib", datetime(2026, 6, 5, tzinfo=UTC)),
        ("Thứ sáu sang Anh bằng xuồng, ib", datetime(2026, 6, 5, tzinfo=UTC)),
        ("Tối thứ sáu xuồng đi Anh, ib", datetime(2026, 6, 5, 19, tzinfo=UTC)),
        # A night's small hours: of the next day after "tonight", of the day after its name.
        ("Boat to UK tonight at 2", datetime(2026, 6, 4, 2, tzinfo=UTC)),
        ("Boat to UK tomorrow night at 2", datetime(2026, 6, 5, 2, tzinfo=UTC)),
        ("Saturday night at 3, boat to UK", datetime(2026, 6, 6, 3, tzinfo=UTC)),
        # A day of the week and a date beside it are one day.
        ("Boat to UK Friday 5 June at 4 am", datetime(2026, 6, 5, 4, tzinfo=UTC)),
        ("Boat to UK Friday next week", datetime(2026, 6, 12, tzinfo=UTC)),
        ("Boat to UK Wednesday 5 am", datetime(2026, 6, 10, 5, tzinfo=UTC)),
        ("قایق به انگلیس ۱۴۰۵/۳/۲۲", datetime(2026, 6, 12, tzinfo=UTC)),
        # Sorani on an Arabic keyboard parts the word behind each "e".
        ("سبه ي شه و به له م بو به ريتانيا", datetime(2026, 6, 4, 22, tzinfo=UTC)),
    ],
)
def test_the_words_beside_a_day_say_which_moment(text: str, leaves: datetime) -> None:
    moments = [e.resolved for e in assess(text).entities if e.kind is EntityKind.DEPARTURE_TIME]
    assert moments == [leaves]


def test_every_language_states_a_departure() -> None:
    assert {row["language"] for row in rows("departures")} == set(LANGUAGES)


def test_the_zone_of_the_post_is_the_zone_of_the_departure() -> None:
    now = datetime(2026, 6, 3, 23, 30, tzinfo=timezone(timedelta(hours=2)))
    result = assess("Boat to UK tomorrow 5am from Calais, whatsapp me", now=now)
    assert result.departure_time == datetime(2026, 6, 4, 5, tzinfo=now.tzinfo)


def test_a_report_of_a_departure_is_no_departure() -> None:
    text = "Police said the boat left Calais on Friday at 5am and sank; 3 migrants drowned."
    assert assess(text).departure_time is None


def test_a_lawful_ferry_has_its_departure_and_a_wedding_none() -> None:
    ferry = assess("Coach to London, seats left, leaves Victoria Friday 5am, under 5s free")
    assert ferry.departure_time == datetime(2026, 6, 5, 5, tzinfo=UTC)
    wedding = assess("Amina and Kareem are getting married on Friday at 4pm, all welcome")
    assert wedding.departure_time is None


def test_a_day_without_an_hour_is_never_over_yet() -> None:
    now = datetime(2026, 6, 3, 22, 45, tzinfo=UTC)
    leaves = assess("Boat to UK tonight, places available, dm", now=now).departure_time
    assert leaves is not None
    assert leaves > now


def test_a_month_gone_by_is_next_years() -> None:
    leaves = assess("Boat to UK 2 March 4am, places available, dm").departure_time
    assert leaves == datetime(2027, 3, 2, 4, tzinfo=UTC)


@pytest.mark.parametrize("text", ["31 February", "99/99", "45 June", "32.13.2026", "25:99"])
def test_a_date_that_does_not_exist_is_none(text: str) -> None:
    result = assess(f"Boat to UK {text}, dm")
    assert result.departure_time is None


@pytest.mark.parametrize(
    ("solar", "gregorian"),
    [
        # Nowruz as published for these years; 1399 and 1403 are leap years.
        ((1400, 1, 1), date(2021, 3, 21)),
        ((1399, 12, 30), date(2021, 3, 20)),
        ((1403, 12, 30), date(2025, 3, 20)),
        ((1404, 1, 1), date(2025, 3, 21)),
        ((1405, 3, 22), date(2026, 6, 12)),
        ((1357, 11, 22), date(1979, 2, 11)),
    ],
)
def test_the_solar_calendar_agrees_with_known_days(
    solar: tuple[int, int, int], gregorian: date
) -> None:
    assert from_solar(*solar) == gregorian


@pytest.mark.parametrize("day", [(1404, 12, 30), (1400, 13, 1), (1400, 7, 31), (1, 1, 1)])
def test_a_solar_day_that_does_not_exist_is_none(day: tuple[int, int, int]) -> None:
    assert from_solar(*day) is None


@pytest.mark.parametrize(
    ("lunar", "gregorian"),
    [
        # Umm al-Qura: 9 Dhu al-Hijja 1448, 1 Muharram 1448, 1 Ramadan 1448.
        ((12, 9), date(2027, 5, 15)),
        ((1, 1), date(2026, 6, 16)),
        ((9, 1), date(2027, 2, 8)),
    ],
)
def test_the_lunar_calendar_agrees_with_known_days(lunar: tuple[int, int], gregorian: date) -> None:
    assert next_lunar(*lunar, datetime(2026, 6, 3, tzinfo=UTC)) == gregorian


def test_a_lunar_day_that_this_year_lacks_is_that_of_a_year_that_has_it() -> None:
    # Muharram has 29 days in 1448 and in 1449.
    found = next_lunar(1, 30, datetime(2026, 6, 3, tzinfo=UTC))
    assert found is not None
    assert Gregorian.fromdate(found).to_hijri().datetuple() == (1450, 1, 30)


@pytest.mark.parametrize("lunar", [(13, 1), (1, 31), (0, 1), (1, 0)])
def test_a_lunar_day_that_does_not_exist_is_none(lunar: tuple[int, int]) -> None:
    assert next_lunar(*lunar, datetime(2026, 6, 3, tzinfo=UTC)) is None


def test_beyond_the_tables_of_the_lunar_calendar_there_is_no_day() -> None:
    assert next_lunar(1, 1, datetime(2090, 1, 1, tzinfo=UTC)) is None
