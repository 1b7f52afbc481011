"""A clock that stands still, a wire that can be cut, and FHIR answers as data."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import requests
from requests.adapters import BaseAdapter

from ivig_fhir.ehr.capability import read_capabilities
from ivig_fhir.ehr.client import FhirClient
from ivig_fhir.ehr.modes import WRITTEN, WriteMode, write_mode
from ivig_fhir.ehr.profiles import profile
from ivig_fhir.ehr.retry import Patience

SANDBOX = "http://127.0.0.1:5001"
BASE = "https://ehr.example.org/fhir"
TOKEN = "the-token"
Send = Callable[[requests.PreparedRequest], requests.Response]


@dataclass
class Hours:
    """A clock that moves only when somebody sleeps."""

    now: float = 1000.0
    slept: list[float] = field(default_factory=list)

    def clock(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now += seconds

    def patience(self, **changes: Any) -> Patience:
        return Patience(clock=self.clock, sleep=self.sleep, chance=lambda: 0.0, **changes)


class Wire(BaseAdapter):
    """Between client and server: keeps every request, and lets a test answer one itself, cut it, or look away after it was stored."""

    def __init__(self, inner: BaseAdapter) -> None:
        super().__init__()
        self.inner = inner
        self.sent: list[requests.PreparedRequest] = []
        self.fault: Callable[[requests.PreparedRequest, Send], requests.Response] | None = None

    def send(self, request: requests.PreparedRequest, *args: Any, **kwargs: Any) -> requests.Response:
        self.sent.append(request)

        def through(asked: requests.PreparedRequest) -> requests.Response:
            return self.inner.send(asked, *args, **kwargs)

        return self.fault(request, through) if self.fault else through(request)

    def close(self) -> None:
        self.inner.close()

    def count(self, method: str, ending: str = "") -> int:
        """How many requests of a method went out to an address with that ending."""
        return sum(1 for r in self.sent if r.method == method and str(r.url).partition("?")[0].endswith(ending))


def mode_of(client: FhirClient, letters: str = "crus") -> WriteMode:
    """How the app would write to this server with everything granted."""
    granted = {(type_, letter): "yes" for type_ in WRITTEN for letter in letters}
    return write_mode(read_capabilities(client), granted, profile("sandbox"))


def outcome(code: str, text: str, severity: str = "error", coded: str = "") -> dict[str, Any]:
    """An OperationOutcome with one issue."""
    details: dict[str, Any] = {"text": text}
    if coded:
        details["coding"] = [{"system": "urn:oid:1.2.840.114350.1.13.0.1.7.2.657369", "code": coded}]
    return {"resourceType": "OperationOutcome", "issue": [{"severity": severity, "code": code, "details": details}]}


def bundle(*resources: dict[str, Any], following: str | None = None) -> dict[str, Any]:
    """A searchset; an OperationOutcome in it has the mode that it must have."""
    entries = [
        {"resource": r, "search": {"mode": "outcome" if r.get("resourceType") == "OperationOutcome" else "match"}} for r in resources
    ]
    made: dict[str, Any] = {"resourceType": "Bundle", "type": "searchset", "entry": entries}
    if following:
        made["link"] = [{"relation": "next", "url": following}]
    return made


def condition(id_: str, patient: str = "p1") -> dict[str, Any]:
    """A Condition of a patient."""
    return {"resourceType": "Condition", "id": id_, "subject": {"reference": f"Patient/{patient}"}, "code": {"text": "CIDP"}}
