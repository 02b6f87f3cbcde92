"""Whether two texts are nearly the same, and what a match may do to an assessment. Pure.

The rules stand in docs/decisions/0021-known-content-as-statements.md, "What a match may do".
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Final

from rapidfuzz.distance import Levenshtein

from services.classification.bank.numbers import FEWEST_WORDS, NEAR, SHOWN
from services.classification.domain import (
    AssessmentResult,
    Decision,
    KnownContent,
    Match,
    SpeechAct,
    Verdict,
)
from services.classification.explain import conclusion

UNASKED: Final = "known content could not be asked"
_HALF: Final = 0.5
# What names a whole place is never referred because of one text.
_WHOLE: Final = frozenset({"account", "page", "group"})
_TEXTS: Final = frozenset({Match.EXACT_TEXT, Match.NEAR_TEXT})
_BLOCKED: Final = "This text, or nearly this text, was judged to be no advert before."
_RAISED: Final = "This text, or nearly this text, was judged to be an advert before."
_PICTURE: Final = "A picture like this one was decided on before."
_MISSING: Final = "Whether it was judged to be no advert before is not known just now."


def similarity(a: Sequence[int], b: Sequence[int]) -> float:
    """How alike two whole texts are, by their words in order: 1 less the share of edits.

    0.0 for what is less than nearly the same: only 0.9 and more is worked out.
    """
    return Levenshtein.normalized_similarity(a, b, score_cutoff=NEAR)


def could_match(a: int, b: int) -> bool:
    """Whether texts of so many words can be nearly the same at all."""
    return min(a, b) >= NEAR * max(a, b)


def applied(
    result: AssessmentResult, known: Iterable[KnownContent], kind: str, *, alone: bool = True
) -> AssessmentResult:
    """``result`` with what is known of the content, and with what that changes.

    ``kind`` is the target's content kind in lower case; ``alone``: the engine read the text and
    no picture beside it, and none is left unread. A match never turns anything into a
    suggestion to reject, and a picture decides nothing.
    """
    matches = _in_order(known)
    if not matches:
        return result
    decision, reason = _decided(result, matches, _may_be_raised(result, kind) and alone)
    pictures = any(found.match is Match.PICTURE for found in matches)
    told = _told(result, decision, reason, _PICTURE if pictures else "")
    return replace(result, decision=decision, explanation=told, known_content=matches[:SHOWN])


def unasked(result: AssessmentResult) -> AssessmentResult:
    """``result`` when the bank did not answer: what would have forbidden it is not known."""
    decision = Decision.REVIEW if result.decision is Decision.REFER else result.decision
    return replace(
        result,
        decision=decision,
        explanation=_told(result, decision, _MISSING),
        warnings=(*result.warnings, UNASKED),
    )


def _told(result: AssessmentResult, decision: Decision, reason: str, *more: str) -> tuple[str, ...]:
    """The explanation, whose last sentence says what is suggested and why."""
    *before, last = result.explanation
    if decision is result.decision:
        sentences = [*before, reason, *more, last]
    else:
        sentences = [*before, *more, conclusion(decision, reason)]
    return tuple(sentence for sentence in sentences if sentence)


def _decided(
    result: AssessmentResult, matches: Sequence[KnownContent], may_be_raised: bool
) -> tuple[Decision, str]:
    """The decision, and what the texts say; "" for pictures alone."""
    texts = [found for found in matches if found.match in _TEXTS]
    if any(found.verdict is Verdict.NOT_ADVERT for found in texts):
        refers = result.decision is Decision.REFER
        return (Decision.REVIEW if refers else result.decision), _BLOCKED
    long = [f for f in texts if f.verdict is Verdict.ADVERT and f.words >= FEWEST_WORDS]
    if not long:
        return result.decision, ""
    if result.decision is Decision.REVIEW and may_be_raised:
        return Decision.REFER, _RAISED
    return result.decision, _RAISED


def _may_be_raised(result: AssessmentResult, kind: str) -> bool:
    """Whether the engine itself takes it for an offer, and nothing else speaks for a person."""
    return (
        result.speech_act is SpeechAct.OFFER
        and result.probability > _HALF
        and kind not in _WHOLE
        and not result.doubtful
        and not result.warnings
    )


def _in_order(known: Iterable[KnownContent]) -> tuple[KnownContent, ...]:
    """What forbids first, then by likeness: what is not shown is never the reason."""

    def rank(found: KnownContent) -> tuple[bool, bool, float, str]:
        forbids = found.verdict is Verdict.NOT_ADVERT
        picture = found.match is Match.PICTURE
        return not forbids, picture, -found.similarity, found.signal_id

    decided = (found for found in known if found.verdict is not Verdict.UNDECIDED)
    return tuple(sorted(decided, key=rank))
