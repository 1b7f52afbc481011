"""The first tables, and the triggers that keep the audit append-only."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from ivig_fhir.store.tables import Utc

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

GENESIS = "0" * 64


def upgrade() -> None:
    """Makes all tables, the first audit head and the triggers."""
    _sign_in()
    _runs()
    _audit()


def downgrade() -> None:
    """Drops everything, the audit included."""
    if op.get_bind().dialect.name == "postgresql":
        op.execute("DROP TRIGGER audit_append_only ON audit")
        op.execute("DROP FUNCTION audit_append_only()")
    for table in ("audit_head", "audit", "outbox", "orders", "runs", "sessions", "launches"):
        op.drop_table(table)


def _sign_in() -> None:
    op.create_table(
        "launches",
        sa.Column("state_hash", sa.String(64), nullable=False),
        sa.Column("browser_hash", sa.String(64), nullable=False),
        sa.Column("created", Utc(), nullable=False),
        sa.Column("sealed_launch", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("state_hash", name="pk_launches"),
    )
    op.create_table(
        "sessions",
        sa.Column("id_hash", sa.String(64), nullable=False),
        sa.Column("cookie_hash", sa.String(64), nullable=False),
        sa.Column("iss", sa.String(500), nullable=False),
        sa.Column("patient", sa.String(64)),
        sa.Column("user", sa.String(500), nullable=False),
        sa.Column("role", sa.String(20), nullable=False),
        sa.Column("created", Utc(), nullable=False),
        sa.Column("seen", Utc(), nullable=False),
        sa.Column("token_expires", Utc()),
        sa.Column("sealed_context", sa.Text(), nullable=False),
        sa.Column("sealed_access_token", sa.Text()),
        sa.Column("sealed_refresh_token", sa.Text()),
        sa.PrimaryKeyConstraint("id_hash", name="pk_sessions"),
    )


def _runs() -> None:
    op.create_table(
        "runs",
        sa.Column("run", sa.String(36), nullable=False),
        sa.Column("iss", sa.String(500), nullable=False),
        sa.Column("patient", sa.String(64), nullable=False),
        sa.Column("user", sa.String(500), nullable=False),
        sa.Column("state", sa.String(20), nullable=False),
        sa.Column("created", Utc(), nullable=False),
        sa.Column("changed", Utc(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("sealed_selections", sa.Text(), nullable=False),
        sa.Column("sealed_overrides", sa.Text(), nullable=False),
        sa.Column("sealed_weight", sa.Text()),
        sa.PrimaryKeyConstraint("run", name="pk_runs"),
    )
    op.create_index("ix_runs_whose", "runs", ["iss", "patient", "user"])
    op.create_index("ix_runs_state", "runs", ["iss", "state"])
    _orders()
    op.create_table(
        "outbox",
        sa.Column("id", sa.Integer(), autoincrement=True, nullable=False),
        sa.Column("run", sa.String(36), nullable=False),
        sa.Column("kind", sa.String(20), nullable=False),
        sa.Column("due", Utc(), nullable=False),
        sa.Column("lease_until", Utc()),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("state", sa.String(10), nullable=False),
        sa.Column("last_error", sa.String(10)),
        sa.ForeignKeyConstraint(["run"], ["runs.run"], name="fk_outbox_run_runs"),
        sa.PrimaryKeyConstraint("id", name="pk_outbox"),
        sa.UniqueConstraint("run", "kind", name="uq_outbox_run"),
    )
    op.create_index("ix_outbox_due", "outbox", ["state", "due"])


def _orders() -> None:
    op.create_table(
        "orders",
        sa.Column("run", sa.String(36), nullable=False),
        sa.Column("digest", sa.String(71), nullable=False),
        sa.Column("approved_by", sa.String(500), nullable=False),
        sa.Column("approved_at", Utc(), nullable=False),
        sa.Column("body_digest", sa.String(71), nullable=False),
        sa.Column("transaction_digest", sa.String(71)),
        sa.Column("lease_until", Utc()),
        sa.Column("sealed_approval", sa.Text(), nullable=False),
        sa.Column("sealed_body", sa.Text(), nullable=False),
        sa.Column("sealed_transaction", sa.Text()),
        sa.Column("sealed_receipt", sa.Text()),
        sa.Column("sealed_resources", sa.Text()),
        sa.Column("sealed_verification", sa.Text()),
        sa.ForeignKeyConstraint(["run"], ["runs.run"], name="fk_orders_run_runs"),
        sa.PrimaryKeyConstraint("run", name="pk_orders"),
    )


def _audit() -> None:
    op.create_table(
        "audit",
        sa.Column("seq", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("at", Utc(), nullable=False),
        sa.Column("who", sa.String(500), nullable=False),
        sa.Column("iss", sa.String(500), nullable=False),
        sa.Column("what", sa.String(60), nullable=False),
        sa.Column("run", sa.String(36), nullable=False),
        sa.Column("digest", sa.String(71), nullable=False),
        sa.Column("note", sa.String(200), nullable=False),
        sa.Column("previous", sa.String(64), nullable=False),
        sa.Column("hash", sa.String(64), nullable=False),
        sa.PrimaryKeyConstraint("seq", name="pk_audit"),
    )
    head = op.create_table(
        "audit_head",
        sa.Column("id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("seq", sa.Integer(), nullable=False),
        sa.Column("hash", sa.String(64), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_audit_head"),
    )
    op.bulk_insert(head, [{"id": 1, "seq": 0, "hash": GENESIS}])
    if op.get_bind().dialect.name == "postgresql":
        op.execute(
            "CREATE FUNCTION audit_append_only() RETURNS trigger LANGUAGE plpgsql AS "
            "$$ BEGIN RAISE EXCEPTION 'audit is append-only'; END $$"
        )
        op.execute(
            "CREATE TRIGGER audit_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON audit "
            "FOR EACH STATEMENT EXECUTE FUNCTION audit_append_only()"
        )
    else:
        for act in ("UPDATE", "DELETE"):
            op.execute(
                f"CREATE TRIGGER audit_no_{act.lower()} BEFORE {act} ON audit BEGIN SELECT RAISE(ABORT, 'audit is append-only'); END"
            )
