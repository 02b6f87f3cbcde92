"""Each concept fires where its meaning stands, and words that only look alike do not fire it."""

from __future__ import annotations

import pytest

from tests.unit.classification.corpus import assess


def concepts(text: str) -> set[str]:
    return {signal.rule_id.partition(".")[0] for signal in assess(text).signals}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (
            "هات صاحبك وتعالوا سوا، المركب جاهز والدفع لما توصل ايطاليا، كلمني واتس",
            "refer_a_friend",
        ),
        ("نسويلك جواز باسمك وصورتك، دون اختبار", "fake_document"),
        ("منو جرب طريق صربيا؟ بيش البلم هسه", "question"),
        ("مطعم بيت جدي: كباب على الجمر وتوصيل مجاني", "legit_commerce"),
        ("نامه کلیسا و کیس تغییر دین می‌سازیم برای مصاحبه", "status"),
        ("کار سیاه تو لندن، مدرک نمیخواد، پرداخت نقدی", "work_offer"),
        ("bacheha kasi in hafte az calais rafte? chand gereftan salam", "question"),
        ("پیسه ره نزد صراف بانین، رمز دست خودت", "hawala"),
        ("کسی میفامه که گیم لاری آلی چند شده؟", "question"),
        ("کوڕەکان گەیشتنە لەندەن، شوکر، گروپی داهاتوو شەممە", "testimonial"),
        ("به له م هه يه بو به ريتانيا، نامه بكا", "boat"),
        ("kas la balam chwa bo uk? haya yan na, la kwe", "question"),
        ("د پېپر ميرج لپاره جينۍ شته، کاغذي نکاح", "status"),
        ("بل غاړې ته بوټ ځي، ډي ایم", "boat"),
    ],
)
def test_a_concept_is_heard_in_dialect_and_in_latin_letters(text: str, expected: str) -> None:
    assert expected in concepts(text)


@pytest.mark.parametrize(
    ("text", "unwanted"),
    [
        ("بالعربية ٣ ايام وانت في بنغازي", "reporting"),
        ("البلم ماله خبرة بالبحر", "reporting"),
        ("موږ په جرمني کې کار کوو", "government"),
        ("د سوات لار پرانیستې ده", "lorry"),
        ("گەشتی ئەم هەفتەیە بۆ هاوڕێیان", "ship"),
        ("ئیشێکی ئاسانە و زوو تەواو دەبێت", "law_info"),
        ("کڕیارێک هات بۆ لامان", "testimony"),
        ("په دې توګه کار کوو", "satire"),
    ],
)
def test_a_word_that_only_looks_alike_is_not_heard(text: str, unwanted: str) -> None:
    assert unwanted not in concepts(text)
