"""At most one approved order of a patient is on its way to the EHR, by a unique key."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0010"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Adds the table. Orders from before this are not in it: the state of their run keeps each from being sent twice."""
    op.create_table(
        "flights",
        sa.Column("run", sa.String(36), nullable=False),
        sa.Column("iss", sa.String(500), nullable=False),
        sa.Column("tenant", sa.String(71), nullable=False),
        sa.Column("patient", sa.String(64), nullable=False),
        sa.ForeignKeyConstraint(["run"], ["runs.run"], name="fk_flights_run_runs"),
        sa.PrimaryKeyConstraint("run", name="pk_flights"),
        sa.UniqueConstraint("iss", "tenant", "patient", name="uq_flights_iss"),
    )


def downgrade() -> None:
    """Drops it."""
    op.drop_table("flights")
