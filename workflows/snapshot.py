"""What a workflow says of itself when it is asked. A leaf, by the rules of ``contracts``."""

from dataclasses import dataclass
from typing import Final

QUERY_SNAPSHOT: Final = "snapshot"


@dataclass(frozen=True)
class Snapshot:
    """Where a workflow stands, for the auditor and for ``why is this one stuck``."""

    referral_id: str
    state: str
    outcome: str
    notice_number: int
    events_recorded: int
    waiting_for: str
    deadline: str
    pending_deliveries: int
    urgency: str = ""
    escalation_level: str = ""
    contradictions: int = 0
    hold_until: str = ""
