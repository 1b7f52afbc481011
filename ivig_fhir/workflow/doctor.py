"""Doctor: what one EHR supports and how the app would work with it; reads only, signs nobody in, and says what it could not see."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit

from ivig_fhir.chart.queries import TYPES
from ivig_fhir.ehr.client import FhirClient
from ivig_fhir.ehr.examination import Examination, Remark, State, examine
from ivig_fhir.ehr.modes import WRITTEN
from ivig_fhir.errors import FhirError, ResourceGone
from ivig_fhir.smart.credentials import Credentials
from ivig_fhir.smart.issuers import Issuer, safe_address
from ivig_fhir.smart.scopes import allowed
from ivig_fhir.workflow.doctor_backend import BackendLook, examine_backend
from ivig_fhir.workflow.doctor_sign_in import SignIn, examine_sign_in

_INTERACTIONS = {"c": "create", "r": "read", "u": "update", "s": "search"}
_WORST_FIRST: tuple[State, ...] = ("problem", "unseen", "note", "ok")
_UNNAMED = "<your-client-id>"
# Beyond the table of searches: the patient, who signs in and in what role, medications that are referred to.
_BEFORE = ("Patient", "Practitioner", "PractitionerRole", "Medication")


@dataclass(frozen=True)
class Report:
    """What was found about one FHIR base or issuer; `listed` says whether it stands in the issuer table."""

    issuer: Issuer
    listed: bool
    redirect_uri: str
    sign_in: SignIn | None
    server: Examination
    remarks: tuple[Remark, ...]
    backend: BackendLook | None = None

    @property
    def outcome(self) -> State:
        """The gravest that was found: problem, else unseen, else note, else ok."""
        return next((state for state in _WORST_FIRST if any(r.state == state for r in self.remarks)), "ok")

    def to_json(self) -> dict[str, Any]:
        """Plain JSON data, without patient data."""
        found = self.sign_in.configuration if self.sign_in else None
        mode = self.server.mode
        return {
            "schema": "ivig-fhir/doctor/1",
            "iss": self.issuer.iss,
            "name": self.issuer.name if self.listed else None,
            "listed": self.listed,
            "outcome": self.outcome,
            "software": self.server.capabilities.software,
            "fhir_version": self.server.capabilities.fhir_version,
            "profile": self.server.known.name,
            "endpoints": {"authorize": found.authorization_endpoint, "token": found.token_endpoint, "revoke": found.revocation_endpoint}
            if found
            else None,
            "redirect_uri": self.issuer.redirect_uri or self.redirect_uri,
            "scopes": {"order": list(self.sign_in.order), "pharmacy": list(self.sign_in.pharmacy)} if self.sign_in else None,
            "backend": self.backend.to_json() if self.backend else None,
            "interactions": self.interactions,
            "write_mode": {"mode": mode.mode, "reason": mode.reason, "creates": sorted(mode.abilities.creates or ())},
            "remarks": [{"id": r.id, "state": r.state, "said": r.said, "remedy": r.remedy} for r in self.remarks],
            "entry": self.entry or None,
        }

    @property
    def interactions(self) -> dict[str, list[str]]:
        """What the server declares for each type that the app reads or writes."""
        types = dict.fromkeys((*_BEFORE, *TYPES, *WRITTEN))
        return {t: sorted(self.server.capabilities.type(t).interactions) for t in types}

    @property
    def entry(self) -> str:
        """What could stand in the issuer table for this server; "" where it stands there, or where nobody answered."""
        if self.listed or not self.server.capabilities.known:
            return ""
        lines = ["[[issuer]]", f'iss = "{self.issuer.iss}"', f'name = "{self.server.known.title}"']
        found = self.sign_in.configuration if self.sign_in else None
        if found is not None and self.sign_in is not None:
            lines += [f'client_id = "{_UNNAMED}"', 'auth = "public"', 'default_role = "stranger"']
            lines += [f"endpoint_hosts = [{_quoted(self.sign_in.hosts)}]"] if self.sign_in.hosts else []
        lines += [f'profile = "{self.server.known.name}"']
        if found is None:
            people = (("prescriber", "Test Prescriber"), ("pharmacist", "Test Pharmacist"))
            lines += ["[issuer.development]"]
            lines += [f'{role} = {{ reference = "Practitioner/ivig-test-{role}", display = "{name}" }}' for role, name in people]
        return "\n".join(lines)


def diagnose(
    http: Any,
    iss: str,
    entries: Iterable[Issuer],
    redirect_uri: str,
    credentials: Credentials,
    now: datetime,
    token: str,
    patient: str | None,
) -> Report:
    """Everything that can be seen of a FHIR base or an issuer from here.

    `entries` are the issuer table; an address that is not in it is examined all the same, for this is a command of the administrator's,
    and the app itself refuses it. `token` is a bearer token or "", `patient` the id of one whose chart may be read for control.
    """
    issuer = next((entry for entry in entries if entry.iss == iss), None)
    listed = issuer is not None
    issuer = issuer or Issuer(iss, urlsplit(iss).netloc, client_id=_UNNAMED)
    sign_in = None if issuer.development else examine_sign_in(http, issuer, listed, redirect_uri, credentials, now)
    client = FhirClient(iss.rstrip("/"), http, lambda: token or None)
    server = examine(client, issuer.profile if listed else "", _granted(sign_in), patient)
    backend = examine_backend(issuer, sign_in.configuration if sign_in else None, credentials, now)
    own = [backend.remark] if backend else []
    remarks = [_table(issuer, listed), *(sign_in.remarks if sign_in else _open_server(client, issuer)), *own, *server.remarks]
    return Report(issuer, listed, redirect_uri, sign_in, server, tuple(remarks), backend)


def _granted(sign_in: SignIn | None) -> Mapping[tuple[str, str], str]:
    """What could be done if everything that is asked were granted; everything on a server without a sign-in."""
    if sign_in is None or sign_in.configuration is None:
        return {(t, letter): "yes" for t in WRITTEN for letter in _INTERACTIONS}
    scope = " ".join(sign_in.order)
    return {(t, letter): allowed(scope, t, name).answer for t in WRITTEN for letter, name in _INTERACTIONS.items()}


def _table(issuer: Issuer, listed: bool) -> Remark:
    if not safe_address(issuer.iss):
        said = "The app would not accept this address: it must be https (http on this machine only), without user, query or fragment."
        return Remark("table", "problem", said, "Use the https address of this server.")
    if listed:
        return Remark("table", "ok", f"{issuer.name} stands in the issuer table.")
    return Remark("table", "note", "It is not in the issuer table, so the app refuses it.", "Put the entry below into the table.")


def _open_server(client: FhirClient, issuer: Issuer) -> list[Remark]:
    """What a development entry makes of a server, and whether its test users are known there."""
    said = "An open development server: nobody signs in, and every page says so."
    remarks = [Remark("discovery", "note", said, "Never for real patients; a production installation refuses this entry.")]
    for user in (issuer.prescriber, issuer.pharmacist):
        if user is None:
            continue
        try:
            client.read(user.reference)
        except ResourceGone:
            remarks.append(Remark("test-user", "ok", f"{user.reference} is not there yet; it is made when it signs for the first time."))
        except FhirError as error:
            remarks.append(Remark("test-user", "unseen", f"{user.reference}: {error.message}"))
        else:
            remarks.append(Remark("test-user", "ok", f"{user.reference} is there."))
    return remarks


def _quoted(texts: Iterable[str]) -> str:
    return ", ".join(f'"{text}"' for text in texts)
