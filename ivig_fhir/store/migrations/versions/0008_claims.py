"""Which pharmacist works on which order."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from ivig_fhir.store.tables import Utc

revision = "0008"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Adds the table."""
    op.create_table(
        "claims",
        sa.Column("run", sa.String(36), nullable=False),
        sa.Column("by", sa.String(500), nullable=False),
        sa.Column("display", sa.String(200), nullable=False),
        sa.Column("status", sa.String(20), nullable=False),
        sa.Column("since", Utc(), nullable=False),
        sa.ForeignKeyConstraint(["run"], ["runs.run"], name="fk_claims_run_runs"),
        sa.PrimaryKeyConstraint("run", name="pk_claims"),
    )


def downgrade() -> None:
    """Drops it."""
    op.drop_table("claims")
