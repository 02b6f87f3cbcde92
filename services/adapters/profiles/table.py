"""What a profile says. Data only; a rule that a profile does not give fails closed."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
from enum import StrEnum
from typing import Final

HOUR: Final = timedelta(hours=1)
MINUTE: Final = timedelta(minutes=1)
DAY: Final = timedelta(days=1)


class Answers(StrEnum):
    """How a platform's answers reach us."""

    WEBHOOK = "webhook"
    POLL = "poll"


class Confirmation(StrEnum):
    CLAIM_AND_OBSERVATION = "CLAIM_AND_OBSERVATION"
    OBSERVATION_ONLY = "OBSERVATION_ONLY"
    CLAIM_ONLY = "CLAIM_ONLY"


@dataclass(frozen=True)
class Policy:
    """Deadlines and cadence, unscaled. Defaults: docs/lifecycle.md, Deadlines and cadence."""

    acknowledgement: timedelta = 24 * HOUR
    acknowledgement_urgent: timedelta = HOUR
    decision: timedelta = 48 * HOUR
    decision_urgent: timedelta = 4 * HOUR
    renotice_interval: timedelta = 24 * HOUR
    renotice_limit: int = 5
    delivery_patience: timedelta = 72 * HOUR
    observation_cadence: tuple[timedelta, ...] = (
        5 * MINUTE, 15 * MINUTE, HOUR, 6 * HOUR, DAY,
    )  # fmt: skip
    claim_grace: timedelta = 30 * MINUTE
    quorum: int = 2
    quorum_spacing: timedelta = 2 * MINUTE
    monitoring_window: timedelta = 7 * DAY
    monitoring_cadence: timedelta = DAY
    confirmation: Confirmation = Confirmation.CLAIM_AND_OBSERVATION
    contradiction_patience: timedelta = 6 * HOUR


@dataclass(frozen=True)
class Profile:
    """One platform.

    Attributes:
        terms: the platform's own name of the rule that each ground breaks.
        kinds: what it takes notices about; anything else is refused before sending.
        version: changes with the data, so that a notice names the rules it was made by.
    """

    platform: str
    display_name: str
    version: str
    answers: Answers
    kinds: frozenset[str]
    terms: dict[str, str]
    policy: Policy = field(default_factory=Policy)
    poll_interval: timedelta = 15 * MINUTE
