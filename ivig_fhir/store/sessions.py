"""Sessions: one launch in one tab, found only by its id together with its cookie, its tokens sealed."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Row, delete, insert, or_, select, update

from ivig_fhir.errors import SealBroken, SessionEnded
from ivig_fhir.smart.context import LaunchContext
from ivig_fhir.smart.issuers import Role
from ivig_fhir.smart.tenancy import Tenancy
from ivig_fhir.smart.token import TokenResponse
from ivig_fhir.store import audit
from ivig_fhir.store.database import Tx
from ivig_fhir.store.seal import hashed
from ivig_fhir.store.tables import SESSIONS


@dataclass(frozen=True, slots=True)
class Limits:
    """How long a session lasts without a request, and at most."""

    idle: timedelta = timedelta(minutes=30)
    absolute: timedelta = timedelta(hours=8)


@dataclass(frozen=True, slots=True)
class Session:
    """One launch in one tab. The token is empty on an open development server; `id` is, where it was not found by its browser."""

    id: str = field(repr=False)
    context: LaunchContext
    role: Role
    created: datetime
    seen: datetime
    access_token: str = field(default="", repr=False)
    refresh_token: str = field(default="", repr=False)
    token_expires: datetime | None = None
    renewing_until: datetime | None = None
    key: str = field(default="", repr=False)


def start(tx: Tx, session_id: str, cookie: str, context: LaunchContext, role: Role, token: TokenResponse | None, now: datetime) -> None:
    """Opens the session of a finished launch. The id goes into the path, the cookie to the browser; only their hashes are kept."""
    key = hashed(session_id)
    values = {
        "id_hash": key,
        "cookie_hash": hashed(cookie),
        "iss": context.iss,
        "patient": context.patient,
        "user": context.user,
        "role": role,
        "created": now,
        "seen": now,
        "sealed_context": tx.ring.seal(context.to_json(), _place(key, "context")),
    }
    tx.conn.execute(insert(SESSIONS).values(**values, **_sealed_tokens(tx, key, token)))
    tenant = f" tenant {context.tenancy.tenant}" if context.tenancy.tenant else ""
    audit.append(tx, now, context.user, context.iss, "session.started", note=f"{role}{tenant}")


def load(tx: Tx, session_id: str, cookie: str, now: datetime, limits: Limits) -> Session:
    """The session of this id and this cookie. Raises SessionEnded, whatever of it is wrong: unknown, another browser's, over."""
    query = select(SESSIONS).where(SESSIONS.c.id_hash == hashed(session_id), SESSIONS.c.cookie_hash == hashed(cookie))
    row = tx.conn.execute(query).first()
    if row is None:
        raise SessionEnded("no such session")
    if now - row.seen >= limits.idle or now - row.created >= limits.absolute:
        raise SessionEnded("session timed out")
    return _opened(tx, session_id, row)


def living(tx: Tx, tenancy: Tenancy, patient: str, now: datetime, limits: Limits) -> tuple[Session, ...]:
    """The sessions of one tenancy that are not over, of this patient or of none, last used first: whose token may still live.

    They are found without a browser, and being found does not make them last longer.
    """
    lasts = (SESSIONS.c.seen > now - limits.idle) & (SESSIONS.c.created > now - limits.absolute)
    whose = or_(SESSIONS.c.patient == patient, SESSIONS.c.patient.is_(None))
    rows = tx.conn.execute(select(SESSIONS).where(SESSIONS.c.iss == tenancy.iss, whose, lasts).order_by(SESSIONS.c.seen.desc()))
    return tuple(session for session in (_opened(tx, "", row) for row in rows) if session.context.tenancy == tenancy)


def again(tx: Tx, session: Session) -> Session:
    """The same session as it is now; in a transaction that writes, nobody else changes it meanwhile. SessionEnded where it is gone."""
    row = tx.conn.execute(select(SESSIONS).where(SESSIONS.c.id_hash == session.key).with_for_update()).first()
    if row is None:
        raise SessionEnded("session ended meanwhile")
    return _opened(tx, session.id, row)


def touch(tx: Tx, session_id: str, now: datetime) -> None:
    """Notes that the session was used; call it once a minute at most, not for every picture on a page."""
    tx.conn.execute(update(SESSIONS).where(SESSIONS.c.id_hash == hashed(session_id)).values(seen=now))


def claim_renewal(tx: Tx, session: Session, until: datetime | None) -> None:
    """Notes until when somebody renews the token, so that nobody else does; None: nobody any more."""
    tx.conn.execute(update(SESSIONS).where(SESSIONS.c.id_hash == session.key).values(renewing_until=until))


def replace_token(tx: Tx, session: Session, token: TokenResponse, context: LaunchContext) -> None:
    """Puts new tokens in the place of the old ones, both at once: a rotated refresh token must never be used again.

    `context` is the launch's, with what the new token grants.
    """
    key = session.key
    sealed = {"sealed_context": tx.ring.seal(context.to_json(), _place(key, "context")), **_sealed_tokens(tx, key, token)}
    tx.conn.execute(update(SESSIONS).where(SESSIONS.c.id_hash == key).values(**sealed, renewing_until=None))


def end(tx: Tx, session: Session, now: datetime) -> None:
    """Ends a session and forgets its tokens. Runs and their drafts stay."""
    row = tx.conn.execute(delete(SESSIONS).where(SESSIONS.c.id_hash == session.key).returning(*SESSIONS.c)).first()
    if row is not None:
        audit.append(tx, now, row.user, row.iss, "session.ended")


def purge(tx: Tx, now: datetime, limits: Limits) -> tuple[Session, ...]:
    """Removes sessions that are over, tokens and all; those removed, so that their tokens can be handed back.

    One that no key of ours opens any more is removed with the others, and is not among them.
    """
    over = or_(SESSIONS.c.seen <= now - limits.idle, SESSIONS.c.created <= now - limits.absolute)
    gone = []
    for row in tx.conn.execute(delete(SESSIONS).where(over).returning(*SESSIONS.c)).all():
        with suppress(SealBroken):
            gone.append(_opened(tx, "", row))
    return tuple(gone)


def _opened(tx: Tx, session_id: str, row: Row[Any]) -> Session:
    return Session(
        id=session_id,
        context=LaunchContext.from_json(tx.ring.open(row.sealed_context, _place(row.id_hash, "context"))),
        role=row.role,
        created=row.created,
        seen=row.seen,
        access_token=_token(tx, row, "access_token"),
        refresh_token=_token(tx, row, "refresh_token"),
        token_expires=row.token_expires,
        renewing_until=row.renewing_until,
        key=row.id_hash,
    )


def _sealed_tokens(tx: Tx, key: str, token: TokenResponse | None) -> dict[str, Any]:
    access, refresh = (token.access_token, token.refresh_token) if token else ("", "")
    return {
        "sealed_access_token": tx.ring.seal(access, _place(key, "access_token")) if access else None,
        "sealed_refresh_token": tx.ring.seal(refresh, _place(key, "refresh_token")) if refresh else None,
        "token_expires": token.expires_at if token else None,
    }


def _token(tx: Tx, row: Row[Any], name: str) -> str:
    sealed = row._mapping[f"sealed_{name}"]
    return tx.ring.open(sealed, _place(row.id_hash, name)) if sealed else ""


def _place(key: str, column: str) -> str:
    return f"sessions|{key}|{column}"
