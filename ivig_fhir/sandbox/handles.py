"""Short-lived secrets: launches, sign-ins under way, codes, tokens, pages; kept as a hash, with an end."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

from ivig_fhir.sandbox.codec import decode, encode
from ivig_fhir.sandbox.database import Database


class Handles:
    """Opaque strings that stand for something for a while."""

    def __init__(self, database: Database, now: Callable[[], datetime]) -> None:
        self._database = database
        self._now = now

    def issue(self, kind: str, body: dict[str, Any], seconds: int) -> str:
        """A new unguessable string that stands for `body` for that many seconds."""
        secret = secrets.token_urlsafe(32)
        self.keep(kind, secret, body, seconds)
        return secret

    def keep(self, kind: str, secret: str, body: dict[str, Any], seconds: int) -> None:
        """Lets a string that somebody else made stand for `body`."""
        with self._database.transaction():
            self._database.run("delete from handle where expires <= ?", self._text(self._now() - timedelta(days=1)))
            self._database.run(
                "insert or replace into handle (kind, id, expires, body) values (?, ?, ?, ?)",
                *(kind, _digest(secret), self._text(self._now() + timedelta(seconds=seconds)), encode(body)),
            )

    def first_time(self, kind: str, secret: str, seconds: int) -> bool:
        """Whether a string is seen for the first time in that many seconds; it is known afterwards."""
        with self._database.transaction():
            known = self.look(kind, secret) is not None
            if not known:
                self.keep(kind, secret, {}, seconds)
            return not known

    def look(self, kind: str, secret: str) -> dict[str, Any] | None:
        """What the string stands for, or None when it is unknown or over."""
        row = self._database.row("select expires, body from handle where kind = ? and id = ?", kind, _digest(secret))
        return None if row is None or row[0] <= self._text(self._now()) else dict(decode(row[1]))

    def take(self, kind: str, secret: str) -> dict[str, Any] | None:
        """The same, once: whoever comes second gets None."""
        with self._database.transaction():
            body = self.look(kind, secret)
            self._database.run("delete from handle where kind = ? and id = ?", kind, _digest(secret))
            return body

    @staticmethod
    def _text(moment: datetime) -> str:
        return moment.isoformat(timespec="milliseconds")


def _digest(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()
