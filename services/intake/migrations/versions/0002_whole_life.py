"""The whole life: what was asked of campaigns, reconciliation runs, and indexes for both.

Claims and holds need no table: they are events, folded into the referral's detail, whose row
is locked by whoever decides. Only adds: the version before goes on working beside it.

Revision ID: 0002
"""

from __future__ import annotations

from alembic import op

from services.kernel.inbox_tables import unmatched_index

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

_STATEMENTS = (
    # Which referrals an action is about is fixed when it is asked for: who approves it
    # approves these, and a retry after a crash goes on with these.
    """
    CREATE TABLE campaign_actions (
        action_id uuid PRIMARY KEY,
        campaign_id text NOT NULL,
        action text NOT NULL,
        request bytea NOT NULL,
        referral_ids uuid[] NOT NULL,
        requested_by text NOT NULL,
        request_time timestamptz NOT NULL,
        expire_time timestamptz NOT NULL,
        approved_by text NOT NULL DEFAULT '',
        approve_time timestamptz
    )
    """,
    """
    CREATE TABLE reconciliations (
        reconciliation_id uuid PRIMARY KEY,
        dry_run boolean NOT NULL,
        requested_by text NOT NULL,
        request_time timestamptz NOT NULL,
        finish_time timestamptz,
        report bytea
    )
    """,
    "CREATE INDEX reconciliations_newest ON reconciliations (request_time DESC)",
    "CREATE INDEX referrals_open ON referrals (referral_id) WHERE state <> 'CLOSED'",
    "CREATE INDEX referrals_counted ON referrals (platform, test, state, outcome)",
    # The few that have more to count than their state.
    """
    CREATE INDEX referrals_eventful ON referrals (platform, test)
        WHERE detail ?| ARRAY['holds', 'contradictions', 'reappearances', 'reversal']
    """,
)


def upgrade() -> None:
    for statement in _STATEMENTS:
        op.execute(statement)
    unmatched_index()
