"""Two small charts, a clock that stands still, and clients that speak to a sandbox in process."""

from __future__ import annotations

import base64
import hashlib
import json
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import requests
from flask import Flask

from ivig_fhir.sandbox.adapter import SandboxAdapter
from ivig_fhir.sandbox.parts import NAME, Sandbox

BASE = "http://127.0.0.1:5001"
FHIR = f"{BASE}/fhir"
CALLBACK = "http://127.0.0.1:5000/callback"
VERIFIER = "v" * 64
LOINC = "http://loinc.org"
WEIGHT = {"coding": [{"system": LOINC, "code": "29463-7"}], "text": "Body weight"}
CATEGORY = "http://terminology.hl7.org/CodeSystem/observation-category"


def challenge(verifier: str = VERIFIER) -> str:
    """The S256 challenge of a verifier."""
    return base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()


def bundle(*resources: dict[str, Any], type_: str = "collection") -> dict[str, Any]:
    """A Bundle of resources."""
    return {"resourceType": "Bundle", "type": type_, "entry": [{"resource": one} for one in resources]}


def patient(id_: str, family: str, **more: Any) -> dict[str, Any]:
    """A patient."""
    return {"resourceType": "Patient", "id": id_, "name": [{"family": family, "given": ["Ada", "Béa"]}], "birthDate": "1980-02-29", **more}


def observation(id_: str, who: str, when: str, category: str = "vital-signs", **more: Any) -> dict[str, Any]:
    """A weight."""
    return {
        "resourceType": "Observation",
        "id": id_,
        "status": "final",
        "category": [{"coding": [{"system": CATEGORY, "code": category}]}],
        "code": WEIGHT,
        "subject": {"reference": f"Patient/{who}"},
        "effectiveDateTime": when,
        "valueQuantity": {"value": 82, "unit": "kg", "system": "http://unitsofmeasure.org", "code": "kg"},
        **more,
    }


def order(**more: Any) -> dict[str, Any]:
    """A draft order for the first patient."""
    return {
        "resourceType": "MedicationRequest",
        "status": "draft",
        "intent": "order",
        "subject": {"reference": "Patient/one"},
        "medicationCodeableConcept": {"text": "immune globulin 10 %"},
        "identifier": [{"system": "urn:ietf:rfc:3986", "value": "urn:uuid:1b4e28ba-2fa1-11d2-883f-0016d3cca427"}],
        **more,
    }


ONE = (
    patient("one", "Muster", gender="female", identifier=[{"system": "urn:mrn", "value": "M1"}]),
    {
        "resourceType": "Encounter",
        "id": "visit",
        "status": "in-progress",
        "class": {"code": "AMB"},
        "subject": {"reference": "Patient/one"},
        "period": {"start": "2026-03-02T08:00:00Z"},
    },
    observation("w1", "one", "2026-01-10"),
    observation("w2", "one", "2026-02-10T09:00:00Z"),
    observation("w3", "one", "2026-03-01"),
    observation("lab", "one", "2026-02-20", "laboratory", code={"coding": [{"system": LOINC, "code": "2160-0"}], "text": "Creatinine"}),
    {
        "resourceType": "AllergyIntolerance",
        "id": "penicillin",
        "patient": {"reference": "Patient/one"},
        "code": {"text": "Penicillin"},
        "clinicalStatus": {"coding": [{"code": "active"}]},
    },
)
TWO = (patient("two", "Zweite"), observation("other", "two", "2026-02-01"))


class Clock:
    """A clock that moves only when told."""

    def __init__(self) -> None:
        self.time = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)

    def __call__(self) -> datetime:
        """The time."""
        return self.time

    def forward(self, seconds: float) -> None:
        """Some seconds later."""
        self.time += timedelta(seconds=seconds)


