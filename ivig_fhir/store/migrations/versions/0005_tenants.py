"""A run belongs to a tenant of its EHR; one from before this belongs to none, for nobody kept which it was."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Adds the column, and has the indexes begin with the whole key."""
    op.add_column("runs", sa.Column("tenant", sa.String(71), nullable=False, server_default=""))
    _index("iss", "tenant")


def downgrade() -> None:
    """Drops the column; the tenants of one EHR are one again."""
    _index("iss")
    op.drop_column("runs", "tenant")


def _index(*key: str) -> None:
    for name, rest in (("ix_runs_whose", ("patient", "user")), ("ix_runs_state", ("state",))):
        op.drop_index(name, "runs")
        op.create_index(name, "runs", [*key, *rest])
