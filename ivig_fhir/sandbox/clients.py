"""The apps registered in this EHR, and how each proves who it is."""

from __future__ import annotations

import re
from dataclasses import dataclass
from hmac import compare_digest

_LOOPBACK = re.compile(r"https?://(127\.0\.0\.1|localhost)(:\d{1,5})?/callback")
_NOWHERE = re.compile(r"(?!)")  # nobody ever comes back to it


@dataclass(frozen=True, slots=True)
class Client:
    """A registered app: its id, a secret when it has one, the redirect addresses it may use, the path of its keys when it has some.

    `letters` are what it may do by itself, with nobody signed in, on any type ("": nothing).
    """

    id: str
    secret: str | None
    redirects: re.Pattern[str]
    keys: str | None = None
    letters: str = ""

    @property
    def public(self) -> bool:
        """Whether it can prove nothing beyond its id."""
        return self.secret is None and self.keys is None

    def may_return_to(self, address: str) -> bool:
        """Whether an address is one of the registered redirect addresses, as a whole."""
        return self.redirects.fullmatch(address) is not None

    def proves(self, secret: str | None) -> bool:
        """Whether the secret is right: none at all for a public app; never for one that has to sign."""
        if self.keys is not None:
            return False
        if self.secret is None or secret is None:
            return self.secret is secret
        return compare_digest(self.secret.encode(), secret.encode())


# Demonstration only: the secret is public, and any port of this machine may be the app's.
CLIENTS: tuple[Client, ...] = (
    Client("ivig-fhir", None, _LOOPBACK),
    Client("ivig-fhir-confidential", "sandbox-demonstration-secret", _LOOPBACK),
    Client("ivig-fhir-asymmetric", None, _LOOPBACK, keys="/.well-known/jwks.json"),
    Client("ivig-fhir-backend", None, _NOWHERE, keys="/.well-known/jwks.json", letters="crs"),
)


def client(id_: str | None) -> Client | None:
    """The registered app of an id."""
    return next((one for one in CLIENTS if one.id == id_), None)
