"""A pending order keeps the chart that it was worked out on, sealed, until it is decided."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Adds the column."""
    op.add_column("orders", sa.Column("sealed_chart", sa.Text()))


def downgrade() -> None:
    """Drops the column."""
    op.drop_column("orders", "sealed_chart")
