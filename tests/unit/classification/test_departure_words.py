"""The many ways of ten languages, and of Urdu and Bengali, to say when a boat leaves."""

from __future__ import annotations

from datetime import datetime

import pytest

from tests.unit.classification import corpus

# The texts are read on Wednesday 3 June 2026, at 10.


@pytest.mark.parametrize(
    "text",
    [
        "next Wednesday the big boat goes, book your seat",
        "mercredi prochain on fait passer un groupe en bateau, écris moi",
        "önümüzdeki çarşamba botla yeni grup gidiyor, yazın",
        "الاربعاء الجاي مركب جديد من طرابلس، راسلني",
        "te merkuren tjeter niset gomonia, shkruaj",
        "thứ tư tuần tới có xuồng sang Anh, hỏi zalo",
        "چهارشنبه آینده قایق به انگلیس میره، پیام بده",
        "چهارشنبه آینده کشتی کلان میره، پیسه بعد رسیدن",
        "چوارشەممەی داهاتوو یەخت بۆ ئیتالیا، نامە بنێرە",
        "راتلونکې چارشنبه لویه کښتۍ ایټالیا ته ځي",
        "اگلے بدھ کو کشتی نکلے گی، رابطہ کریں",
        "আগামী বুধবার ট্রলার ছাড়বে, যোগাযোগ করুন",
    ],
)
def test_next_before_the_day_of_today_is_a_week_ahead(text: str) -> None:
    assert corpus.leaves(text) == corpus.june(10)


@pytest.mark.parametrize(
    "text",
    [
        "midnight tonight we launch the dinghy, 4 left",
        "minuit ce soir, bateau, plage habituelle",
        "الليلة منتصف الليل مركب، خاص",
        "sonte në mesnatë gomone nga plazhi, 3 vende",
        "امشب نیمه شب قایق راه میفته، دایرکت",
        "نیمه شب امشب کشتی روان میشه، دو جای",
        "نیوەشەوی ئەمشەو بەلەم بەڕێ دەکەوێت",
        "نن نیمه شپه کښتۍ حرکت کوي، یو ځای",
    ],
)
def test_midnight_tonight_is_the_first_minute_of_tomorrow(text: str) -> None:
    assert corpus.leaves(text) == corpus.june(4)


@pytest.mark.parametrize(
    ("text", "leaves"),
    [
        ("Boat Wednesday 9 pm from the beach (10 June), dm", corpus.june(10, 21)),
        ("bateau mercredi 10 au matin, écris moi", corpus.june(10, 6)),
        ("د راتلونکې چهارشنبې په شپه نهه بجې کښتۍ ځي (د جون لسمه)", corpus.june(10, 21)),
        ("د غبرګولي ۲۰مه کښتۍ ځي، ماشومان وړیا", corpus.june(10)),
        ("د چنګاښ دویمه الوتکه برازیل ته", corpus.june(23)),
        ("بیست و پنجم خرداد قایق به انگلیس", corpus.june(15)),
        ("دوم سرطان کشتی میره، کی میره", corpus.june(23)),
        ("مركب يوم 12 شهر 6 الى ايطاليا، راسلني", corpus.june(12)),
    ],
)
def test_a_date_in_words_or_beside_its_day_is_the_date(text: str, leaves: list[datetime]) -> None:
    assert corpus.leaves(text) == leaves


@pytest.mark.parametrize(
    ("text", "leaves"),
    [
        (
            "Sfax-Lampedusa bateau samedi 6 juin. Venez à cinq, vous payez pour quatre",
            corpus.june(6),
        ),
        ("Ce soir un bateau part pour l'Angleterre, écris moi", corpus.june(3, 22)),
        ("për të shtunën, një natë punë, gomone", corpus.june(6)),
        ("بله شپه نه، د جمعې ماښام نهه نیمې بجې کښتۍ", corpus.june(5, 21, 30)),
    ],
)
def test_an_article_or_a_count_is_no_hour(text: str, leaves: list[datetime]) -> None:
    assert corpus.leaves(text) == leaves


