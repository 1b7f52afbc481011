"""What an EHR refused to store, until when that is believed."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from ivig_fhir.store.tables import Utc

revision = "0011"
down_revision = "0013"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Adds the table."""
    op.create_table(
        "refusals",
        sa.Column("iss", sa.String(500), nullable=False),
        sa.Column("tenant", sa.String(71), nullable=False),
        sa.Column("type", sa.String(40), nullable=False),
        sa.Column("interaction", sa.String(10), nullable=False),
        sa.Column("whose", sa.String(64), nullable=False),
        sa.Column("at", Utc(), nullable=False),
        sa.Column("until", Utc(), nullable=False),
        sa.PrimaryKeyConstraint("iss", "tenant", "type", "interaction", "whose", name="pk_refusals"),
    )


def downgrade() -> None:
    """Drops it."""
    op.drop_table("refusals")
