"""The audit is kept under a key: each new row carries a mark that only who has the secret can make; rows of before carry none."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Adds the column. The first row that is written from now on binds all rows before it."""
    op.add_column("audit", sa.Column("mark", sa.String(97), nullable=False, server_default=""))


def downgrade() -> None:
    """Drops it; the rows that had a mark no longer fit their hashes then."""
    op.drop_column("audit", "mark")
