"""Notices and answers.

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
    CREATE TABLE notices (
        notice_id uuid PRIMARY KEY,
        referral_id uuid NOT NULL,
        number integer NOT NULL,
        body bytea NOT NULL,
        sha256 text NOT NULL,
        media_type text NOT NULL,
        sandbox boolean NOT NULL,
        profile_version text NOT NULL,
        traceparent text NOT NULL,
        platform_reference text NOT NULL DEFAULT '',
        prepare_time timestamptz NOT NULL,
        deliver_time timestamptz,
        withdraw_time timestamptz,
        withdraw_deliver_time timestamptz,
        next_poll_time timestamptz,
        UNIQUE (referral_id, number)
    )
    """,
    """
    CREATE INDEX notices_to_poll ON notices (next_poll_time)
        WHERE next_poll_time IS NOT NULL
    """,
    # One row per (source, id of the message): a replayed webhook finds itself here.
    """
    CREATE TABLE answers (
        source text NOT NULL,
        source_id text NOT NULL,
        position bigint GENERATED ALWAYS AS IDENTITY,
        body_sha256 text NOT NULL,
        notice_id text NOT NULL,
        event bytea NOT NULL,
        receive_time timestamptz NOT NULL,
        forward_time timestamptz,
        PRIMARY KEY (source, source_id)
    )
    """,
    "CREATE INDEX answers_to_forward ON answers (position) WHERE forward_time IS NULL",
    "CREATE INDEX answers_of_notice ON answers (notice_id, position)",
)


def upgrade() -> None:
    for statement in _STATEMENTS:
        op.execute(statement)
