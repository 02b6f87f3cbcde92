"""What platforms asked and what they were told.

Revision ID: 0002
"""

from __future__ import annotations

from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

_STATEMENTS = (
    # One row per question: the same answer again finds itself here.
    """
    CREATE TABLE clarifications (
        notice_id uuid NOT NULL REFERENCES notices (notice_id),
        clarification_id text NOT NULL,
        body bytea NOT NULL,
        sha256 text NOT NULL,
        store_time timestamptz NOT NULL,
        deliver_time timestamptz,
        refuse_time timestamptz,
        PRIMARY KEY (notice_id, clarification_id)
    )
    """,
)


def upgrade() -> None:
    for statement in _STATEMENTS:
        op.execute(statement)
