"""Backend services: a token for the app itself, with nobody signed in, kept in this process's memory and nowhere else."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta

from ivig_fhir.smart.issuers import Backend, Issuer
from ivig_fhir.smart.scopes import delivering
from ivig_fhir.smart.signin import SmartClient
from ivig_fhir.smart.token import TokenResponse

AHEAD = timedelta(seconds=60)


class AppBearer:
    """The app's own token at one EHR whose entry names a backend client: asked for when it is needed, and anew a minute before it ends.

    Errors of its methods: DiscoveryFailed, TokenFailed, SettingsError where no key of ours signs.
    See: SMART App Launch 2.2, backend services.
    """

    def __init__(self, client: SmartClient, issuer: Issuer, backend: Backend, now: Callable[[], datetime]) -> None:
        self._client = client
        self._issuer = issuer
        self._backend = backend
        self._now = now
        self._lock = threading.Lock()
        self._kept: TokenResponse | None = None

    def grant(self) -> TokenResponse:
        """The token with what it grants, which may be less than was asked."""
        with self._lock:
            if self._kept is None or self._kept.expires_at - self._now() <= AHEAD:
                self._kept = self._asked()
            return self._kept

    def token(self) -> str:
        """The bearer of one request."""
        return self.grant().access_token

    def renew(self, refused: str | None) -> bool:
        """Whether there is another token now than the one that the EHR refused."""
        with self._lock:
            if self._kept is None or self._kept.access_token == refused:
                self._kept = self._asked()
            return self._kept.access_token != refused

    def _asked(self) -> TokenResponse:
        backend, now = self._backend, self._now()
        endpoint = self._client.endpoint(self._issuer, now)
        known, declared = self._issuer.scope_version, endpoint.configuration.scope_version
        scopes = backend.scopes or delivering(declared if known == "auto" else known)
        as_app = replace(
            self._issuer, client_id=backend.client_id, auth="private_key_jwt", client_secret="", signing_alg=backend.signing_alg
        )
        return replace(endpoint, issuer=as_app).for_the_app(" ".join(scopes), now)
