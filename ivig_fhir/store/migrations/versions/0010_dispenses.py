"""Which vials left the pharmacy for which infusion, and what had to be reconciled afterwards."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from ivig_fhir.store.tables import Utc

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Adds the table."""
    op.create_table(
        "dispenses",
        sa.Column("id", sa.String(36), nullable=False),
        sa.Column("run", sa.String(36), nullable=False),
        sa.Column("infusion", sa.String(10), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("at", Utc(), nullable=False),
        sa.Column("by", sa.String(500), nullable=False),
        sa.Column("broken", sa.String(200), nullable=False),
        sa.Column("sealed_vials", sa.Text(), nullable=False),
        sa.Column("sealed_reason", sa.Text()),
        sa.Column("reconciled_by", sa.String(500)),
        sa.Column("reconciled_at", Utc()),
        sa.Column("sealed_reconciliation", sa.Text()),
        sa.ForeignKeyConstraint(["run"], ["runs.run"], name="fk_dispenses_run_runs"),
        sa.PrimaryKeyConstraint("id", name="pk_dispenses"),
        sa.UniqueConstraint("run", "infusion", "number", name="uq_dispenses_run"),
    )


def downgrade() -> None:
    """Drops it."""
    op.drop_table("dispenses")
