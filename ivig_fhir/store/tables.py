"""The tables. A column named `sealed_…` holds text sealed under the key ring; the others hold ids, states, times and hashes."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Column, DateTime, Dialect, ForeignKey, Index, Integer, MetaData, String, Table, Text, TypeDecorator, UniqueConstraint


class Utc(TypeDecorator[datetime]):
    """A moment: aware in, UTC at rest, aware out, on databases with and without time zones."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> Any:
        """Refuses a naive time: nobody would know which moment it is."""
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("a time without an offset cannot be stored")
        return value.astimezone(UTC)

    def process_result_value(self, value: Any | None, dialect: Dialect) -> datetime | None:
        """Puts back the offset that SQLite does not keep."""
        if value is None:
            return None
        moment: datetime = value
        return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)


METADATA = MetaData(
    naming_convention={
        "ix": "ix_%(column_0_label)s",
        "uq": "uq_%(table_name)s_%(column_0_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s_%(referred_table_name)s",
        "pk": "pk_%(table_name)s",
    }
)

LAUNCHES = Table(
    "launches",
    METADATA,
    Column("state_hash", String(64), primary_key=True),
    Column("browser_hash", String(64), nullable=False),
    Column("created", Utc, nullable=False),
    Column("sealed_launch", Text, nullable=False),
)

SESSIONS = Table(
    "sessions",
    METADATA,
    Column("id_hash", String(64), primary_key=True),
    Column("cookie_hash", String(64), nullable=False),
    Column("iss", String(500), nullable=False),
    Column("patient", String(64)),
    Column("user", String(500), nullable=False),
    Column("role", String(20), nullable=False),
    Column("created", Utc, nullable=False),
    Column("seen", Utc, nullable=False),
    Column("token_expires", Utc),
    Column("sealed_context", Text, nullable=False),
    Column("sealed_access_token", Text),
    Column("sealed_refresh_token", Text),
    Column("renewing_until", Utc),
)

CLIENT_KEYS = Table(
    "client_keys",
    METADATA,
    Column("kid", String(64), primary_key=True),
    Column("algorithm", String(10), nullable=False),
    Column("created", Utc, nullable=False),
    Column("signs_from", Utc, nullable=False),
    Column("retired", Utc),
    Column("published_until", Utc),
    Column("public_jwk", Text, nullable=False),
    Column("sealed_private", Text, nullable=False),
)

RUNS = Table(
    "runs",
    METADATA,
    Column("run", String(36), primary_key=True),
    Column("iss", String(500), nullable=False),
    Column("tenant", String(71), nullable=False, server_default=""),
    Column("patient", String(64), nullable=False),
    Column("user", String(500), nullable=False),
    Column("state", String(20), nullable=False),
    Column("created", Utc, nullable=False),
    Column("changed", Utc, nullable=False),
    Column("version", Integer, nullable=False),
    Column("sealed_selections", Text, nullable=False),
    Column("sealed_overrides", Text, nullable=False),
    Column("sealed_weight", Text),
    Column("replaces", String(36), nullable=False, server_default=""),
    Index("ix_runs_whose", "iss", "tenant", "patient", "user"),
    Index("ix_runs_state", "iss", "tenant", "state"),
)

ORDERS = Table(
    "orders",
    METADATA,
    Column("run", String(36), ForeignKey("runs.run"), primary_key=True),
    Column("digest", String(71), nullable=False),
    Column("approved_by", String(500), nullable=False),
    Column("approved_at", Utc, nullable=False),
    Column("body_digest", String(71), nullable=False),
    Column("transaction_digest", String(71)),
    Column("lease_until", Utc),
    Column("sealed_approval", Text, nullable=False),
    Column("sealed_body", Text, nullable=False),
    Column("sealed_transaction", Text),
    Column("sealed_receipt", Text),
    Column("sealed_resources", Text),
    Column("sealed_verification", Text),
    Column("sealed_decision", Text),
    Column("sealed_chart", Text),
)

