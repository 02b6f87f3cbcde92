"""Observations and captures.

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
    CREATE TABLE observations (
        observation_id uuid PRIMARY KEY,
        request_id text NOT NULL UNIQUE,
        referral_id uuid NOT NULL,
        series text NOT NULL,
        purpose text NOT NULL,
        availability text NOT NULL,
        visible text NOT NULL,
        cause text NOT NULL,
        confidence text NOT NULL,
        marker text NOT NULL,
        controls_passed boolean NOT NULL,
        vantage text NOT NULL,
        response_sha256 text NOT NULL,
        counts_as_gone boolean NOT NULL,
        resolved_url text NOT NULL,
        observe_time timestamptz NOT NULL
    )
    """,
    "CREATE INDEX observations_of_series ON observations (series, observe_time)",
    "CREATE INDEX observations_of_referral ON observations (referral_id, observe_time)",
    """
    CREATE TABLE captures (
        capture_id uuid PRIMARY KEY,
        request_id text NOT NULL UNIQUE,
        referral_id uuid NOT NULL,
        sha256 text NOT NULL,
        size_bytes bigint NOT NULL,
        warc_key text NOT NULL,
        http_status integer NOT NULL,
        truncated boolean NOT NULL,
        failure text NOT NULL,
        capture_time timestamptz NOT NULL
    )
    """,
    "CREATE INDEX captures_of_referral ON captures (referral_id)",
)


def upgrade() -> None:
    for statement in _STATEMENTS:
        op.execute(statement)
