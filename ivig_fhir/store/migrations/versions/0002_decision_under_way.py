"""A pharmacist's decision is kept before it is sent, so that one whose answer is lost can be looked for."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Adds the column."""
    op.add_column("orders", sa.Column("sealed_decision", sa.Text()))


def downgrade() -> None:
    """Drops the column."""
    op.drop_column("orders", "sealed_decision")
