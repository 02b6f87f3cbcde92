"""Departures in the words of people who were met for the first time with this release's texts."""

from __future__ import annotations

from datetime import datetime

import pytest

from tests.unit.classification import corpus


@pytest.mark.parametrize(
    ("text", "leaves"),
    [
        ("boat to Dover a week today, 23:00, two seats", corpus.june(10, 23)),
        ("boat to Dover two weeks today at 23:00", corpus.june(17, 23)),
        ("haftaya bugün bot var, İngiltere", corpus.june(10)),
        ("thuyền đi Anh đúng hôm nay tuần sau, 9 rưỡi tối", corpus.june(10, 21, 30)),
        ("قارب بعد أسبوع من اليوم، خاص", corpus.june(10)),
        ("هفته دیگه همین روز قایق میره", corpus.june(10)),
    ],
)
def test_a_week_from_today_is_a_day_by_itself(text: str, leaves: list[datetime]) -> None:
    assert corpus.leaves(text) == leaves


@pytest.mark.parametrize(
    ("text", "leaves"),
    [
        ("boat tomorrow at ten to eight in the morning", corpus.june(4, 7, 50)),
        ("boat Friday, twenty past five am", corpus.june(5, 5, 20)),
        ("boat tonight, half past midnight", corpus.june(4, 0, 30)),
        ("قایق پنجشنبه ده دقیقه به دوازده شب", corpus.june(4, 23, 50)),
        ("سبەی بەیانی چارەک کەم بۆ پێنج بەلەم دەڕوات", corpus.june(4, 4, 45)),
        ("کښتۍ سبا شپه شل دقیقې کم دوولس بجې ځي", corpus.june(4, 23, 40)),
        ("کشتی صبا پنج و پانزده دقیقه صبح", corpus.june(4, 5, 15)),
        ("قایق هفتم تیر پنج و پنجاه و پنج دقیقه صبح", corpus.june(28, 5, 55)),
        ("12h kém 15 đêm nay thuyền đi", corpus.june(3, 23, 45)),
        ("القارب فجر الجمعة ٣ وثلث", corpus.june(5, 3, 20)),
        ("القارب بكرا العشرة وأربعين الصبح", corpus.june(4, 10, 40)),
        ("bateau mercredi prochain midi vingt", corpus.june(10, 12, 20)),
        ("bateau vendredi 12 à minuit moins dix", corpus.june(12, 23, 50)),
        ("bot yarın öğlen yarımda", corpus.june(4, 12, 30)),
        ("bot 12.06 saat 23'ü çeyrek geçe", corpus.june(12, 23, 15)),
        ("bateau, départ dans 4h30", corpus.june(3, 14, 30)),
        ("lorry Sunday 14th June, 2000 hrs", corpus.june(14, 20)),
    ],
)
def test_minutes_are_read_before_the_hour_and_behind_it(text: str, leaves: list[datetime]) -> None:
    assert corpus.leaves(text) == leaves


@pytest.mark.parametrize(
    ("text", "leaves"),
    [
        ("bu gece yarısı bot kalkıyor", corpus.june(4)),
        ("nửa đêm nay thuyền đi", corpus.june(4)),
        ("pazarı pazartesiye bağlayan gece bot", corpus.june(7, 22)),
        ("perşembeyi cumaya bağlayan gece saat 2 bot", corpus.june(5, 2)),
        ("traversée, midi, samedi 13", corpus.june(13, 12)),
        ("boat, 13th (Saturday) 5 in the morning", corpus.june(13, 5)),
        ("varka niset me 15 te hene", corpus.june(15)),
        ("القارب السبت ١٣ الشهر أربعة وربع الصبح", corpus.june(13, 4, 15)),
        ("کشتی تاریخ بیست و پنجم جوزا", corpus.june(15)),
        ("قایق چارشنبه دو هفته بعد", corpus.june(17)),
        ("not tomorrow, the one after, boat at first light", corpus.june(5, 4)),
        ("boat no be tomorrow, na next tomorrow 3am", corpus.june(5, 3)),
        ("xe hàng tối mai 11h đêm", corpus.june(4, 23)),
        ("هنطلع بالقارب الحد قبل الفجر", corpus.june(7, 4)),
    ],
)
def test_the_day_is_the_one_that_its_words_agree_on(text: str, leaves: list[datetime]) -> None:
    assert corpus.leaves(text) == leaves


@pytest.mark.parametrize(
    ("text", "leaves"),
    [
        ("ö b ü r g ü n tam ö ğ l e n bot", corpus.june(5, 12)),
        ("y a r ı n g e c e bot", corpus.june(4, 22)),
        ("C U M A G E C E S İ bot", corpus.june(5, 22)),
        ("بەلەم یـ ـەک شـ ـەممە بەرەبەیان", corpus.june(7, 4)),
        ("بەلەم ئەمـ.شەو", corpus.june(3, 22)),
    ],
)
def test_spaced_and_drawn_out_letters_are_put_together(text: str, leaves: list[datetime]) -> None:
    assert corpus.leaves(text) == leaves


def test_tomorrow_noon_and_a_first_group_are_no_hour() -> None:
    assert corpus.leaves("boat tomorrow noon first group, £400 a head") == corpus.june(4, 12)


@pytest.mark.parametrize(
    ("text", "leaves"),
    [
        ("cumartesi 🌙 bot", corpus.june(6, 22)),
        ("القارب السـ.ـبت 🌙", corpus.june(6, 22)),
        ("s a m e d i 🌙 bateau, rest3 3 plac3s", corpus.june(6, 22)),
        ("🇫🇷➡️🇬🇧 نن 🌙 درې ځایونه پاتې دي", corpus.june(3, 22)),
        ("bateau samedi 🌙 23h", corpus.june(6, 23)),
        ("bateau samedi matin 🌙", corpus.june(6, 6)),
    ],
)
def test_a_moon_behind_a_day_is_its_night(text: str, leaves: list[datetime]) -> None:
    assert corpus.leaves(text) == leaves


@pytest.mark.parametrize(
    ("text", "leaves"),
    [
        ("bu akşam bot çıkıyor", corpus.june(3, 19)),
        ("bu akşam yatsıdan sonra bot", corpus.june(3, 22, 30)),
        ("bu akşam gece yarısı bot", corpus.june(4)),
        ("bot bu akşam 8'de", corpus.june(3, 20)),
        ("boat this evening", corpus.june(3, 19)),
        ("boat at midnight this evening", corpus.june(4)),
        ("boat Sunday very early, before the light", corpus.june(7, 4)),
        ("کښتۍ نن ماښام ځي", corpus.june(3, 19)),
        ("kshtai nan mashom zi, lara khlasa da", corpus.june(3, 19)),
        ("کښتۍ د جمعې سهار مخکې له اذانه ځي", corpus.june(5, 4)),
        ("بەلەم هەینی پێش بەیانی", corpus.june(5, 4)),
        ("بەلەم هەینی دوای شێوان", corpus.june(5, 21)),
        ("قایق شنبه بعد از نماز عصر", corpus.june(6, 17)),
    ],
)
def test_this_evening_is_earlier_than_tonight_and_later_after_prayers(
    text: str, leaves: list[datetime]
) -> None:
    assert corpus.leaves(text) == leaves


@pytest.mark.parametrize(
    "text",
    [
        "عید شما مبارک امروز 🌙",
        "Bugün 🌙 ramazanın ilk günü, hayırlı olsun",
        "نن 🌙 اختر مو مبارک شه",
    ],
)
def test_a_blessed_feast_is_no_departure(text: str) -> None:
    assert corpus.leaves(text) == []
