"""What a pharmacist had on screen is kept for every process, not in the memory of one."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from ivig_fhir.store.tables import Utc

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Adds the table."""
    op.create_table(
        "screens",
        sa.Column("digest", sa.String(71), nullable=False),
        sa.Column("run", sa.String(36), nullable=False),
        sa.Column("at", Utc(), nullable=False),
        sa.Column("sealed_seen", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["run"], ["runs.run"], name="fk_screens_run_runs"),
        sa.PrimaryKeyConstraint("digest", name="pk_screens"),
    )
    op.create_index("ix_screens_run", "screens", ["run"])


def downgrade() -> None:
    """Drops it."""
    op.drop_table("screens")
