"""The decision policy: pure, over the scores and what is known of the text and its target."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Final

from services.classification.domain import (
    AssessmentInput,
    AssessmentResult,
    Decision,
    LanguageGuess,
)
from services.classification.explain import conclusion
from services.classification.language import UNKNOWN
from services.classification.rules import Policy
from services.classification.scoring import Scores

_READ_IN_A_PICTURE: Final = "What makes the offer clear was read in a picture, and reading errs."
_UNREAD: Final = "The text is clearly no advert, but a picture could not be read."


def decide(
    policy: Policy, scores: Scores, languages: Sequence[LanguageGuess], kind: str, complete: bool
) -> tuple[Decision, str]:
    """The suggestion and, in one sentence, why. Doubt of any kind is a person's to settle.

    ``complete`` is false when the text is empty or was cut.
    """
    found = doubt(policy, languages, kind, complete)
    if found:
        return Decision.REVIEW, found
    refuses = _refuses_refer(policy, scores)
    if not refuses:
        return Decision.REFER, "The offer is clear and nothing speaks against it."
    if (
        scores.probability <= policy.reject_probability
        and scores.speech_act in policy.reject_speech_acts
    ):
        return Decision.SUGGEST_REJECT, "It is clearly no advert."
    return Decision.REVIEW, refuses


def with_pictures(
    items: Sequence[AssessmentInput],
    assess: Callable[[Sequence[AssessmentInput]], list[AssessmentResult]],
) -> list[AssessmentResult]:
    """What ``assess`` says of each text and its pictures, as far as pictures may decide.

    Words read in a picture never bring about a referral: only what would be referred by its text
    alone is. What nobody has read is no ground for a rejection.
    """
    results = zip(items, assess(items), strict=True)
    return [_as_seen(item, result, assess) for item, result in results]


def _as_seen(
    item: AssessmentInput,
    result: AssessmentResult,
    assess: Callable[[Sequence[AssessmentInput]], list[AssessmentResult]],
) -> AssessmentResult:
    if result.decision is Decision.REFER and item.picture_text:
        [alone] = assess([replace(item, picture_text="")])
        if alone.decision is not Decision.REFER:
            return _reviewed(result, _READ_IN_A_PICTURE)
    if result.decision is Decision.SUGGEST_REJECT and item.unread_pictures:
        return _reviewed(result, _UNREAD)
    return result


def _reviewed(result: AssessmentResult, why: str) -> AssessmentResult:
    """A person's, with ``why`` in the place of the sentence that said otherwise."""
    told = (*result.explanation[:-1], conclusion(Decision.REVIEW, why))
    return replace(result, decision=Decision.REVIEW, explanation=told)


def doubt(policy: Policy, languages: Sequence[LanguageGuess], kind: str, complete: bool) -> str:
    """Why it is a person's to settle, whatever the scores; empty when nothing is doubtful."""
    if not complete:
        return "The text is missing or too long to be read whole."
    if kind in policy.review_kinds:
        return f"The target is a whole {kind}."
    if kind and kind not in policy.known_kinds:
        return "The kind of content is not known."
    if not languages or languages[0].code == UNKNOWN:
        return "The language is not known."
    sure = sum(g.confidence for g in languages if g.code in policy.well_read_languages)
    if sure < policy.language_confidence:
        return "The language is not one that the rules are sure of."
    return ""


def _refuses_refer(policy: Policy, scores: Scores) -> str:
    """Why the text may not be referred without a person; empty when it may."""
    refusals = (
        (scores.speech_act not in policy.refer_speech_acts, "It is not clearly an offer."),
        (
            scores.probability < policy.refer_probability,
            "The score is not high enough to refer without a person.",
        ),
        (scores.offer_act < policy.refer_offer_act, "It may be something else than an offer."),
        (
            scores.against > policy.refer_against_at_most,
            "Some words speak for protected speech or a lawful service.",
        ),
        (policy.refer_needs_category and not scores.categories, "What is offered is not clear."),
        (
            policy.refer_needs_subject and not scores.subject,
            "No word that the rules know names a journey, a way, a place or papers.",
        ),
    )
    return next((why for refuses, why in refusals if refuses), "")
