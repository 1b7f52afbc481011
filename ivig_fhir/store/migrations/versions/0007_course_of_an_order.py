"""What was looked at on the day of an infusion is kept, and which order another one replaces."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from ivig_fhir.store.tables import Utc

revision = "0007"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Adds the column and the table."""
    op.add_column("runs", sa.Column("replaces", sa.String(36), nullable=False, server_default=""))
    op.create_table(
        "rechecks",
        sa.Column("id", sa.String(48), nullable=False),
        sa.Column("run", sa.String(36), sa.ForeignKey("runs.run", name="fk_rechecks_run_runs"), nullable=False),
        sa.Column("number", sa.Integer, nullable=False),
        sa.Column("day", sa.String(10), nullable=False),
        sa.Column("decision", sa.String(10), nullable=False),
        sa.Column("who", sa.String(500), nullable=False),
        sa.Column("at", Utc, nullable=False),
        sa.Column("sealed_looks", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_rechecks"),
    )
    op.create_index("ix_rechecks_run", "rechecks", ["run"])


def downgrade() -> None:
    """Drops both."""
    op.drop_index("ix_rechecks_run", "rechecks")
    op.drop_table("rechecks")
    op.drop_column("runs", "replaces")
