"""The parts of one sandbox, wired by hand, and how a request finds them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import cast

import requests
from flask import current_app

from ivig_fhir.sandbox.database import Database
from ivig_fhir.sandbox.handles import Handles
from ivig_fhir.sandbox.interactions import Server
from ivig_fhir.sandbox.keys import SigningKey
from ivig_fhir.sandbox.settings import SandboxSettings
from ivig_fhir.sandbox.store import Store

NAME = "sandbox"


@dataclass(frozen=True, slots=True)
class Sandbox:
    """One EHR: its settings, what it keeps, its key, its clock, and the session in which it fetches the keys of apps."""

    settings: SandboxSettings
    database: Database
    store: Store
    handles: Handles
    key: SigningKey
    now: Callable[[], datetime]
    started: str
    http: requests.Session

    @property
    def server(self) -> Server:
        """What the FHIR interactions need of it."""
        return Server(self.store, self.handles, self.now)

    @property
    def authorize_url(self) -> str:
        """The SMART authorization endpoint."""
        return f"{self.settings.base_url}/auth/authorize"

    @property
    def token_url(self) -> str:
        """The SMART token endpoint."""
        return f"{self.settings.base_url}/auth/token"

    @property
    def revoke_url(self) -> str:
        """Where tokens are handed back."""
        return f"{self.settings.base_url}/auth/revoke"

    @property
    def introspect_url(self) -> str:
        """Where it is told what a token is good for."""
        return f"{self.settings.base_url}/auth/introspect"

    @property
    def jwks_url(self) -> str:
        """Where the signing key is published."""
        return f"{self.settings.base_url}/auth/jwks"


def current() -> Sandbox:
    """The sandbox that serves the request under way."""
    return cast(Sandbox, current_app.extensions[NAME])