class Ehr:
    """The sandbox as a client sees it."""

    def __init__(self, app: Flask, clock: Clock) -> None:
        self.app = app
        self.clock = clock
        self.http = requests.Session()
        self.http.mount(BASE, SandboxAdapter(app))

    @property
    def parts(self) -> Sandbox:
        """What is behind the surface."""
        found: Sandbox = self.app.extensions[NAME]
        return found

    def load(self, *resources: dict[str, Any]) -> requests.Response:
        """Loads a chart."""
        return self.http.post(f"{BASE}/ehr/patients", json=bundle(*resources))

    def token(self, user: str = "prescriber", **parameters: str) -> dict[str, Any]:
        """A token response."""
        answer = self.http.get(f"{BASE}/ehr/token", params={"user": user, **parameters})
        assert answer.status_code == 200, answer.text
        found: dict[str, Any] = answer.json()
        return found

    def client(self, user: str = "prescriber", **parameters: str) -> Fhir:
        """A FHIR client with a token of its own."""
        return Fhir(self, self.token(user, **parameters)["access_token"])

    def authorize(self, **changes: str | None) -> requests.Response:
        """An authorization request, without following redirects; a change to None leaves a parameter out."""
        asked: dict[str, str | None] = {
            "response_type": "code",
            "client_id": "ivig-fhir",
            "redirect_uri": CALLBACK,
            "scope": "openid fhirUser launch patient/*.cruds user/*.cruds",
            "state": "the-state",
            "nonce": "the-nonce",
            "aud": FHIR,
            "code_challenge": challenge(),
            "code_challenge_method": "S256",
            **changes,
        }
        parameters = {name: value for name, value in asked.items() if value is not None}
        return self.http.get(f"{BASE}/auth/authorize", params=parameters, allow_redirects=False)

    def launch(self, **parameters: str) -> str:
        """The launch parameter that the EHR hands to the app."""
        asked = {"user": "prescriber", "patient": "one", **parameters}
        answer = self.http.get(f"{BASE}/ehr/launch", params=asked, allow_redirects=False)
        assert answer.status_code == 302, answer.text
        return query(answer)["launch"]

    def exchange(self, code: str, auth: tuple[str, str] | None = None, **changes: str) -> requests.Response:
        """A token request."""
        form = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": CALLBACK,
            "code_verifier": VERIFIER,
            **({} if auth else {"client_id": "ivig-fhir"}),
            **changes,
        }
        return self.http.post(f"{BASE}/auth/token", data=form, auth=auth)


class Fhir:
    """FHIR with one token."""

    def __init__(self, ehr: Ehr, token: str) -> None:
        self._ehr = ehr
        self.headers = {"Authorization": f"Bearer {token}"}

    def get(self, path: str, headers: dict[str, str] | None = None, **parameters: Any) -> requests.Response:
        """A read or a search."""
        address = path if path.startswith("http") else f"{FHIR}/{path}".rstrip("/")
        return self._ehr.http.get(address, params=parameters, headers={**self.headers, **(headers or {})})

    def send(self, method: str, path: str, body: Any, **headers: str) -> requests.Response:
        """A write; header names with underscores for hyphens."""
        text = body if isinstance(body, str) else json.dumps(body)
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        sent = {"Content-Type": "application/fhir+json", **self.headers, **named}
        return self._ehr.http.request(method, f"{FHIR}/{path}".rstrip("/"), data=text.encode(), headers=sent)

    def ids(self, path: str, **parameters: Any) -> list[str]:
        """Ids of the matches of a search, all pages."""
        return [resource["id"] for resource in self.matches(path, **parameters)]

    def matches(self, path: str, **parameters: Any) -> list[dict[str, Any]]:
        """The matches of a search, all pages."""
        answer = self.get(path, **parameters)
        found: list[dict[str, Any]] = []
        while True:
            assert answer.status_code == 200, answer.text
            body = answer.json()
            found += [entry["resource"] for entry in body.get("entry", []) if entry["search"]["mode"] == "match"]
            following = [link["url"] for link in body["link"] if link["relation"] == "next"]
            if not following:
                return found
            answer = self.get(following[0])


def query(answer: requests.Response) -> dict[str, str]:
    """The parameters of the address that an answer redirects to."""
    return dict(parse_qsl(urlsplit(answer.headers["Location"]).query))


def issue(answer: requests.Response) -> dict[str, str]:
    """The one issue of an OperationOutcome."""
    body = answer.json()
    assert body["resourceType"] == "OperationOutcome", body
    found: dict[str, str] = body["issue"][0]
    return found
