"""Promises about what a match may do: every row of docs/decisions/0021."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.classification.bank import matching, numbers
from services.classification.domain import (
    AssessmentResult,
    Decision,
    KnownContent,
    Label,
    LanguageGuess,
    Match,
    SpeechAct,
    Verdict,
)

OFFER = AssessmentResult(
    id="1",
    probability=0.7,
    label=Label.SMUGGLING_ADVERT,
    speech_act=SpeechAct.OFFER,
    categories=(),
    hooks=(),
    languages=(LanguageGuess("en", 1.0),),
    entities=(),
    signals=(),
    explanation=("It is not clearly an offer.",),
    decision=Decision.REVIEW,
    model_version="m",
    departure_time=None,
    warnings=(),
)
CLEAR = replace(OFFER, probability=0.97, decision=Decision.REFER)


def known(
    verdict: Verdict, match: Match = Match.NEAR_TEXT, similarity: float = 0.95, words: int = 12
) -> KnownContent:
    return KnownContent(
        f"{verdict}{match}{similarity}", match, similarity, verdict, "REVIEW",
        datetime(2026, 1, 1, tzinfo=UTC), words,
    )  # fmt: skip


ADVERT, NEGATIVE = known(Verdict.ADVERT), known(Verdict.NOT_ADVERT)
MATCHES = st.lists(
    st.builds(
        known,
        st.sampled_from(Verdict),
        st.sampled_from(Match),
        st.floats(0.9, 1.0),
        st.integers(0, 40),
    ),
    max_size=30,
)
RESULTS = st.builds(
    lambda decision, act, probability, doubtful, warnings: replace(
        OFFER, decision=decision, speech_act=act, probability=probability, doubtful=doubtful,
        warnings=warnings,
    ),
    st.sampled_from(Decision), st.sampled_from(SpeechAct), st.floats(0, 1), st.booleans(),
    st.sampled_from([(), ("the text was cut",)]),
)  # fmt: skip
KINDS = st.sampled_from(["", "post", "video", "account", "page", "group", "channel"])


def test_what_is_not_known_is_left_alone() -> None:
    assert matching.applied(CLEAR, [], "post") is CLEAR
    assert matching.applied(CLEAR, [known(Verdict.UNDECIDED)], "post") is CLEAR


@pytest.mark.parametrize("match", [Match.EXACT_TEXT, Match.NEAR_TEXT])
def test_what_was_judged_no_advert_goes_to_a_person(match: Match) -> None:
    found = matching.applied(CLEAR, [known(Verdict.NOT_ADVERT, match, words=3)], "post")
    assert found.decision is Decision.REVIEW
    assert found.explanation[-1].startswith("A person must decide.")
    assert "no advert before" in found.explanation[-1]
    assert found.known_content[0].verdict is Verdict.NOT_ADVERT


def test_a_known_advert_that_the_engine_takes_for_an_offer_is_referred() -> None:
    found = matching.applied(OFFER, [ADVERT], "post")
    assert found.decision is Decision.REFER
    assert found.explanation[-1].startswith("Suggested decision: refer.")
    assert "an advert before" in found.explanation[-1]
    assert found.known_content == (ADVERT,)


@pytest.mark.parametrize(
    ("result", "matches", "kind"),
    [
        (replace(OFFER, speech_act=SpeechAct.REPORTING), [ADVERT], "post"),
        (replace(OFFER, probability=0.5), [ADVERT], "post"),
        (replace(OFFER, doubtful=True), [ADVERT], "post"),
        (replace(OFFER, warnings=("the text was cut",)), [ADVERT], "post"),
        (OFFER, [ADVERT], "account"),
        (OFFER, [ADVERT], "page"),
        (OFFER, [ADVERT], "group"),
        (OFFER, [ADVERT, NEGATIVE], "post"),
        (OFFER, [known(Verdict.ADVERT, Match.EXACT_TEXT, 1.0, words=7)], "post"),
        (OFFER, [known(Verdict.ADVERT, Match.PICTURE, 1.0)], "post"),
        (OFFER, [known(Verdict.UNDECIDED)], "post"),
    ],
    ids=["no offer", "as likely as not", "doubtful", "cut", "account", "page", "group",
         "no advert too", "short", "picture", "undecided"],
)  # fmt: skip
def test_a_known_advert_is_a_persons_where_anything_speaks_for_one(
    result: AssessmentResult, matches: list[KnownContent], kind: str
) -> None:
    assert matching.applied(result, matches, kind).decision is Decision.REVIEW


def test_what_was_read_in_a_picture_never_brings_about_a_referral() -> None:
    assert matching.applied(OFFER, [ADVERT], "post", alone=False).decision is Decision.REVIEW
    assert matching.applied(CLEAR, [ADVERT], "post", alone=False).decision is Decision.REFER


@pytest.mark.parametrize("verdict", [Verdict.ADVERT, Verdict.NOT_ADVERT])
@pytest.mark.parametrize("result", [CLEAR, OFFER, replace(OFFER, decision=Decision.SUGGEST_REJECT)])
def test_a_picture_decides_nothing_and_is_told(result: AssessmentResult, verdict: Verdict) -> None:
    found = matching.applied(result, [known(verdict, Match.PICTURE)], "post")
    assert found.decision is result.decision
    assert any("picture" in sentence for sentence in found.explanation)


def test_a_match_never_suggests_to_reject_and_never_takes_that_back() -> None:
    unlikely = replace(OFFER, decision=Decision.SUGGEST_REJECT, probability=0.6)
    for matches in ([ADVERT], [NEGATIVE], [ADVERT, NEGATIVE]):
        assert matching.applied(unlikely, matches, "post").decision is Decision.SUGGEST_REJECT


@given(RESULTS, MATCHES, KINDS)
def test_nothing_that_was_judged_no_advert_is_ever_referred(
    result: AssessmentResult, matches: list[KnownContent], kind: str
) -> None:
    text = known(Verdict.NOT_ADVERT)
    for place in (0, len(matches)):
        found = matching.applied(result, [*matches[:place], text, *matches[place:]], kind)
        assert found.decision is not Decision.REFER
        assert any(one.verdict is Verdict.NOT_ADVERT for one in found.known_content)


@given(RESULTS, MATCHES, KINDS)
def test_only_a_review_is_raised_and_only_a_referral_lowered(
    result: AssessmentResult, matches: list[KnownContent], kind: str
) -> None:
    found = matching.applied(result, matches, kind)
    assert len(found.known_content) <= numbers.SHOWN
    if found.decision is result.decision:
        return
    if found.decision is Decision.REFER:
        assert result.decision is Decision.REVIEW
        assert result.speech_act is SpeechAct.OFFER
        assert result.probability > 0.5
        assert not result.doubtful
        assert kind not in ("account", "page", "group")
    else:
        assert (result.decision, found.decision) == (Decision.REFER, Decision.REVIEW)


@given(RESULTS)
def test_a_bank_that_is_away_refers_nothing_and_says_so(result: AssessmentResult) -> None:
    found = matching.unasked(result)
    assert found.decision is not Decision.REFER
    assert matching.UNASKED in found.warnings
    if result.decision is not Decision.REFER:
        assert found.decision is result.decision
