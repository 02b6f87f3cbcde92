"""The words of classification: what goes into an engine and what comes out. Plain Python."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final, NamedTuple, Protocol

MAX_TEXT: Final = 20_000


class Label(StrEnum):
    """The probability cut at one half."""

    SMUGGLING_ADVERT = "SMUGGLING_ADVERT"
    NOT_ADVERT = "NOT_ADVERT"


class SpeechAct(StrEnum):
    """What the author does with the text. Only an OFFER may be referred without a person."""

    OFFER = "OFFER"
    SOLICITATION = "SOLICITATION"
    INFORMATION = "INFORMATION"
    TESTIMONY = "TESTIMONY"
    REPORTING = "REPORTING"
    RESCUE = "RESCUE"
    ACADEMIC = "ACADEMIC"
    SATIRE = "SATIRE"
    GOVERNMENT_WARNING = "GOVERNMENT_WARNING"
    UNKNOWN = "UNKNOWN"


class Category(StrEnum):
    """What is offered."""

    SMALL_BOAT_CROSSING = "small_boat_crossing"
    LORRY_OR_VEHICLE = "lorry_or_vehicle"
    AIR_OR_FERRY_FALSE_DOCUMENT_TRAVEL = "air_or_ferry_false_document_travel"
    FALSE_DOCUMENTS = "false_documents"
    SHAM_MARRIAGE_OR_FRAUDULENT_STATUS = "sham_marriage_or_fraudulent_status"
    ILLEGAL_WORK_OFFER = "illegal_work_offer"
    RECRUITMENT_OF_FACILITATORS = "recruitment_of_facilitators"
    PAYMENT_OR_HAWALA_GUARANTOR = "payment_or_hawala_guarantor"
    TESTIMONIAL_PROMOTION = "testimonial_promotion"


class Hook(StrEnum):
    """What makes the offer attractive."""

    GROUP_DISCOUNT = "group_discount"
    CHILD_FREE = "child_free"
    GUARANTEE = "guarantee"
    PAY_ON_ARRIVAL = "pay_on_arrival"
    REFER_A_FRIEND = "refer_a_friend"
    DEPARTURE_DATE = "departure_date"
    PRICE = "price"
    SEASONAL_SALE = "seasonal_sale"
    PACKAGE_TIER = "package_tier"


class Decision(StrEnum):
    """What the assessment suggests; a rejection is always a person's."""

    REFER = "refer"
    REVIEW = "review"
    SUGGEST_REJECT = "suggest_reject"


class EntityKind(StrEnum):
    PHONE = "phone"
    HANDLE = "handle"
    MESSAGING_MOVE = "messaging_move"
    PRICE = "price"
    DATE = "date"
    DEPARTURE_TIME = "departure_time"
    URL = "url"
    PLACE = "place"


@dataclass(frozen=True, slots=True)
class AssessmentInput:
    """One text to assess.

    ``kind`` is a content kind in lower case (post, video, account, ...) or empty. ``now`` is
    the instant that "tonight" is relative to: aware; its zone is taken for the text's own.
    ``picture_text`` was read in pictures beside the text, ``unread_pictures`` says that there
    are some that could not be read.
    """

    id: str
    text: str
    now: datetime
    language_hint: str = ""
    platform: str = ""
    kind: str = ""
    picture_text: str = ""
    unread_pictures: bool = False

    @property
    def whole(self) -> str:
        """What is assessed, and what offsets count: the text, a line break, the pictures' text."""
        return f"{self.text}\n{self.picture_text}" if self.picture_text else self.text


# Of these a text has many: made as tuples they take a third of the time of frozen classes.
class LanguageGuess(NamedTuple):
    """``code``: en, fr, tr, ar, sq, vi, fa, prs, ckb, ps, ... ; ``confidence`` from 0 to 1."""

    code: str
    confidence: float


class Entity(NamedTuple):
    """Something named in the text; ``start`` and ``end`` count characters of the original."""

    kind: EntityKind
    value: str
    start: int
    end: int
    resolved: datetime | None = None


class Signal(NamedTuple):
    """One rule that matched the original characters ``start`` to ``end``.

    ``supports`` is a category, a hook or a speech act in lower snake case. A negative weight
    speaks against an advert.
    """

    rule_id: str
    supports: str
    language: str
    start: int
    end: int
    weight: float

    @property
    def concept(self) -> str:
        """What was said; the rest of ``rule_id`` is the language that it was said in."""
        return self.rule_id.partition(".")[0]


class Match(StrEnum):
    """By what content was found to be known."""

    EXACT_TEXT = "EXACT_TEXT"
    NEAR_TEXT = "NEAR_TEXT"
    PICTURE = "PICTURE"


class Verdict(StrEnum):
    """What is held of content that was decided on before. NOT_ADVERT: never without a person."""

    ADVERT = "ADVERT"
    NOT_ADVERT = "NOT_ADVERT"
    UNDECIDED = "UNDECIDED"


@dataclass(frozen=True, slots=True)
class KnownContent:
    """Content that was decided on before and is the same or nearly so.

    ``similarity`` is from 0 to 1; ``words`` counts those of the text, 0 for a picture;
    ``provenance`` is a SignalProvenance without its prefix.
    """

    signal_id: str
    match: Match
    similarity: float
    verdict: Verdict
    provenance: str
    decide_time: datetime | None
    words: int = 0


@dataclass(frozen=True, slots=True)
class AssessmentResult:
    """What an engine says of one text. ``explanation`` is English for a caseworker.

    ``doubtful``: the policy sends it to a person whatever the scores (its target is a whole
    account, its language is not read well, the text is missing or cut). ``known_content`` is the
    signal bank's, not an engine's.
    """

    id: str
    probability: float
    label: Label
    speech_act: SpeechAct
    categories: tuple[Category, ...]
    hooks: tuple[Hook, ...]
    languages: tuple[LanguageGuess, ...]
    entities: tuple[Entity, ...]
    signals: tuple[Signal, ...]
    explanation: tuple[str, ...]
    decision: Decision
    model_version: str
    departure_time: datetime | None
    warnings: tuple[str, ...]
    doubtful: bool = False
    known_content: tuple[KnownContent, ...] = ()


@dataclass(frozen=True, slots=True)
class EngineDescription:
    """What an engine is: ``engine`` is rules, fast or cascade; ``data_sha256`` in hexadecimal."""

    model_version: str
    engine: str
    languages: tuple[str, ...]
    data_sha256: str
    rule_count: int
    policy: Mapping[str, str]


class Engine(Protocol):
    """The seam behind which rules and, later, trained models stand.

    ``assess`` is pure and safe to call from several threads, never raises for any text, and
    never answers ``refer`` where it is in doubt.
    """

    @property
    def version(self) -> str:
        """Changes whenever the same text could be assessed differently."""

    def assess(self, item: AssessmentInput) -> AssessmentResult:
        """Assess one text; what could not be done stands in ``warnings``."""

    def assess_all(self, items: Sequence[AssessmentInput]) -> list[AssessmentResult]:
        """Each as ``assess`` would, in order, in less time."""

    def entities(self, item: AssessmentInput) -> tuple[Entity, ...]:
        """What is named in a text, as ``assess`` reads it, without assessing it."""

    def describe(self) -> EngineDescription:
        """Version, languages, digest of the data, and the policy in force."""
