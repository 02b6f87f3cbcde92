"""What a caseworker reads: which words, in which language, and what follows from them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Final

from services.classification.domain import Decision, LanguageGuess, Signal, SpeechAct
from services.classification.language import UNKNOWN
from services.classification.rules import Concept
from services.classification.scoring import Scores

_SHOWN: Final = 8
_LONGEST_QUOTE: Final = 80
_ACTS: Final[Mapping[SpeechAct, str]] = {
    SpeechAct.OFFER: "It reads as an offer.",
    SpeechAct.SOLICITATION: "It reads as a question or a request for help, not as an offer.",
    SpeechAct.INFORMATION: "It reads as information, a warning or a lawful service.",
    SpeechAct.TESTIMONY: "It reads as somebody's account of a journey.",
    SpeechAct.REPORTING: "It reads as reporting about smuggling.",
    SpeechAct.RESCUE: "It reads as being about a rescue.",
    SpeechAct.ACADEMIC: "It reads as research or teaching.",
    SpeechAct.SATIRE: "It reads as a joke or fiction.",
    SpeechAct.GOVERNMENT_WARNING: "It reads as an authority's statement.",
    SpeechAct.UNKNOWN: "It cannot be told what the author does with the text.",
}
_DECISIONS: Final[Mapping[Decision, str]] = {
    Decision.REFER: "Suggested decision: refer.",
    Decision.REVIEW: "A person must decide.",
    Decision.SUGGEST_REJECT: "Suggested decision: reject. A person confirms it.",
}


def explain(
    original: str,
    scores: Scores,
    signals: Sequence[Signal],
    guesses: Sequence[LanguageGuess],
    concepts: Mapping[str, Concept],
    name: Callable[[str], str],
    outcome: tuple[Decision, str],
    departure: datetime | None,
) -> tuple[str, ...]:
    """English sentences, the most telling first; ``outcome`` is the decision and its reason."""
    sentences = [_languages(guesses, name)]
    sentences += _signals(original, signals, concepts, name)
    if departure is not None:
        sentences.append(f"A departure is announced for {departure:%A %d %B %Y, %H:%M}.")
    sentences.append(
        f"{_ACTS[scores.speech_act]} The probability that it is a smuggling advert is "
        f"{scores.probability:.0%}."
    )
    sentences.append(conclusion(*outcome))
    return tuple(sentences)


def conclusion(decision: Decision, reason: str) -> str:
    """The last sentence: what is suggested, and why."""
    return f"{_DECISIONS[decision]} {reason}".strip()


def _languages(guesses: Sequence[LanguageGuess], name: Callable[[str], str]) -> str:
    known = [guess for guess in guesses if guess.code != UNKNOWN]
    if not known:
        return "The language could not be told."
    first = f"The text is in {name(known[0].code)} (confidence {known[0].confidence:.0%})"
    others = [name(guess.code) for guess in known[1:] if guess.confidence >= 0.2]  # noqa: PLR2004
    return f"{first}, with {' and '.join(others)}." if others else f"{first}."


def _signals(
    original: str,
    signals: Sequence[Signal],
    concepts: Mapping[str, Concept],
    name: Callable[[str], str],
) -> list[str]:
    """One sentence per concept; the places of departure and arrival only where little else is."""
    told: dict[str, Signal] = {}
    for signal in signals:
        told.setdefault(signal.concept, signal)
    ranked = sorted(told.items(), key=lambda item: (-_telling(concepts[item[0]]), item[1].start))
    return [
        f"“{_quote(original, signal)}” ({name(signal.language)}) {concepts[concept].says}."
        for concept, signal in ranked[:_SHOWN]
    ]


def _telling(concept: Concept) -> float:
    return (
        abs(concept.weight)
        if concept.role in ("offer", "against")
        else (1.3 if concept.role == "service" else 0.2)
    )


def _quote(original: str, signal: Signal) -> str:
    words = " ".join(original[signal.start : signal.end].split())
    return words if len(words) <= _LONGEST_QUOTE else f"{words[: _LONGEST_QUOTE - 1]}…"
