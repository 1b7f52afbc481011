"""Real files as they lie there, and a record made of them: its chart, its proposal, each check of it."""

from __future__ import annotations

import gzip
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from typing import Any

from a_loopback import Asked, Said

from ivig_fhir.chart.snapshot import ChartSnapshot
from ivig_fhir.content.model import Content
from ivig_fhir.content.site import Site
from ivig_fhir.fhir.building import decode
from ivig_fhir.proposal.answer import answer
from ivig_fhir.proposal.findings import Finding
from ivig_fhir.proposal.model import Proposal
from ivig_fhir.proposal.propose import propose
from ivig_fhir.proposal.selections import parse_selections
from ivig_fhir.workflow.open_chart import chart_from_document

ROOT = Path(__file__).resolve().parents[2]
NOW = datetime(2026, 5, 15, 9, tzinfo=UTC)
EPIC, CERNER = "vendor/epic", "vendor/cerner"
LIN, CAMILA, SCATTERED, NICKEL = (
    f"{EPIC}/patient-{p}"
    for p in ("eq081-VQEgP8drUUqCWzHfw3", "erXuFYUfucBZaryVksYEcMg3", "eAB3mDIBBcyUKviyzrxsnAw3", "e0w0LEDCYtfckT6N.CkJKCw3")
)
SMART = f"{CERNER}/patient-12724066"
Json = dict[str, Any]


def load(path: Path) -> Any:
    """The JSON of a file, whether it is packed or not; numbers keep their digits."""
    held = path.read_bytes()
    return decode(gzip.decompress(held) if held.startswith(b"\x1f\x8b") else held)


def found(folder: Path, name: str) -> Path:
    """The file whose name begins so."""
    return next(p for p in sorted(folder.glob(f"{name}*")) if p.is_file())


def body(data: Path, folder: str, name: str) -> Json:
    """What a vendor's server said in one recorded answer."""
    held: Json = load(found(data / folder, name))["body"]
    return held


def bodies(data: Path, folder: str) -> list[Json]:
    """Everything that was recorded of a patient, with a bare Patient where none was."""
    kept = [load(p) for p in sorted((data / folder).glob("*.json*"))]
    said = [k["body"] for k in kept if "body" in k]
    if all(s["resourceType"] != "Patient" for s in said):
        said.append({"resourceType": "Patient", "id": folder.partition("/patient-")[2]})
    return said


def answers(data: Path, folder: str) -> list[tuple[str, int, Any]]:
    """The recorded answers of a patient as (address, status, body)."""
    kept = [load(p) for p in sorted((data / folder).glob("*.json*"))]
    return [(k["_request"]["url"], k["_request"]["status"], k["body"]) for k in kept if "body" in k]


def resources(document: Any, type_: str = "") -> Iterator[Json]:
    """The resources of a Bundle, of one type or of all."""
    listed = [e["resource"] for e in document.get("entry", []) if "resource" in e] if document["resourceType"] == "Bundle" else [document]
    return (r for r in listed if not type_ or r["resourceType"] == type_)


@dataclass(frozen=True)
class Read:
    """A record as the app reads it; the proposal is made when somebody asks."""

    content: Content
    document: Any
    patient: str | None
    now: datetime
    select: Json

    @cached_property
    def chart(self) -> ChartSnapshot:
        """The facts."""
        return chart_from_document(self.document, self.patient, self.content, self.now, Site())

    @cached_property
    def proposal(self) -> Proposal:
        """What is proposed for CIDP unless the test chose otherwise."""
        return propose(self.chart, parse_selections({"indication": "cidp", **self.select}), self.content, self.now, Site())

    @property
    def json(self) -> Json:
        """The proposal as its JSON."""
        return answer(self.proposal)

    def of(self, check: str) -> str:
        """How a check ended: a severity, "clear" or the reason why it was not assessed."""
        if check in self.proposal.clear:
            return "clear"
        fired = next((f.severity for f in self.proposal.findings if f.check == check), "")
        return fired or next(n.reason.value for n in self.proposal.not_assessed if n.check == check)

    def finding(self, check: str) -> Finding:
        """The finding of a check that fired."""
        return next(f for f in self.proposal.findings if f.check == check)

    def said(self, check: str) -> str:
        """All evidence of a check that fired, as one text."""
        return "; ".join(f"{e.reference}: {e.said}" for e in self.finding(check).evidence)


class Reader:
    """Makes records of documents."""

    def __init__(self, content: Content) -> None:
        self.content = content

    def __call__(self, *documents: Any, patient: str | None = None, now: datetime = NOW, **select: Any) -> Read:
        """One record of these documents or resources, read at `now`."""
        return Read(self.content, list(documents), patient, now, select)


def and_nothing_else(recorded: Any, patient: Json) -> Any:
    """A recorded server that also answers the Patient, and an empty list to every search of which nothing was recorded."""

    def answer(asked: Asked) -> Said:
        if asked.path == f"Patient/{patient['id']}":
            return Said(body=patient)
        said: Said = recorded(asked)
        return said if said.status != 404 else Said(body={"resourceType": "Bundle", "type": "searchset"})

    return answer
