"""The record: referrals, submissions, evidence, events, notices and the inbox.

Revision ID: 0001
"""

from __future__ import annotations

from alembic import op

from services.kernel.inbox_tables import migration_ops

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

_STATEMENTS = (
    """
    CREATE TABLE referrals (
        referral_id uuid PRIMARY KEY,
        identity_key text NOT NULL,
        platform text NOT NULL,
        kind text NOT NULL,
        content_id text NOT NULL,
        account text NOT NULL,
        url text NOT NULL,
        canonical_url text NOT NULL,
        text text NOT NULL,
        language text NOT NULL,
        test boolean NOT NULL,
        campaign_id text NOT NULL,
        state text NOT NULL,
        outcome text NOT NULL DEFAULT '',
        priority smallint NOT NULL,
        departure_time timestamptz,
        claim_time timestamptz,
        confirm_time timestamptz,
        detail jsonb NOT NULL DEFAULT '{}',
        last_sequence bigint NOT NULL,
        traceparent text NOT NULL,
        trace_id text NOT NULL,
        previous_referral_id uuid,
        create_time timestamptz NOT NULL,
        update_time timestamptz NOT NULL,
        CHECK ((state = 'CLOSED') = (outcome <> ''))
    )
    """,
    """
    CREATE UNIQUE INDEX referrals_one_open_per_content
        ON referrals (identity_key) WHERE state <> 'CLOSED'
    """,
    "CREATE INDEX referrals_by_content ON referrals (identity_key, create_time DESC)",
    "CREATE INDEX referrals_by_update ON referrals (update_time, referral_id)",
    """
    CREATE INDEX referrals_work ON referrals (priority, create_time, referral_id)
        WHERE state = 'IN_REVIEW'
    """,
    """
    CREATE INDEX referrals_by_campaign ON referrals (campaign_id, referral_id)
        WHERE campaign_id <> ''
    """,
    """
    CREATE TABLE submissions (
        submission_id uuid PRIMARY KEY,
        referral_id uuid NOT NULL REFERENCES referrals,
        referrer text NOT NULL,
        request_id uuid NOT NULL,
        body_sha256 bytea NOT NULL,
        answer bytea NOT NULL,
        detail jsonb NOT NULL,
        create_time timestamptz NOT NULL,
        withdraw_time timestamptz,
        UNIQUE (referrer, request_id)
    )
    """,
    "CREATE INDEX submissions_of_referral ON submissions (referral_id, referrer)",
    "CREATE INDEX submissions_of_referrer ON submissions (referrer, referral_id)",
    """
    CREATE TABLE evidence (
        evidence_id uuid PRIMARY KEY,
        submission_id uuid NOT NULL REFERENCES submissions,
        file_name text NOT NULL,
        media_type text NOT NULL,
        sha256 bytea NOT NULL,
        content bytea NOT NULL
    )
    """,
    "CREATE INDEX evidence_of_submission ON evidence (submission_id)",
    # A reader that follows positions alone can overtake a slower transaction and never see
    # its rows. Ordered by (xid, position) and held below the oldest running transaction,
    # nothing can appear behind a cursor.
    """
    CREATE TABLE events (
        referral_id uuid NOT NULL REFERENCES referrals,
        sequence bigint NOT NULL,
        event_key text NOT NULL,
        xid xid8 NOT NULL DEFAULT pg_current_xact_id(),
        position bigint GENERATED ALWAYS AS IDENTITY,
        type text NOT NULL,
        state text NOT NULL,
        actor text NOT NULL,
        trace_id text NOT NULL,
        detail_kind text NOT NULL,
        detail jsonb NOT NULL,
        occur_time timestamptz NOT NULL,
        record_time timestamptz NOT NULL,
        PRIMARY KEY (referral_id, sequence),
        UNIQUE (referral_id, event_key)
    )
    """,
    "CREATE INDEX events_in_order ON events (xid, position)",
    """
    CREATE TABLE notices (
        notice_id uuid PRIMARY KEY,
        referral_id uuid NOT NULL REFERENCES referrals,
        platform text NOT NULL,
        platform_reference text NOT NULL DEFAULT ''
    )
    """,
    """
    CREATE INDEX notices_by_reference ON notices (platform, platform_reference)
        WHERE platform_reference <> ''
    """,
    """
    CREATE TABLE platform_words (
        platform text NOT NULL,
        event_id text NOT NULL,
        message text NOT NULL,
        content_url text NOT NULL,
        PRIMARY KEY (platform, event_id)
    )
    """,
    """
    CREATE TABLE commands (
        caller text NOT NULL,
        request_id uuid NOT NULL,
        body_sha256 bytea NOT NULL,
        answer bytea NOT NULL,
        create_time timestamptz NOT NULL,
        PRIMARY KEY (caller, request_id)
    )
    """,
)


def upgrade() -> None:
    for statement in _STATEMENTS:
        op.execute(statement)
    migration_ops()
