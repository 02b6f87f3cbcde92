"""Platform events and the inbox.

Revision ID: 0001
"""

from __future__ import annotations

from alembic import op

from services.kernel.inbox_tables import migration_ops

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute(
        """
        CREATE TABLE platform_events (
            platform text NOT NULL,
            event_id text NOT NULL,
            type text NOT NULL,
            notice_id text NOT NULL,
            platform_reference text NOT NULL,
            event bytea NOT NULL,
            occur_time timestamptz NOT NULL,
            record_time timestamptz NOT NULL,
            repetitions integer NOT NULL DEFAULT 0,
            PRIMARY KEY (platform, event_id)
        )
        """
    )
    migration_ops()
