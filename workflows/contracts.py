"""Names and payloads that cross into Temporal. A leaf: imports nothing of the project.

Payloads are frozen dataclasses, one argument each; the goldens in ``tests/replay`` guard
them. They carry ids, enumerations and times, never content: no URL, handle, text or phone
number may stand in a Temporal history. Durations are seconds; instants are ISO 8601 in UTC.

Annotations are evaluated here, once: as text the converter would evaluate them again for each
payload, seven times as long.
"""

from dataclasses import dataclass, field
from typing import Any, Final

WORKFLOW: Final = "ReferralWorkflow"
REFERRALS_QUEUE: Final = "referrals"
OBSERVATION_QUEUE: Final = "observation"
NOTIFICATIONS_QUEUE: Final = "notifications"

# What a workflow started now does; an older run keeps to what its version did
# (docs/decisions/0015-versions-of-the-workflow.md).
VERSION: Final = 3

UPDATE_DELIVER: Final = "deliver"
SIGNAL_DELIVER: Final = "deliver_by_signal"

# What an inbox item is; the payload's protobuf type follows from it.
KIND_REFERRAL_ACCEPTED: Final = "referral.accepted"  # takedown.referral.v1.Referral, bare
KIND_REVIEW_DECIDED: Final = "review.decided"  # takedown.referral.v1.ReviewDecidedDetail
KIND_WITHDRAWAL_REQUESTED: Final = "withdrawal.requested"  # takedown.referral.v1.SubmissionDetail
KIND_URGENCY_RAISED: Final = "urgency.raised"  # takedown.referral.v1.Referral, bare
KIND_HOLD_PLACED: Final = "hold.placed"  # takedown.referral.v1.HoldDetail
KIND_HOLD_RELEASED: Final = "hold.released"  # takedown.referral.v1.HoldEndedDetail
# takedown.referral.v1.ClarificationAnsweredDetail without the answer's words
KIND_CLARIFICATION_ANSWERED: Final = "clarification.answered"
KIND_ESCALATION_REQUESTED: Final = "escalation.requested"  # takedown.referral.v1.EscalatedDetail
KIND_RECONCILIATION: Final = "reconciliation.requested"  # takedown.intake.v1.Reconciliation
KIND_PLATFORM_EVENT: Final = "platform.event"  # takedown.referral.v1.PlatformEvent

# What the workflow answers to a delivery.
ANSWER_ACCEPTED: Final = "accepted"
ANSWER_REPEATED: Final = "repeated"

ACTIVITY_ASSESS: Final = "assess_referral"
ACTIVITY_APPEND_EVENTS: Final = "append_events"
ACTIVITY_RESOLVE_LINK: Final = "resolve_short_link"
ACTIVITY_LOOK_FIRST: Final = "look_first"
ACTIVITY_SUBMIT_NOTICE: Final = "submit_notice"
ACTIVITY_WITHDRAW_NOTICE: Final = "withdraw_notice"
ACTIVITY_OBSERVE: Final = "observe"
ACTIVITY_ANSWER_CLARIFICATION: Final = "answer_clarification"
ACTIVITY_REMIND: Final = "remind"

# Types of ApplicationError that activities raise and the workflow understands.
ERROR_REFUSED: Final = "NoticeRefused"  # the adapter will never send this notice
ERROR_NOT_YET: Final = "QuorumNotYet"  # benign: one more observation is needed


def platform_queue(platform: str) -> str:
    """The activity queue of one platform; pausing it is that platform's circuit breaker."""
    return f"platform.{platform}"


def workflow_id(referral_id: str) -> str:
    """Opaque on purpose: the id must say nothing about the content."""
    return f"referral/{referral_id}"


@dataclass(frozen=True)
class PlatformPolicy:
    """Deadlines and cadence of one platform in unscaled seconds (docs/lifecycle.md)."""

    acknowledgement: float = 24 * 3600.0
    acknowledgement_urgent: float = 3600.0
    decision: float = 48 * 3600.0
    decision_urgent: float = 4 * 3600.0
    renotice_interval: float = 24 * 3600.0
    renotice_limit: int = 5
    delivery_patience: float = 72 * 3600.0
    observation_cadence: tuple[float, ...] = (300.0, 900.0, 3600.0, 21600.0, 86400.0)
    claim_grace: float = 1800.0
    quorum: int = 2
    quorum_spacing: float = 120.0
    monitoring_window: float = 7 * 86400.0
    monitoring_cadence: float = 86400.0
    confirmation: str = "CLAIM_AND_OBSERVATION"
    contradiction_patience: float = 6 * 3600.0


