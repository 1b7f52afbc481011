"""What one server does where FHIR servers differ: each probe asks it once, over plain HTTP, and says what came back."""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable
from typing import Any

import requests
from peers.a_peer import Peer

from ivig_fhir.ehr.profiles import recognised

_SYSTEM = "urn:ietf:rfc:3986"
_JSON = {"Content-Type": "application/fhir+json", "Accept": "application/fhir+json"}
Resource = dict[str, Any]


class Probe:
    """One server, asked past its caches unless a probe is about them."""

    def __init__(self, peer: Peer) -> None:
        self.base = peer.base
        self.http = requests.Session()

    def ask(self, method: str, where: str, body: Any = None, **headers: str) -> requests.Response:
        """One request; underscores in a header's name stand for hyphens."""
        sent = {**_JSON, "Cache-Control": "no-cache", **{k.replace("_", "-"): v for k, v in headers.items()}}
        data = json.dumps(body).encode() if isinstance(body, dict) else body
        return self.http.request(method, f"{self.base}/{where}".rstrip("/"), data=data, headers=sent, timeout=180)

    def made(self, resource: Resource) -> Resource:
        """A resource that was just created."""
        answer = self.ask("POST", resource["resourceType"], resource)
        assert answer.status_code == 201, answer.text[:300]
        found: Resource = answer.json()
        return found

    def found(self, where: str, **headers: str) -> int:
        """How many a search finds."""
        return sum(e.get("search", {}).get("mode") != "outcome" for e in self.ask("GET", where, **headers).json().get("entry", []))


def _patient(**more: Any) -> Resource:
    return {"resourceType": "Patient", "active": True, **more}


def _named() -> tuple[str, Resource]:
    value = f"urn:uuid:{uuid.uuid4()}"
    return value, _patient(identifier=[{"system": _SYSTEM, "value": value}])


def _software(probe: Probe) -> str:
    said = probe.ask("GET", "metadata").json().get("software", {})
    called = f"{said.get('name', '')} {said.get('version', '')}".strip()
    return f"{called}; profile {recognised(called) or 'none of its own'}"


def _etag(probe: Probe) -> str:
    return probe.ask("GET", f"Patient/{probe.made(_patient())['id']}").headers.get("ETag", "none").replace("-", "")[:12]


def _stale(probe: Probe) -> str:
    held = probe.made(_patient())
    first = held["meta"]["versionId"]
    probe.ask("PUT", f"Patient/{held['id']}", {**held, "active": False})
    return str(probe.ask("PUT", f"Patient/{held['id']}", {**held, "gender": "male"}, If_Match=f'W/"{first}"').status_code)


def _conditional(probe: Probe) -> str:
    value, patient = _named()
    answers = [probe.ask("POST", "Patient", patient, If_None_Exist=f"identifier={_SYSTEM}|{value}").status_code for _ in range(2)]
    return " then ".join(map(str, answers))


def _rollback(probe: Probe) -> str:
    value, patient = _named()
    held = probe.made(_patient())
    entries = [
        {"fullUrl": f"urn:uuid:{uuid.uuid4()}", "resource": patient, "request": {"method": "POST", "url": "Patient"}},
        {"resource": {**held, "gender": "male"}, "request": {"method": "PUT", "url": f"Patient/{held['id']}", "ifMatch": 'W/"77"'}},
    ]
    answer = probe.ask("POST", "", {"resourceType": "Bundle", "type": "transaction", "entry": entries})
    left = probe.found(f"Patient?identifier={_SYSTEM}|{value}")
    return f"{answer.status_code}; {'what went before stays' if left else 'nothing stays'}"


def _anchor(probe: Probe) -> str:
    """An order is its run's identifier and its entry's fullUrl; a server that takes one for the other loses the order."""
    value, patient = _named()
    entry = {"fullUrl": value, "resource": patient, "request": {"method": "POST", "url": "Patient"}}
    probe.ask("POST", "", {"resourceType": "Bundle", "type": "transaction", "entry": [entry]})
    kept = probe.found(f"Patient?identifier={_SYSTEM}|{value}") == 1
    return "kept" if kept else "replaced by Type/id, so that it is not found any more"


def _bare(probe: Probe) -> str:
    patient = probe.made(_patient())["id"]
    probe.made({"resourceType": "Condition", "subject": {"reference": f"Patient/{patient}"}, "code": {"text": "x"}})
    forms = {form: probe.found(f"Condition?patient={form}{patient}") for form in ("", "Patient/")}
    return f"bare id: {forms['']}; Patient/id: {forms['Patient/']}"


def _digits(probe: Probe) -> str:
    body = (
        b'{"resourceType":"Observation","status":"final","code":{"text":"x"},"valueQuantity":{"value":0.10,"unit":"g",'
        b'"system":"http://unitsofmeasure.org","code":"g"}}'
    )
    made = probe.ask("POST", "Observation", body).json()
    text = probe.ask("GET", f"Observation/{made['id']}").text.replace(" ", "")
    stored = text.partition('"value":')[2].partition(",")[0]
    return f"0.10 becomes {stored}"


def _unknown(probe: Probe) -> str:
    return str(probe.ask("GET", "Patient?no-such-parameter=1").status_code)


def _cache(probe: Probe) -> str:
    value, patient = _named()
    where = f"Patient?identifier={_SYSTEM}|{value}"
    asked = {"Cache_Control": "max-age=60"}
    probe.found(where, **asked)
    probe.made(patient)
    return "an equal search still finds nothing" if probe.found(where, **asked) == 0 else "none seen"


def _bound(probe: Probe) -> str:
    return str(probe.ask("POST", "Patient", _patient(gender="neither")).status_code)


def _required(probe: Probe) -> str:
    return str(probe.ask("POST", "Observation", {"resourceType": "Observation", "status": "final"}).status_code)


def _dangling(probe: Probe) -> str:
    return str(probe.ask("POST", "Condition", {"resourceType": "Condition", "subject": {"reference": "Patient/nobody-at-all"}}).status_code)


def _group(probe: Probe) -> str:
    declared = {r["type"]: r for r in probe.ask("GET", "metadata").json()["rest"][0]["resource"]}
    missing = [
        t for t in ("MedicationRequest", "ServiceRequest", "DetectedIssue", "RequestGroup", "Provenance", "Task") if t not in declared
    ]
    return f"all but {', '.join(missing)}" if missing else "all"


PROBES: tuple[tuple[str, Callable[[Probe], str]], ...] = (
    ("It calls itself", _software),
    ("Types of an order that it declares", _group),
    ("ETag of a read", _etag),
    ("Update over a version that is gone", _stale),
    ("The same If-None-Exist twice", _conditional),
    ("A transaction whose last entry fails", _rollback),
    ("An identifier that equals its entry's fullUrl", _anchor),
    ("Search by patient", _bare),
    ("Decimals", _digits),
    ("Unknown search parameter", _unknown),
    ("Search cache", _cache),
    ("A code outside a required binding", _bound),
    ("A required element missing", _required),
    ("A reference to nobody", _dangling),
)


def probed(peer: Peer) -> dict[str, str]:
    """What every probe saw."""
    asked = Probe(peer)
    return {name: probe(asked) for name, probe in PROBES}
