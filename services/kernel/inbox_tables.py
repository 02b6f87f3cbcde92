"""The inbox table, the same in every schema that has one."""

from __future__ import annotations

from alembic import op

_STATEMENTS = (
    """
    CREATE TABLE inbox_items (
        item_id uuid PRIMARY KEY,
        kind text NOT NULL,
        referral_id uuid,
        payload bytea NOT NULL,
        traceparent text NOT NULL,
        priority smallint NOT NULL,
        created_at timestamptz NOT NULL,
        available_at timestamptz NOT NULL,
        claimed_by uuid,
        lease_until timestamptz,
        attempts integer NOT NULL DEFAULT 0,
        completed_at timestamptz,
        result text NOT NULL DEFAULT '',
        detail text NOT NULL DEFAULT ''
    )
    """,
    """
    CREATE INDEX inbox_undelivered ON inbox_items (priority, created_at, item_id)
        WHERE completed_at IS NULL
    """,
    """
    CREATE INDEX inbox_held ON inbox_items (claimed_by)
        WHERE completed_at IS NULL AND claimed_by IS NOT NULL
    """,
)


def migration_ops() -> None:
    """Create the inbox in the schema being migrated; called from a service's migration."""
    for statement in _STATEMENTS:
        op.execute(statement)


def unmatched_index() -> None:
    """Index what matched no referral, oldest first; called from a later migration."""
    op.execute(
        "CREATE INDEX inbox_unmatched ON inbox_items (completed_at, item_id)"
        " WHERE result = 'UNMATCHED'"
    )
