"""${message}."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from ivig_fhir.store.tables import Utc

revision = ${repr(up_revision)}
down_revision = ${repr(down_revision)}
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Applies this revision."""
    ${upgrades if upgrades else "pass"}


def downgrade() -> None:
    """Takes this revision back."""
    ${downgrades if downgrades else "pass"}
