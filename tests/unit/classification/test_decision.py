"""Only a confident offer may be referred; every doubt is a person's to settle."""

from __future__ import annotations

from dataclasses import replace

import pytest

from services.classification import rules
from services.classification.decision import decide
from services.classification.domain import (
    Category,
    Decision,
    Label,
    LanguageGuess,
    SpeechAct,
)
from services.classification.scoring import Scores
from tests.unit.classification.corpus import assess

POLICY = rules.read().policy
CLEAR = Scores(
    probability=0.99,
    label=Label.SMUGGLING_ADVERT,
    speech_act=SpeechAct.OFFER,
    categories=(Category.SMALL_BOAT_CROSSING,),
    hooks=(),
    service=3.0,
    offer=4.0,
    against=0.0,
    fired=("boat-to-destination",),
)
ENGLISH = (LanguageGuess("en", 0.95),)
ADVERT = "Boat from Calais to UK tonight, kids free, 100% guaranteed, WhatsApp +44 7700 900123"


def decision(scores: Scores, languages: tuple[LanguageGuess, ...] = ENGLISH) -> Decision:
    return decide(POLICY, scores, languages, "post", complete=True)[0]


def test_a_clear_offer_is_referred() -> None:
    assert decision(CLEAR) is Decision.REFER
    assert assess(ADVERT, kind="post").decision is Decision.REFER


@pytest.mark.parametrize("act", [act for act in SpeechAct if act is not SpeechAct.OFFER])
def test_protected_speech_is_never_referred_whatever_the_score(act: SpeechAct) -> None:
    assert decision(replace(CLEAR, speech_act=act)) is not Decision.REFER


@pytest.mark.parametrize(
    "doubtful",
    [
        replace(CLEAR, probability=0.84),
        replace(CLEAR, against=2.4),
        replace(CLEAR, categories=()),
        replace(CLEAR, subject=False),
    ],
)
def test_an_offer_in_doubt_is_reviewed(doubtful: Scores) -> None:
    assert decision(doubtful) is Decision.REVIEW


@pytest.mark.parametrize(
    "languages",
    [
        (),
        (LanguageGuess("und", 0.0),),
        (LanguageGuess("en", 0.4), LanguageGuess("de", 0.4)),
        (LanguageGuess("de", 0.99),),
        (LanguageGuess("so", 0.9),),
    ],
)
def test_a_language_that_is_not_known_well_is_reviewed(
    languages: tuple[LanguageGuess, ...],
) -> None:
    assert decision(CLEAR, languages) is Decision.REVIEW


def test_a_language_without_a_lexicon_is_reviewed_even_when_nothing_matches() -> None:
    text = "Heute gehen wir mit der ganzen Familie in den Park und essen danach noch Kuchen."
    assert assess(text).decision is Decision.REVIEW


@pytest.mark.parametrize("kind", ["account", "page", "group", "channel", "hologram"])
def test_a_whole_account_or_an_unknown_kind_is_reviewed(kind: str) -> None:
    assert assess(ADVERT, kind=kind).decision is Decision.REVIEW
    assert assess("Happy birthday to my little brother", kind=kind).decision is Decision.REVIEW


@pytest.mark.parametrize("text", ["", "   \n", "\u200b\u202e", "🚤🇫🇷🇬🇧", "12345", "?!", "ꙮ" * 50])
def test_a_text_that_says_nothing_readable_is_reviewed(text: str) -> None:
    result = assess(text)
    assert result.decision is Decision.REVIEW
    assert result.warnings


def test_a_text_that_was_cut_is_reviewed_and_says_so() -> None:
    result = assess(f"{ADVERT} {'x ' * 10_000}")
    assert result.decision is Decision.REVIEW
    assert "the text was cut to 20000 characters" in result.warnings


def test_clear_non_adverts_are_suggested_for_rejection_only() -> None:
    text = "Police said smugglers advertise boat crossings to the UK with 'kids go free'."
    assert assess(text).decision is Decision.SUGGEST_REJECT


@pytest.mark.parametrize(
    "text",
    [
        f'BBC News: a smuggler posted "{ADVERT}", a court heard.',
        f"Do not believe posts like this one, people drowned: {ADVERT}",
        f"In our study of 300 posts a typical example reads: “{ADVERT}”. Findings follow.",
        f"Satire: {ADVERT} 😂 #parody",
        f"Is this real? does anyone know? {ADVERT}",
    ],
)
def test_an_advert_that_others_quote_is_not_referred(text: str) -> None:
    assert assess(text).decision is not Decision.REFER
