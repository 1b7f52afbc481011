"""Runs the revisions on the connection that `database.migrate` passes in."""

from __future__ import annotations

from alembic import context

from ivig_fhir.store.tables import METADATA

# Batch mode, because SQLite cannot alter a column in place.
context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=METADATA,
    render_as_batch=True,
    compare_type=True,
    transactional_ddl=True,
)
with context.begin_transaction():
    context.run_migrations()
