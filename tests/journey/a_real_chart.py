"""One real chart on the whole path: loaded into the EHR, launched, approved with reasons, verified; and what came of it as a line of a table."""

from __future__ import annotations

import gzip
from collections.abc import Iterator, Sequence
from dataclasses import astuple, dataclass
from pathlib import Path
from typing import Any

from journey.a_hospital import ISS, Hospital, Tab

from ivig_fhir.fhir.building import decode
from ivig_fhir.fhir.quantity import plain

REASON = {"code": "9", "note": "Seen with the consultant; what is old is drawn again today."}
COLUMNS = ("chart", "patient", "for", "weight used", "each infusion, or why there is no order", "receipt", "verified")
VERIFIED = "yes, active"
Json = dict[str, Any]


@dataclass(frozen=True)
class Outcome:
    """What came of one patient of one chart for one indication; `receipt` and `verified` are empty where there was no order."""

    chart: str
    patient: str
    indication: str
    weight: str
    proposed: str
    receipt: str = ""
    verified: str = ""


def is_verified(outcome: Outcome) -> bool:
    """Ordered, and active in the EHR."""
    return outcome.verified == VERIFIED


def lacks_data(outcome: Outcome) -> bool:
    """Not ordered, because the chart lacks what a dose needs."""
    return outcome.proposed.startswith("data-required")


def is_stopped(outcome: Outcome) -> bool:
    """Not ordered, because a check stops it."""
    return outcome.proposed.startswith("stopped")


def charts(folder: Path) -> list[Path]:
    """Every file that holds charts, by name."""
    return sorted(p for p in folder.rglob("*") if p.name.endswith((".json", ".json.gz")))


def loaded(at: Hospital, chart: Path) -> list[str]:
    """The ids of a file's patients, whose charts the EHR then holds."""
    data = chart.read_bytes()
    found: list[str] = at.load(gzip.decompress(data) if chart.suffix == ".gz" else data)["patients"]
    return found


def walked(at: Hospital, chart: str, patient: str, indications: Sequence[str]) -> Iterator[Outcome]:
    """One patient for each indication, one order after the other."""
    for indication in indications:
        tab = launched(at, patient, indication)
        proposal = tab.json["proposal"]
        said = (chart, patient, indication, _weight(proposal))
        if proposal["outcome"] == "proposed":
            receipt = _receipt(signed(tab, proposal))
            yield Outcome(*said, f"{proposal['dose']['per_infusion_g']} g", receipt, verified(at, patient, tab.run, proposal))
        else:
            assert "Approve order" not in tab.page.buttons, said
            stops = [f["check"] for f in proposal["findings"] if f["severity"] == "hard-stop"]
            yield Outcome(*said, f"{proposal['outcome']}: {', '.join(stops)}")


def launched(at: Hospital, patient: str, indication: str) -> Tab:
    """A prescriber's page with that indication chosen."""
    tab = at.tab(patient)
    assert tab.page.status == 200, tab.page.text[:300]
    assert tab.post("propose", {"indication": indication}).status == 200
    tab.go("./")
    assert tab.page.status == 200, tab.page.text[:300]
    return tab


def signed(tab: Tab, proposal: Json) -> Json:
    """The receipt after an approval with a reason for each finding that asks for one. The EHR has stored everything."""
    asked = [f["check"] for f in proposal["findings"] if f["severity"] == "override"]
    answer = tab.post("approve", {"digest": proposal["digest"], "overrides": [{"check": c, **REASON} for c in asked]})
    assert answer.status == 200, answer.text[:400]
    assert answer.json["state"] == "sent", answer.json["receipt"]
    receipt: Json = answer.json["receipt"]
    return receipt


def verified(at: Hospital, patient: str, run: str, proposal: Json) -> str:
    """What the EHR says of the order after the pharmacist's "Verify", the second calculation having agreed."""
    pharmacist = at.tab(patient, "pharmacist", target="pharmacy")
    pharmacist.go(f"{run}/")
    assert "Second calculation agrees" in pharmacist.page.text, pharmacist.page.text[:400]
    pharmacist.press("Verify")
    assert pharmacist.json["state"] == "verified", pharmacist.page.text[:400]
    order = _stored(at, patient, run)
    [dose] = [d for d in order["dosageInstruction"][0]["doseAndRate"] if d["type"]["coding"][0]["code"] == "ordered"]
    assert plain(dose["doseQuantity"]["value"]) == plain(decode(proposal["dose"]["per_infusion_g"]))
    assert order["status"] == "active"
    return VERIFIED


def _stored(at: Hospital, patient: str, run: str) -> Json:
    """The order of a run as the EHR gives it to anybody."""
    headers = {"Authorization": f"Bearer {at.token('nurse', patient)}"}
    asked = {"patient": patient, "status": "active", "identifier": f"urn:ietf:rfc:3986|urn:uuid:{run}"}
    found = decode(at.http.get(f"{ISS}/MedicationRequest", params=asked, headers=headers).content)
    [order] = [e["resource"] for e in found["entry"]]
    assert isinstance(order, dict)
    return order


def _weight(proposal: Json) -> str:
    used = proposal["weight"]
    return f"{used['dosing_kg']} kg, {used['used']}, {used['source']}" if used["dosing_kg"] else "none"


def _receipt(receipt: Json) -> str:
    there = sum(p["state"] in ("stored", "already-there") for p in receipt["parts"])
    lost = sum(x["essential"] and x["result"] in ("lost", "changed") for x in receipt["lines"])
    return f"{there} of {len(receipt['parts'])} parts stored, {lost} of {len(receipt['lines'])} fields lost"


def table(outcomes: Sequence[Outcome]) -> str:
    """The outcomes as the rows of a page."""
    rows = [COLUMNS, ("---",) * len(COLUMNS), *map(astuple, outcomes)]
    return "".join(f"| {' | '.join(row)} |\n" for row in rows)
