"""Names and payloads of the sweeps: reconciliation, and the feeding of the signal bank. A leaf.

The rules of ``contracts`` hold: frozen dataclasses, ids, enumerations and times, never content;
durations are seconds, instants are ISO 8601 in UTC. Annotations are evaluated here, once.
"""

from dataclasses import dataclass, field
from typing import Final

RECONCILE_WORKFLOW: Final = "ReconcileWorkflow"
SIGNAL_BANK_WORKFLOW: Final = "SignalBankWorkflow"
# A queue of its own: a sweep takes no slot from a referral.
RECONCILIATION_QUEUE: Final = "reconciliation"

ACTIVITY_REQUEUE_UNMATCHED: Final = "requeue_unmatched"
ACTIVITY_TRACK_PAGE: Final = "track_page"
ACTIVITY_COMPARE: Final = "compare_with_record"
ACTIVITY_REPORT_RECONCILIATION: Final = "report_reconciliation"
ACTIVITY_SURVEY_SIGNAL_BANK: Final = "survey_signal_bank"
ACTIVITY_LEARN_PAGE: Final = "learn_page"


def reconciliation_workflow_id(reconciliation_id: str) -> str:
    return f"reconciliation/{reconciliation_id}"


@dataclass(frozen=True)
class Reconcile:
    """One reconciliation run; without an id, one by schedule that makes its own."""

    reconciliation_id: str = ""
    dry_run: bool = False
    # How many referrals are compared with their workflow, and how many starts a second.
    sample: int = 50
    starts_per_second: float = 50.0
    # Seconds. A younger referral may still be on its way; a difference may be just that moment's.
    minimum_age: float = 60.0
    second_look: float = 5.0


@dataclass(frozen=True)
class RequeueRequest:
    dry_run: bool


@dataclass(frozen=True)
class Requeued:
    """Platform events that match no referral, and those that were handed out again."""

    unmatched: int
    requeued: int


@dataclass(frozen=True)
class TrackRequest:
    """One page of open referrals: which are tracked by a workflow, and start the others."""

    page_token: str
    created_before: str
    dry_run: bool
    starts_per_second: float
    # The sample is the ``sample`` ids whose digest with ``seed`` is smallest.
    seed: str
    sample: int


@dataclass(frozen=True)
class Tracked:
    """What one page held. ``sample`` is (digest, referral id), smallest digests first."""

    open_referrals: int
    missing: list[str]
    started: int
    failed: int
    sample: list[tuple[str, str]]
    next_page_token: str = ""


@dataclass(frozen=True)
class CompareRequest:
    referral_ids: list[str]


@dataclass(frozen=True)
class Compared:
    """As of this one look: ``differing`` disagree with their workflow, of ``unsettled`` it could
    not be told (they moved on meanwhile, did not answer in time, or ended)."""

    compared: int
    differing: list[str]
    unsettled: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class ReconciliationReport:
    reconciliation_id: str
    dry_run: bool
    requested_at: str
    open_referrals: int = 0
    missing: int = 0
    missing_workflows: tuple[str, ...] = ()
    started_workflows: int = 0
    unmatched_events: int = 0
    matched_events: int = 0
    compared: int = 0
    divergent: tuple[str, ...] = ()


@dataclass(frozen=True)
class FeedSignalBank:
    """One run that states to the signal bank what changed in the record.

    Everything but ``overlap`` (seconds) and ``pages_per_run`` is carried from the run before,
    when one run would be too long.
    """

    overlap: float = 600.0
    pages_per_run: int = 500
    begun_at: str = ""
    since: str = ""
    last_source_time: str = ""
    page_token: str = ""
    referrals: int = 0
    changed: int = 0
    refused: int = 0


@dataclass(frozen=True)
class BankSurvey:
    """``last_source_time``: up to which change the bank was told; "" for an empty bank."""

    served: bool
    last_source_time: str = ""


@dataclass(frozen=True)
class LearnPageRequest:
    """One page of the referrals that changed since then; "" for all that there are.

    ``begun_at`` and ``last_source_time`` are the run's: what this process said before may be
    left out as long as the bank remembers it.
    """

    page_token: str
    since: str
    begun_at: str
    last_source_time: str = ""


@dataclass(frozen=True)
class LearntPage:
    """``refused``: what the bank will never take; ``changed``: what it did not know yet."""

    referrals: int
    changed: int
    refused: int
    next_page_token: str = ""


@dataclass(frozen=True)
class FedSignalBank:
    """A run that came to its end: whatever changed before it began is in the bank."""

    begun_at: str
    since: str
    served: bool
    referrals: int = 0
    changed: int = 0
    refused: int = 0
