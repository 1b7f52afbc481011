"""The doctor's look at the app's own credentials: whether `ivig-fhir deliver` would get a token with nobody signed in."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from ivig_fhir.ehr.examination import Remark
from ivig_fhir.errors import SettingsError
from ivig_fhir.smart.credentials import Credentials
from ivig_fhir.smart.discovery import SmartConfiguration
from ivig_fhir.smart.issuers import Backend, Issuer
from ivig_fhir.smart.scopes import delivering

GRANT, METHOD = "client_credentials", "private_key_jwt"


@dataclass(frozen=True)
class BackendLook:
    """The backend client of an entry: what the EHR offers it (yes, no, unnamed), the id of the key that would sign, the scopes asked."""

    client: Backend
    grant: str
    method: str
    key: str
    scopes: tuple[str, ...]

    def to_json(self) -> dict[str, Any]:
        """Plain JSON data; ids only, no key and no secret."""
        return {
            "client_id": self.client.client_id,
            "signing_alg": self.client.signing_alg,
            "key": self.key or None,
            GRANT: self.grant,
            METHOD: self.method,
            "scopes": list(self.scopes),
        }

    @property
    def remark(self) -> Remark:
        """The look in one remark. Nothing of it is more than a note: without a token of its own the app waits for a person's launch."""
        whose = "from its entry" if self.client.scopes else "the app's list"
        said = f"As {self.client.client_id}: {GRANT} {_SAID[self.grant]}, {METHOD} {_SAID[self.method]}; "
        said += f"{f'key {self.key}' if self.key else 'no key'} for {self.client.signing_alg}; {len(self.scopes)} system scopes, {whose}."
        if not self.key:
            return Remark("backend", "note", said, f"Make a key with `ivig-fhir keys new --algorithm {self.client.signing_alg}`. {_WAITS}")
        if "no" in (self.grant, self.method):
            return Remark("backend", "note", said, f"Ask the vendor for backend services. {_WAITS}")
        if not any(s.startswith("system/MedicationRequest.") for s in self.scopes):
            return Remark("backend", "note", said, f"Put system/MedicationRequest among its scopes. {_WAITS}")
        if "unnamed" in (self.grant, self.method):
            return Remark("backend", "note", said, "Nothing here; the first `ivig-fhir deliver` will tell.")
        return Remark("backend", "ok", said)


_WAITS = "Until then an order that has not left waits for a prescriber's launch."
_SAID = {"yes": "is offered", "no": "is not offered", "unnamed": "is not named"}


def examine_backend(issuer: Issuer, found: SmartConfiguration | None, credentials: Credentials, now: datetime) -> BackendLook | None:
    """What can be seen of `[issuer.backend]` without asking for a token; None where the entry has none.

    `found` is None where no sign-in could be read. See: SMART App Launch 2.2, backend services.
    """
    if issuer.backend is None:
        return None
    backend = issuer.backend
    declared = found.scope_version if found else "v2"
    version = declared if issuer.scope_version == "auto" else issuer.scope_version
    try:
        key = credentials.signing_key(backend.signing_alg, now)
    except SettingsError:  # without the store's own secret nobody can tell; the app then has no key that it could use
        key = None
    grants, methods = (found.grant_types, found.token_auth_methods) if found else ((), ())
    scopes = backend.scopes or delivering(version)
    return BackendLook(backend, _offered(GRANT, grants), _offered(METHOD, methods), key.kid if key else "", scopes)


def _offered(what: str, named: tuple[str, ...]) -> str:
    return "unnamed" if not named else "yes" if what in named else "no"