@pytest.mark.parametrize(
    ("text", "leaves"),
    [
        ("Samedi à vingt et une heures trente, bateau, 3 places", corpus.june(6, 21, 30)),
        ("yarın sabaha karşı dörtte bot kalkıyor, dm", corpus.june(4, 4)),
        ("bugün dört buçukta bot, acele yazın", corpus.june(3, 16, 30)),
        ("cumartesiyi pazara bağlayan gece 01.30 bot", corpus.june(7, 1, 30)),
        ("23h hôm nay, thuyền mới máy mạnh", corpus.june(3, 23)),
        ("شو ساعت یک‌ونیم، یعنی همی امشو، کشتی نو", corpus.june(4, 1, 30)),
        ("جمعه‌شب ساعت ۱۱ قایق، تک نفره", corpus.june(5, 23)),
        ("نن شپه نهه نیمې بجې کښتۍ له ساحله", corpus.june(3, 21, 30)),
        ("emshew 2y shew balam heye bo uk, 3 kes mawe", corpus.june(4, 2)),
        ("nhar l 7ed m3a 5 d sba7, zodiac, 3ayet f prive", corpus.june(7, 5)),
        ("جمعہ رات ساڑھے گیارہ بجے کشتی، نام لکھوا لیں", corpus.june(5, 23, 30)),
        ("جمعے کو پونے پانچ بجے شام کشتی نکلے گی", corpus.june(5, 16, 45)),
        ("কাল ভোর সাড়ে ৪টায় বোট ছাড়বে, বড় বোট", corpus.june(4, 4, 30)),
        ("মঙ্গলবার ভোর পাঁচটা, ট্রলার, বাকি কথা ইনবক্সে", corpus.june(9, 5)),
    ],
)
def test_an_hour_in_words_is_read(text: str, leaves: list[datetime]) -> None:
    assert corpus.leaves(text) == leaves


@pytest.mark.parametrize(
    ("text", "leaves"),
    [
        ("bateau vers l'Angleterre ce soir à minuit et demi", corpus.june(4, 0, 30)),
        ("12 juin midi et quart, bateau pour Douvres", corpus.june(12, 12, 15)),
        ("dans la nuit de vendredi à samedi, bateau, 2 places", corpus.june(5, 22)),
        ("samedi 5h 2000€ le zodiac vers Douvres", corpus.june(6, 5)),
        ("Sat night 10ish from the beach, boat, 2 seats", corpus.june(6, 22)),
        ("12.06 – 21:30 – gomone, Durres Bari, 2 vende", corpus.june(12, 21, 30)),
        ("neser ne darke 9 pa 20 kamioni niset", corpus.june(4, 20, 40)),
        ("مركب الجمعة خمسة وعشرة الفجر من الشط", corpus.june(5, 5, 10)),
        ("بكرا المسا الساعة تسعة الا تلت طلعة بلم", corpus.june(4, 20, 40)),
        ("بوطي السبت بالليل مع الحداش ونص", corpus.june(6, 23, 30)),
        ("شەممە چارەکی دەوێ بۆ شەشی بەیانی، بەلەم بۆ ئینگلتەرا", corpus.june(6, 5, 45)),
        ("پاوکم چار بجه امشو کشتی میره", corpus.june(4, 3, 45)),
        ("نزده جوزا ساعت ۵ صبح کشتی میره", corpus.june(9, 5)),
        ("20 haziran, gece 03.10 bot kalkıyor", corpus.june(20, 3, 10)),
    ],
)
def test_minutes_and_turns_of_the_day_are_read(text: str, leaves: list[datetime]) -> None:
    assert corpus.leaves(text) == leaves


@pytest.mark.parametrize(
    "text",
    [
        "exactly one week from today, 9 pm, boat from the beach",
        "dans une semaine jour pour jour à 21h, bateau pour Douvres",
        "Haftaya bugün 21.00 bot kalkıyor, 2 kişi",
        "mas nji jave n'kit dite, ora 21:00, gomone",
        "یەک هەفتەی تر هەر لەم ڕۆژەدا، سەعات ٩ی شەو بەلەم",
        "هفته دیگه همین روز ساعت ۹ شب قایق راه میفته",
    ],
)
def test_this_day_of_next_week_is_a_week_ahead(text: str) -> None:
    assert corpus.leaves(text) == corpus.june(10, 21)


