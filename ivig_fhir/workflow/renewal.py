"""While a session lasts: its token is renewed in time and by one request only, and handed back when it ends."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from ivig_fhir.errors import DiscoveryFailed, EhrUnavailable, IvigError, PatientChanged, SessionEnded, TokenFailed
from ivig_fhir.smart.signin import SmartClient
from ivig_fhir.smart.token import TokenEndpoint, TokenResponse
from ivig_fhir.store import sessions
from ivig_fhir.store.database import Database
from ivig_fhir.store.sessions import Limits, Session

AHEAD = timedelta(seconds=60)
LEASE = timedelta(seconds=30)
PAUSE, LOOKS = 0.2, 60
LONGEST, HANDING_BACK = 30.0, "hand-back"


@dataclass(frozen=True)
class Renewal:
    """How sessions keep their access: the EHRs' token endpoints, the store, the clock, and how to wait."""

    smart: SmartClient
    database: Database
    now: Callable[[], datetime]
    pause: Callable[[float], None] = field(default=time.sleep, repr=False)

    def renewed(self, session: Session, rejected: bool = False) -> Session:
        """The session with a token that is good for a minute at least, or that the EHR has not `rejected`.

        Of several requests at one moment one renews: a server that rotates takes a refresh token that comes twice for stolen. The others
        go on with the token they have while it is good, and else wait for the new one. A session without a refresh token stays as it is.
        Errors: SessionEnded where the EHR ended the sign-in, PatientChanged where it now names another patient; the session is over
        then, its drafts are not. EhrUnavailable where no token could be had for the moment.
        """
        if not session.refresh_token or not (rejected or self._due(session)):
            return session
        with self.database.write() as tx:
            held = sessions.again(tx, session)
            if held.access_token != session.access_token:
                return held
            mine = held.renewing_until is None or held.renewing_until <= self.now()
            if mine:
                sessions.claim_renewal(tx, session, self.now() + LEASE)
        if mine:
            return self._renew(held, rejected)
        return held if self._good(held, rejected) else self._awaited(held)

    def log_out(self, session: Session) -> None:
        """Ends the session here, and asks the EHR to revoke its tokens; nothing depends on whether it does."""
        with self.database.write() as tx:
            held = sessions.again(tx, session)
            sessions.end(tx, session, self.now())
        endpoint = self._endpoint(held)
        if endpoint is not None and held.access_token:
            _hand_back(endpoint, held.refresh_token, held.access_token, self.now())

    def end_overdue(self, limits: Limits) -> tuple[Session, ...]:
        """Removes the sessions whose time is over, and hands their tokens back beside whatever goes on: nobody waits for that.

        Best effort and bounded: an EHR that does not answer keeps the rest of them from being handed back, and nothing else.
        """
        with self.database.write() as tx:
            gone = sessions.purge(tx, self.now(), limits)
        held = tuple(s for s in gone if s.refresh_token or (s.access_token and self._good(s, False)))
        if held:
            threading.Thread(target=self._hand_all_back, args=(held,), name=HANDING_BACK, daemon=True).start()
        return gone

    def _hand_all_back(self, gone: tuple[Session, ...]) -> None:
        """Every token, as long as there is time; what fails is nobody's error, and is not logged."""
        end = time.monotonic() + LONGEST
        for session in gone:
            if time.monotonic() > end:
                return
            with suppress(IvigError):
                endpoint = self._endpoint(session)
                if endpoint is not None:
                    _hand_back(endpoint, session.refresh_token, session.access_token, self.now())

    def _renew(self, session: Session, rejected: bool) -> Session:
        """The one request for a new token. Where it fails for the moment, the old one serves as long as it is good."""
        endpoint = self._endpoint(session)
        try:
            if endpoint is None:
                raise TokenFailed("no token endpoint")
            token = endpoint.refresh(session.refresh_token, session.context.scope, self.now())
        except SessionEnded:
            with self.database.write() as tx:
                sessions.end(tx, session, self.now())
            raise
        except TokenFailed as error:
            self.smart.configurations.forget(self.smart.issuers.find(session.context.iss))  # the endpoint may have moved
            with self.database.write() as tx:
                sessions.claim_renewal(tx, session, None)
            if self._good(session, rejected):
                return session
            raise EhrUnavailable(f"refresh: {error.detail}") from error
        self._same_patient(session, endpoint, token)
        with self.database.write() as tx:
            sessions.replace_token(tx, session, token, replace(session.context, scope=token.scope))
            return sessions.again(tx, session)

    def _same_patient(self, session: Session, endpoint: TokenEndpoint, token: TokenResponse) -> None:
        """Ends the session where the EHR moved on to another patient: what is on screen must not be written there."""
        named = token.context.get("patient")
        if named is None or named == session.context.patient:
            return
        with self.database.write() as tx:
            sessions.end(tx, session, self.now())
        _hand_back(endpoint, token.refresh_token, token.access_token, self.now())
        raise PatientChanged("refresh named another patient")

    def _awaited(self, session: Session) -> Session:
        """The session once another request has renewed it."""
        for _ in range(LOOKS):
            self.pause(PAUSE)
            with self.database.read() as tx:
                held = sessions.again(tx, session)
            if held.access_token != session.access_token:
                return held
            if held.renewing_until is None:
                break
        raise EhrUnavailable("refresh by another request brought nothing")

    def _endpoint(self, session: Session) -> TokenEndpoint | None:
        try:
            return self.smart.endpoint(self.smart.issuers.find(session.context.iss), self.now())
        except DiscoveryFailed:
            return None

    def _due(self, session: Session) -> bool:
        return session.token_expires is not None and session.token_expires - self.now() <= AHEAD

    def _good(self, session: Session, rejected: bool) -> bool:
        return not rejected and session.token_expires is not None and self.now() < session.token_expires


class Bearer:
    """The token of one session for the many threads of one request: the first that is refused renews it for all."""

    def __init__(self, renewal: Renewal, session: Session) -> None:
        self._renewal = renewal
        self._session = session
        self._lock = threading.Lock()

    def token(self) -> str | None:
        """The token to ask with; None on an open server."""
        return self._session.access_token or None

    def renew(self, refused: str | None) -> bool:
        """Whether there is another token now than the one that was refused."""
        with self._lock:
            if refused == self.token():
                self._session = self._renewal.renewed(self._session, rejected=True)
            return refused != self.token()


def _hand_back(endpoint: TokenEndpoint, refresh_token: str, access_token: str, now: datetime) -> None:
    """The refresh token first: with it the access token is over at many servers."""
    endpoint.revoke(refresh_token, now, "refresh_token")
    endpoint.revoke(access_token, now)