@dataclass(frozen=True)
class StartReferral:
    """Starts a workflow. ``carried`` is the progress of the run before, as plain data."""

    referral_id: str
    platform: str
    kind: str
    urgency: str
    departure_time: str = ""
    test: bool = False
    time_scale: float = 1.0
    carried: dict[str, Any] | None = None
    version: int = 1
    # A hold that came with the submission: its expiry and its reason's enum name.
    hold_until: str = ""
    hold_reason: str = ""
    # Bank holidays of England and Wales around the start, ISO dates: a workflow looks nothing up.
    bank_holidays: tuple[str, ...] = ()
    # Continue as new after so many steps; 0: only when the server suggests it.
    steps_per_run: int = 0


@dataclass(frozen=True)
class PlatformAnswer:
    """The facts of a platform event; the platform's words stay in the record."""

    event_id: str
    type: str
    occurred_at: str
    notice_id: str = ""
    platform_reference: str = ""
    decision: str = ""
    decline_reason: str = ""
    visibility: str = ""
    account_action: str = ""
    countries: tuple[str, ...] = ()


@dataclass(frozen=True)
class Command:
    """A person's decision. ``value`` is the enum name that belongs to the kind.

    ``until`` is a hold's expiry; ``subject`` the id of the clarification that is answered.
    """

    actor: str
    value: str = ""
    reason: str = ""
    departure_time: str = ""
    until: str = ""
    subject: str = ""


@dataclass(frozen=True)
class Delivery:
    """One inbox item on its way into a workflow; item_id is also the update's id."""

    item_id: str
    kind: str
    answer: PlatformAnswer | None = None
    command: Command | None = None


@dataclass(frozen=True)
class EventRecord:
    """One event for the record. ``detail`` is the protobuf JSON of the oneof ``detail_kind``."""

    key: str
    type: str
    state: str
    occurred_at: str
    actor: str = ""
    detail_kind: str = ""
    detail: dict[str, Any] = field(default_factory=dict)
    # The state before it: where the record goes on when it holds what never happened.
    before: str = ""


@dataclass(frozen=True)
class AppendRequest:
    referral_id: str
    events: list[EventRecord]


@dataclass(frozen=True)
class AppendResult:
    """``outcome`` as the record has it: what is closed there is closed."""

    last_sequence: int
    outcome: str = ""


@dataclass(frozen=True)
class ResolveRequest:
    """The target is appended under ``event_key`` by the activity itself: it holds a URL."""

    referral_id: str
    event_key: str


@dataclass(frozen=True)
class ResolvedLink:
    """What the record found of a short link's target; all empty when it leads nowhere."""

    kind: str = ""
    duplicate_of: str = ""
    refused_reason: str = ""


@dataclass(frozen=True)
class AssessRequest:
    """The assessment is appended under ``event_key`` by the activity itself: it holds content."""

    referral_id: str
    event_key: str


@dataclass(frozen=True)
class AssessmentFacts:
    probability: float
    speech_act: str
    decision: str
    model_version: str
    warnings: tuple[str, ...] = ()
    # A departure that the text names, resolved; proposed to people, never acted on by itself.
    departure_time: str = ""


@dataclass(frozen=True)
class ObserveRequest:
    """One look, or as many as ``quorum`` asks for, ``spacing`` seconds apart (scaled)."""

    referral_id: str
    series: str
    purpose: str
    quorum: int
    spacing: float


@dataclass(frozen=True)
class ObservationFacts:
    observation_id: str
    availability: str
    visible: str
    counts_as_gone: bool
    observed_at: str
    detail: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class ObserveResult:
    """``observations`` are oldest first; ``gone`` only when the quorum agrees."""

    gone: bool
    observations: list[ObservationFacts]
    capture: dict[str, Any] | None = None


@dataclass(frozen=True)
class NoticeRequest:
    referral_id: str
    notice_id: str
    number: int
    prepared_at: str
    test: bool


@dataclass(frozen=True)
class NoticeResult:
    detail: dict[str, Any]
    policy: PlatformPolicy


@dataclass(frozen=True)
class WithdrawRequest:
    notice_id: str
    platform: str


@dataclass(frozen=True)
class ClarificationRequest:
    """The answer's words are read from the record by the activity itself."""

    referral_id: str
    notice_id: str
    platform: str
    clarification_id: str


@dataclass(frozen=True)
class RemindRequest:
    """A reminder to a named contact. ``key`` makes it one message, however often it is tried."""

    referral_id: str
    key: str
    level: str
    deadline: str
    platform: str
    state: str
    urgency: str
    notice_number: int
    test: bool


@dataclass(frozen=True)
class RemindResult:
    channel: str