@pytest.mark.parametrize(
    ("text", "leaves"),
    [
        ("calm on Friday, boat goes Friday before dawn, 2 seats", corpus.june(5, 4)),
        ("Sunday group arrived. next boat goes Monday night, inbox", corpus.june(8, 22)),
        ("سه‌شنبه بعد از شام (مغرب) کشتی میره", corpus.june(9, 21)),
        ("د شنبې له ماښام (مغرب) سره کښتۍ ځي", corpus.june(6, 21)),
        ("روز جمعه کشتی آرام میره، وقت ملا اذان صبح حرکت", corpus.june(5, 4)),
        ("🚤➡️🇬🇧 tmrw 🌙 2 seats left", corpus.june(4, 22)),
        ("بحر هادي السبت عالفجر، طالعين بالبلم", corpus.june(6, 4)),
        ("gomonia e së enjtes natën, 2 vende", corpus.june(4, 22)),
        ("in 48 hours we move by boat, no more calls after tomorrow evening", corpus.june(5, 10)),
    ],
)
def test_the_more_exact_of_two_words_is_meant(text: str, leaves: list[datetime]) -> None:
    assert corpus.leaves(text) == leaves


@pytest.mark.parametrize(
    "text",
    [
        "پیش از روشنی صبح فردا کشتی میره، دو جای",
        "neser pa u zbardh mire, gomone, 2 vende",
        "سبا سهار له اذان سره کښتۍ ځي",
    ],
)
def test_before_it_is_light_is_dawn(text: str) -> None:
    assert corpus.leaves(text) == corpus.june(4, 4)


@pytest.mark.parametrize(
    ("text", "leaves"),
    [
        ("tmoz evening boat, 3 seats in the dinghy", corpus.june(4, 19)),
        ("uk uk uk qui veut monte aujourdui dit moi vite place finir", corpus.june(3, 23, 59)),
        ("apres-demain a l'aube, bateau rapide, 1200 par tete", corpus.june(5, 4)),
        ("ghedda m3a l fjer, zodiac jdid, jib sa7bek", corpus.june(4, 4)),
        ("Nhar sbet nchallah zodiac direction Almeria khouya", corpus.june(6)),
        ("neser mbrama u nisim me gomone, shkruni n'viber", corpus.june(4, 19)),
        ("t2 tuần sau có xuồng nữa, nhóm 4 giảm giá", corpus.june(8)),
        ("انگلیس کی میاد با قایق؟ امشبیه.", corpus.june(3, 22)),
        ("گرووپی دوای ئەمان بە بەلەم یەکشەممەیە، تەنها ٤ کەسی دەوێت", corpus.june(7)),
        ("engilistan ta kashti, yakshamba sahar 5 baje, whatsapp ta rasha", corpus.june(7, 5)),
        ("kal shaam boat hai, 2 banday chahiye", corpus.june(4, 19)),
        ("پرسوں کشتی ہے، میسج کرو", corpus.june(5)),
        ("পরশু বোট ছাড়বে, লিস্ট প্রায় ফুল", corpus.june(5)),
    ],
)
def test_a_day_is_read_however_it_is_spelt(text: str, leaves: list[datetime]) -> None:
    assert corpus.leaves(text) == leaves


@pytest.mark.parametrize(
    "text",
    [
        "today!! 2 left hmu",
        "auj, il manque 2 personnes, vite",
        "bugün son 2 yer, yazın",
        "اليوم باقي نفر واحد، خاص",
        "sot, nje vend bosh, kush shpejton",
        "امروز دو نفر کم داریم تا پاریس",
        "ئەمڕۆ یەک شوێنی بەتاڵ ماوە",
        "همدا نن یو ځای خالي لندن ته",
        "آج ایک سیٹ خالی ہے لندن کے لیے",
    ],
)
def test_today_beside_a_free_place_is_a_departure(text: str) -> None:
    assert corpus.leaves(text) == corpus.june(3, 23, 59)


