"""The app's own client keys; and who renews a session's token at the moment."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from ivig_fhir.store.tables import Utc

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Adds the table and the column."""
    op.create_table(
        "client_keys",
        sa.Column("kid", sa.String(64), nullable=False),
        sa.Column("algorithm", sa.String(10), nullable=False),
        sa.Column("created", Utc(), nullable=False),
        sa.Column("signs_from", Utc(), nullable=False),
        sa.Column("retired", Utc()),
        sa.Column("published_until", Utc()),
        sa.Column("public_jwk", sa.Text(), nullable=False),
        sa.Column("sealed_private", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("kid", name="pk_client_keys"),
    )
    op.add_column("sessions", sa.Column("renewing_until", Utc()))


def downgrade() -> None:
    """Drops both."""
    op.drop_column("sessions", "renewing_until")
    op.drop_table("client_keys")
