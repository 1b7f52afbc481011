"""The audit is added to and nothing else: a row is not replaced by one of its number, and the head only goes on by one."""

from __future__ import annotations

from alembic import op

revision = "0009"
down_revision = "0007"
branch_labels = None
depends_on = None

_LITE = {
    # REPLACE takes a row away without asking the trigger on DELETE.
    "audit_no_replace": "BEFORE INSERT ON audit WHEN EXISTS (SELECT 1 FROM audit WHERE seq = NEW.seq)",
    "audit_head_no_delete": "BEFORE DELETE ON audit_head",
    "audit_head_no_insert": "BEFORE INSERT ON audit_head",
    "audit_head_no_way_back": "BEFORE UPDATE ON audit_head WHEN NEW.id != OLD.id OR NEW.seq NOT IN (OLD.seq, OLD.seq + 1)",
}


def upgrade() -> None:
    """Adds the triggers that were missing."""
    if op.get_bind().dialect.name == "postgresql":
        op.execute(
            "CREATE FUNCTION audit_head_goes_on() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN "
            "IF NEW.id <> OLD.id OR NEW.seq NOT IN (OLD.seq, OLD.seq + 1) THEN RAISE EXCEPTION 'audit is append-only'; END IF; "
            "RETURN NEW; END $$"
        )
        op.execute("CREATE TRIGGER audit_head_goes_on BEFORE UPDATE ON audit_head FOR EACH ROW EXECUTE FUNCTION audit_head_goes_on()")
        op.execute(
            "CREATE TRIGGER audit_head_stays BEFORE INSERT OR DELETE OR TRUNCATE ON audit_head "
            "FOR EACH STATEMENT EXECUTE FUNCTION audit_append_only()"
        )
    else:
        for name, when in _LITE.items():
            op.execute(f"CREATE TRIGGER {name} {when} BEGIN SELECT RAISE(ABORT, 'audit is append-only'); END")


def downgrade() -> None:
    """Drops them."""
    if op.get_bind().dialect.name == "postgresql":
        op.execute("DROP TRIGGER audit_head_stays ON audit_head")
        op.execute("DROP TRIGGER audit_head_goes_on ON audit_head")
        op.execute("DROP FUNCTION audit_head_goes_on()")
    else:
        for name in _LITE:
            op.execute(f"DROP TRIGGER {name}")
