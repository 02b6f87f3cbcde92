"""Days that departures are said of by their number, by what is refused, and by a prayer."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from tests.unit.classification import corpus

# The texts are read on Wednesday 3 June 2026, at 10.


@pytest.mark.parametrize(
    ("text", "leaves"),
    [
        ("Monday 15th, early morning flight on a lookalike passport", corpus.june(15, 6)),
        ("van sets off Thurs 18th in the evening, last seats", corpus.june(18, 19)),
        ("boat to UK Saturday the 13th, message me", corpus.june(13)),
        ("ferry du dimanche 14 à midi, papiers espagnols, mp", corpus.june(14, 12)),
        ("Të dielën më 14, natën, nisemi me gomone", corpus.june(14, 22)),
        ("boat to UK Friday at 5pm", corpus.june(5, 17)),
        ("dimanche 14h bateau pour l'Angleterre, mp", corpus.june(7, 14)),
    ],
)
def test_a_weekday_with_a_number_is_that_date_where_the_two_agree(
    text: str, leaves: list[datetime]
) -> None:
    assert corpus.leaves(text) == leaves


@pytest.mark.parametrize(
    ("text", "leaves"),
    [
        ("we go on the 9th ⛵➡️🇬🇧 seats going fast", corpus.june(9)),
        ("dt 10 🚤🇬🇧 4 vende", corpus.june(10)),
        ("ayın 11i 🚤🇬🇷 dalgasız", corpus.june(11)),
        ("ayın 13'ünde tekne kalkıyor, yazın", corpus.june(13)),
        ("قارب يوم ١٣ من ليبيا، راسلني", corpus.june(13)),
        ("6al3een yom 14 🚤 el ba7r mni7", corpus.june(14)),
        ("më 16 të muajit kam fluturim me ID rumune", corpus.june(16)),
        ("đi tàu khách hôm 16, còn chỗ", corpus.june(16)),
        ("thuyền chạy 10/6 dương lịch, còn 6 suất", corpus.june(10)),
        ("24 jawza kishti mera 🚤", corpus.june(14)),
    ],
)
def test_a_day_without_its_month_counts_beside_a_word_of_travel(
    text: str, leaves: list[datetime]
) -> None:
    assert corpus.leaves(text) == leaves


@pytest.mark.parametrize(
    "text",
    [
        "Deported on the 9th, I took a boat to Dover in winter",
        "On the 9th we arrived by boat",
        "١٢ی مانگ گەیشتم بە بەلەم لە بەریتانیا",
        "xuồng đi Anh mùng 1 tháng 5 âm",
    ],
)
def test_a_day_of_something_else_is_no_departure(text: str) -> None:
    assert corpus.leaves(text) == []


@pytest.mark.parametrize(
    ("text", "leaves"),
    [
        ("امشب نه، مرز شلوغه. فردا شب میریم", corpus.june(4, 22)),
        ("بچا امشو نی، صبا شو هم نی، جمعه شو میریم", corpus.june(5, 22)),
        ("ئەمشەو نا، پۆلیس لەوێیە. شەممە شەو دەڕۆین", corpus.june(6, 22)),
        ("Jo të enjten se ka erë, të shtunën nisemi", corpus.june(6)),
        ("tonight no, police everywhere, boat tomorrow night", corpus.june(4, 22)),
    ],
)
def test_a_refused_day_gives_way_to_the_one_that_is_meant(
    text: str, leaves: list[datetime]
) -> None:
    assert corpus.leaves(text) == leaves


@pytest.mark.parametrize(
    ("text", "leaves"),
    [
        ("cuma namazından sonra minibüs Bulgar tarafına, 3 yer", corpus.june(5, 13)),
        ("بعد از نماز جمعه ساعت سه دو موتر طرف چمن میره", corpus.june(5, 15)),
        ("بعد صلاة الجمعة مركب لليونان", corpus.june(5, 13)),
        ("boat goes Friday week, ask for the list", corpus.june(12)),
        ("bateau jeudi en huit, mp", corpus.june(11)),
        ("Dans trois jours, l'aprèm, le bateau part", corpus.june(6, 15)),
        ("دوشنبه ۲۵ خرداد پرواز صبح با پاسپورت شبیه", corpus.june(15, 6)),
        ("CN 14.06 bay trưa, trọn gói", corpus.june(14, 12)),
        ("Thursday boat, we move before dawn", corpus.june(4, 4)),
        ("la mer c'est de l'huile jeudi, bateau prêt, on bouge la nuit", corpus.june(4, 22)),
        ("شباب الأحد، نطلع بالليل من كاليه", corpus.june(7, 22)),
        ("boat on Thursday, one night in a hotel before it", corpus.june(4)),
        ("boat on Thursday. We sleep at night", corpus.june(4)),
        ("هەینی دوای نوێژی خەوتنان بەلەم دەڕوات", corpus.june(5, 22, 30)),
        ("boat tomorrow after maghrib, two seats", corpus.june(4, 21)),
        ("الأحد العصر طالعين بالمركب", corpus.june(7, 17)),
        ("tonight after isha we cross", corpus.june(3, 22, 30)),
        ("brothers, boat on Friday after dhuhr", corpus.june(5, 13)),
        ("Friday morning before sunrise, boat ready", corpus.june(5, 4)),
        ("boat three nights from now, bring friends", corpus.june(6, 22)),
        ("üç gece sonra bot var, kişi başı 900", corpus.june(6, 22)),
        ("از بیلاروس هر دو شب بعد قایق می‌رود", []),
        ("lorry rolls in three and a half hours", corpus.june(3, 13, 30)),
        ("mercredi prochain, le 10, à midi, bateau", corpus.june(10, 12)),
        ("Të mërkurën tjetër, dt. 10, në mesditë, gomone", corpus.june(10, 12)),
        ("١٤ی شەش دوو کەس بە بەلەم دەڕۆن", corpus.june(14)),
        ("کۆمەڵی ١٤ی شەش کەس بوو، بەلەم", []),
        ("camion mardi depuis Jabbeke, deux personnes", corpus.june(9)),
        ("on attend depuis mardi, bateau", []),
        ("mốt 8h tối xe đi Anh", corpus.june(5, 20)),
        ("xe đi Anh một 8h tối", corpus.june(3, 20)),
        ("boat tonight 🌙 wind 0 waves 0", corpus.june(3, 22)),
        ("boat leaves in exactly 48 hours, reply quick", corpus.june(5, 10)),
    ],
)
def test_prayers_steps_and_parts_of_the_day_are_read_with_their_day(
    text: str, leaves: list[datetime]
) -> None:
    assert corpus.leaves(text) == leaves


@pytest.mark.parametrize(
    ("text", "leaves"),
    [
        ("boat to UK saturday 4-5am, last seats", corpus.june(6, 4)),
        ("yarın sabah 5-6 arası bot var", corpus.june(4, 5)),
        ("از ۳ تا ۴ صبح، شنبه ۲۳ خرداد، قایق انگلیس", corpus.june(13, 3)),
        ("bateau entre 5 et 6h du matin ce vendredi", corpus.june(5, 5)),
        ("18/6 thứ 5, từ 5 tới 6 giờ chiều xuồng chạy", corpus.june(18, 17)),
        ("boat trips 9:00-17:00, the next one Saturday", corpus.june(6)),
    ],
)
def test_a_span_of_hours_leaves_when_it_begins(text: str, leaves: list[datetime]) -> None:
    assert corpus.leaves(text) == leaves


@pytest.mark.parametrize(
    ("text", "leaves"),
    [
        ("#ukbyvan #nopapers #friday12june #2am 3 adults max 🚐🇬🇧", corpus.june(12, 2)),
        ("#جمعه #۲۲خرداد #چهارونیم_صبح قایق بدون مدرک", [datetime(2026, 6, 12, 4, 30, tzinfo=UTC)]),
        ("#cuma #12haziran #ingilterebot", corpus.june(12)),
        ("gidiyoruz 2nite, bot hazir, boat 2nite 22:00", corpus.june(3, 22)),
    ],
)
def test_days_in_hashtags_are_read(text: str, leaves: list[datetime]) -> None:
    assert corpus.leaves(text) == leaves


@pytest.mark.parametrize(
    ("text", "leaves"),
    [
        (
            "Every thursday we cross to the UK, next one is the 11th, kids free in the boat",
            corpus.june(11),
        ),
        ("۵شنبه ساعت ۲۳ قایق انگلیس", corpus.june(4, 23)),
        ("yarın gece 11den sonra bot kalkıyor", corpus.june(4, 23)),
        ("Dat 15 qershor, e hënë në mëngjes, traget për Irlandë", corpus.june(15, 6)),
        ("هالجمعة الظهر سفر بالقارب", corpus.june(5, 12)),
        ("قارب سبت ١٣ الشهر من ٣ ل ٤ الصبح", corpus.june(13, 3)),
        ("Leaving date: 14 June\nLeaving hour: 0500\nboat to UK", corpus.june(14, 5)),
        ("xuồng chủ nhật hai giờ mười lăm sáng", [datetime(2026, 6, 7, 2, 15, tzinfo=UTC)]),
    ],
)
def test_days_and_hours_are_read_as_people_write_them(text: str, leaves: list[datetime]) -> None:
    assert corpus.leaves(text) == leaves


@pytest.mark.parametrize(
    ("text", "leaves"),
    [
        ("boat to UK thurs b4 dawn, kids free", corpus.june(4, 4)),
        ("boat to UK thursday morning, kids free", corpus.june(4, 6)),
        ("فردا قبل از سپیده با قایق راه میفتیم", corpus.june(4, 4)),
        ("cuma şafakta tekne kalkıyor, çocuklar bedava", corpus.june(5, 4)),
        ("rạng sáng mai xuồng chạy qua Anh", corpus.june(4, 4)),
        ("boat to UK thursday at 5 before dawn", corpus.june(4, 5)),
    ],
)
def test_dawn_comes_before_the_morning(text: str, leaves: list[datetime]) -> None:
    assert corpus.leaves(text) == leaves


@pytest.mark.parametrize(
    ("text", "leaves"),
    [
        ("wed 10 jun 🕟 a.m 🛟🛟🛟 4 friends come together", corpus.june(10, 4, 30)),
        ("tonight 🕚 🚤🇬🇧 2 seats", corpus.june(3, 23)),
        # A picture beside the hour that is written.
        ("friday 🕐 5am 🚤🇬🇧 2 seats", corpus.june(5, 5)),
    ],
)
def test_a_clock_face_is_an_hour_where_none_is_written(text: str, leaves: list[datetime]) -> None:
    assert corpus.leaves(text) == leaves


@pytest.mark.parametrize(
    ("text", "leaves"),
    [
        ("bateau pour l'Angleterre le samedi treize, la nuit", corpus.june(13, 22)),
        ("قایق پنجشنبه ۲۱ ظهر میره، جا هست", corpus.june(11, 12)),
        ("perşembe 11 öğlen tekne kalkıyor", corpus.june(11, 12)),
        ("Thursday 21 boat to UK, last seats", corpus.june(4)),
    ],
)
def test_a_weekday_with_its_number_in_words_or_of_the_solar_month(
    text: str, leaves: list[datetime]
) -> None:
    assert corpus.leaves(text) == leaves


def test_how_long_a_crossing_took_is_no_departure() -> None:
    text = "bro i was over in 4hrs by boat, lads the next one is tonight"
    assert corpus.leaves(text) == corpus.june(3, 22)
