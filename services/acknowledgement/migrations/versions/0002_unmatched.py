"""An index of what matched no referral, which reconciliation hands out again.

Revision ID: 0002
"""

from __future__ import annotations

from services.kernel.inbox_tables import unmatched_index

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    unmatched_index()