CLAIMS = Table(
    "claims",
    METADATA,
    Column("run", String(36), ForeignKey("runs.run"), primary_key=True),
    Column("by", String(500), nullable=False),
    Column("display", String(200), nullable=False),
    Column("status", String(20), nullable=False),
    Column("since", Utc, nullable=False),
)

RECHECKS = Table(
    "rechecks",
    METADATA,
    Column("id", String(48), primary_key=True),
    Column("run", String(36), ForeignKey("runs.run"), nullable=False, index=True),
    Column("number", Integer, nullable=False),
    Column("day", String(10), nullable=False),
    Column("decision", String(10), nullable=False),
    Column("who", String(500), nullable=False),
    Column("at", Utc, nullable=False),
    Column("sealed_looks", Text, nullable=False),
)

DISPENSES = Table(
    "dispenses",
    METADATA,
    Column("id", String(36), primary_key=True),
    Column("run", String(36), ForeignKey("runs.run"), nullable=False),
    Column("infusion", String(10), nullable=False),
    Column("number", Integer, nullable=False),
    Column("at", Utc, nullable=False),
    Column("by", String(500), nullable=False),
    Column("broken", String(200), nullable=False),
    Column("sealed_vials", Text, nullable=False),
    Column("sealed_reason", Text),
    Column("reconciled_by", String(500)),
    Column("reconciled_at", Utc),
    Column("sealed_reconciliation", Text),
    UniqueConstraint("run", "infusion", "number"),
)

SCREENS = Table(
    "screens",
    METADATA,
    Column("digest", String(71), primary_key=True),
    Column("run", String(36), ForeignKey("runs.run"), nullable=False),
    Column("at", Utc, nullable=False),
    Column("sealed_seen", Text, nullable=False),
    Index("ix_screens_run", "run"),
)

OUTBOX = Table(
    "outbox",
    METADATA,
    Column("id", Integer, primary_key=True, autoincrement=True),
    Column("run", String(36), ForeignKey("runs.run"), nullable=False),
    Column("kind", String(20), nullable=False),
    Column("due", Utc, nullable=False),
    Column("lease_until", Utc),
    Column("attempts", Integer, nullable=False),
    Column("state", String(10), nullable=False),
    Column("last_error", String(10)),
    UniqueConstraint("run", "kind"),
    Index("ix_outbox_due", "state", "due"),
)

FLIGHTS = Table(
    "flights",
    METADATA,
    Column("run", String(36), ForeignKey("runs.run"), primary_key=True),
    Column("iss", String(500), nullable=False),
    Column("tenant", String(71), nullable=False),
    Column("patient", String(64), nullable=False),
    UniqueConstraint("iss", "tenant", "patient"),
)

REFUSALS = Table(
    "refusals",
    METADATA,
    Column("iss", String(500), primary_key=True),
    Column("tenant", String(71), primary_key=True),
    Column("type", String(40), primary_key=True),
    Column("interaction", String(10), primary_key=True),
    Column("whose", String(64), primary_key=True),
    Column("at", Utc, nullable=False),
    Column("until", Utc, nullable=False),
)

AUDIT = Table(
    "audit",
    METADATA,
    Column("seq", Integer, primary_key=True, autoincrement=False),
    Column("at", Utc, nullable=False),
    Column("who", String(500), nullable=False),
    Column("iss", String(500), nullable=False),
    Column("what", String(60), nullable=False),
    Column("run", String(36), nullable=False),
    Column("digest", String(71), nullable=False),
    Column("note", String(200), nullable=False),
    Column("previous", String(64), nullable=False),
    Column("hash", String(64), nullable=False),
    Column("mark", String(97), nullable=False, server_default=""),
)

# One row: the end of the chain. Taking it is what makes writers of the audit wait for one another, on either database.
AUDIT_HEAD = Table(
    "audit_head",
    METADATA,
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("seq", Integer, nullable=False),
    Column("hash", String(64), nullable=False),
)