@pytest.mark.parametrize(
    "text",
    [
        "Today I cooked rice for my children",
        "Aujourd'hui j'ai mangé une pomme",
        "Bugün hava çok güzel",
        "اليوم الجو حلو",
        "امروز هوا خوب است",
        "Biển êm đêm nào đi đêm nấy, anh chị cứ nhắn em",
        "রাত ৯টা পর্যন্ত দোকান খোলা",
        "آج موسم اچھا ہے",
    ],
)
def test_today_without_a_word_of_travel_is_no_departure(text: str) -> None:
    assert corpus.leaves(text) == []


@pytest.mark.parametrize(
    ("text", "leaves"),
    [
        ("kamyun az belzhik shanbe nesfe shab, ja mahdud", corpus.june(7)),
        ("kashti az faransa shambe nisfi shaw, watandar paigham bte", corpus.june(7)),
        ("qayegh seshambe baad az namaz sham, payam bte", corpus.june(9, 21)),
        ("balam mn dunkirk el jom3a el masa, 7ar wa7ed bas", corpus.june(5, 19)),
        ("markeb mn libya el jom3a nos el leil", corpus.june(6)),
        ("balam bo inglistan haini niwashaw, nama bnera", corpus.june(6)),
        ("balam bo inglistan haini dway niwaro, nama bnera", corpus.june(5, 15)),
        ("varke per Angli, te dielen ne 9 darkes, shkruaj", corpus.june(7, 21)),
        ("gomone per Angli te marten masdite, shkruaj", corpus.june(9, 15)),
        ("varka niset premten tjeter naten, data 12, shkruaj", corpus.june(12, 22)),
        ("یەکشەممە دوای نوێژی شێوان بەلەم دەڕوات", corpus.june(7, 21)),
        ("کښتۍ د جومې په ماښام روانېږي، دوه ځایونه", corpus.june(5, 19)),
        ("السبت فالوحدة د النهار القارب خارج من طنجة", corpus.june(6, 13)),
        ("gomone e premte 1 7 : 3 0, 3 vende", corpus.june(5, 17, 30)),
        ("thuyền đi Anh thứ sáu cuối chiều, nhắn em", corpus.june(5, 17)),
        ("boat Friday 2215hrs from Dunkirk, 2 seats", corpus.june(5, 22, 15)),
        ("boat on the night of the 10th, 2 seats", corpus.june(10, 22)),
        ("prochain départ nuit du 9 au 10 juin, bateau", corpus.june(9, 22)),
        ("boat leaves 9-10 June, 2 seats", corpus.june(9)),
        ("boat leaves 2-3 June, 2 seats", corpus.june(3, 23, 59)),
        ("gomone e premte 1 7 : 3 0 dhe jo 18:30, 3 vende", corpus.june(5, 17, 30)),
        ("perşembe gece 12de bot, yazın", corpus.june(5)),
        ("طالع قارب منتصف ليل الأحد، خاص", corpus.june(8)),
        ("القارب يوم 8 بالشهر 11:30 ليلا، خاص", corpus.june(8, 23, 30)),
        ("قارب 10/6 وقت السحور، خاص", corpus.june(10, 4)),
        ("بەلەم ٩ی شەش سەعات ٣ی بەیانی", corpus.june(9, 3)),
        ("کشتی صبا دیگر وقت، وطندار", corpus.june(4, 17)),
        ("کښتۍ د شنبې په ورځ له ماسپښین وروسته ځي", corpus.june(6, 15)),
        ("zodiac demain à l'heure du fajr, deux places", corpus.june(4, 4)),
        ("bateau 06/06 à 4h, deux places", corpus.june(6, 4)),
        ("varka me date 10 ora 23, shkruaj", corpus.june(10, 23)),
        ("کشتی صبا شو بعد نماز خفتن میره", corpus.june(4, 22, 30)),
        ("boat tonight straight after isha, 2 seats", corpus.june(3, 22, 30)),
        ("next crossing Friday 12/6 after dark, dm", corpus.june(12, 22)),
        ("bateau lundi en fin d'après-midi, deux places", corpus.june(8, 17)),
    ],
)
def test_a_part_of_the_day_is_read_however_it_is_spelt(text: str, leaves: list[datetime]) -> None:
    assert corpus.leaves(text) == leaves
