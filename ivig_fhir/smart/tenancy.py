"""Tenancy: where a patient's or a person's id means what it says: one FHIR base, and one tenant of it where the EHR names one."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass

_NAME = re.compile(r"[A-Za-z0-9._-]{1,60}")


@dataclass(frozen=True, slots=True)
class Tenancy:
    """The place that an order belongs to. `tenant` is "" where the EHR names none; never the EHR's own text unless that is a plain name."""

    iss: str
    tenant: str = ""

    @classmethod
    def of(cls, iss: str, said: str) -> Tenancy:
        """The tenancy that a token response names.

        A text that is no plain name stands as its digest: as much a key of its own, and safe to keep and to print. The colon of a
        digest is in no name, so that neither can pass for the other.
        """
        plain = not said or _NAME.fullmatch(said)
        return cls(iss, said if plain else "sha256:" + hashlib.sha256(said.encode("utf-8", "surrogatepass")).hexdigest())

    def __str__(self) -> str:
        return f"{self.iss} tenant {self.tenant}" if self.tenant else self.iss
