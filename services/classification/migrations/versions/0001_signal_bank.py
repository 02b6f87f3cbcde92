"""The signal bank: statements about referrals' content, and digests to find it again by.

Revision ID: 0001
"""

from __future__ import annotations

from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

_STATEMENTS = (
    """
    CREATE TABLE signals (
        signal_id uuid PRIMARY KEY,
        referral_id uuid UNIQUE,
        request_id uuid UNIQUE,
        source_time timestamptz NOT NULL,
        verdict text NOT NULL,
        provenance text NOT NULL,
        platform text NOT NULL,
        campaign_id text NOT NULL,
        test boolean NOT NULL,
        decide_time timestamptz,
        create_time timestamptz NOT NULL,
        expire_time timestamptz NOT NULL,
        withdraw_time timestamptz,
        withdrawn_by text NOT NULL DEFAULT '',
        added_by text NOT NULL DEFAULT '',
        note text NOT NULL DEFAULT '',
        word_count integer NOT NULL,
        picture_count integer NOT NULL,
        contact_count integer NOT NULL,
        digest bytea,
        signature bytea,
        words bytea,
        purge_time timestamptz,
        CHECK ((referral_id IS NULL) <> (request_id IS NULL))
    )
    """,
    "CREATE INDEX signals_of_text ON signals (digest, test, verdict)",
    "CREATE INDEX signals_of_source ON signals (source_time)",
    "CREATE INDEX signals_of_expiry ON signals (expire_time) WHERE purge_time IS NULL",
    "CREATE INDEX signals_of_withdrawal ON signals (withdraw_time)"
    " WHERE withdraw_time IS NOT NULL AND purge_time IS NULL",
    """
    CREATE TABLE text_bands (
        band smallint NOT NULL,
        digest bigint NOT NULL,
        test boolean NOT NULL,
        verdict text NOT NULL,
        signal_id uuid NOT NULL REFERENCES signals ON DELETE CASCADE,
        PRIMARY KEY (band, digest, test, verdict, signal_id)
    )
    """,
    "CREATE INDEX text_bands_of_signal ON text_bands (signal_id)",
    """
    CREATE TABLE contacts (
        digest bytea NOT NULL,
        signal_id uuid NOT NULL REFERENCES signals ON DELETE CASCADE,
        PRIMARY KEY (digest, signal_id)
    )
    """,
    "CREATE INDEX contacts_of_signal ON contacts (signal_id)",
    """
    CREATE TABLE pictures (
        signal_id uuid NOT NULL REFERENCES signals ON DELETE CASCADE,
        number smallint NOT NULL,
        pdq bit(256) NOT NULL,
        quality smallint NOT NULL,
        PRIMARY KEY (signal_id, number)
    )
    """,
)


def upgrade() -> None:
    for statement in _STATEMENTS:
        op.execute(statement)
