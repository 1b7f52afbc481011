"""Earlier infusions on the pharmacist's page: newest first, with lot and rate where the record has them."""

from __future__ import annotations

from datetime import UTC
from typing import Any

from ivig_fhir.chart.bundle import from_documents
from ivig_fhir.chart.read import read_chart
from ivig_fhir.chart.snapshot import ChartSnapshot
from ivig_fhir.web.earlier_infusions import earlier_infusions, reactions
from tests.a_case import content
from tests.a_record import NOW, infused, quiet


def chart(*added: dict[str, Any]) -> ChartSnapshot:
    """The quiet record with these instead of its own infusion."""
    kept = [r for r in quiet().values() if r["resourceType"] != "MedicationAdministration"]
    return read_chart(from_documents([*kept, *added]), content(), NOW, UTC)


def documented() -> dict[str, Any]:
    """An infusion with its lot and its highest rate."""
    made = {**infused("2026-02-11T10:00:00Z"), "id": "newer"}
    made["contained"] = [{"resourceType": "Medication", "id": "m", "batch": {"lotNumber": "LOT-7"}}]
    made["dosage"] = {**made["dosage"], "rateQuantity": {"value": 280, "unit": "mL/h"}}
    return made


def test_infusions_are_listed_newest_first_with_lot_and_rate() -> None:
    found = earlier_infusions(chart(infused("2026-01-28T10:00:00Z"), documented()), content())
    assert [x.said for x in found] == [
        "Gamunex-C, Wed 11 Feb 2026, 70 g, lot LOT-7, at 280 mL/h",
        "Gamunex-C, Wed 28 Jan 2026, 70 g, lot not recorded",
    ]


def test_an_infusion_without_date_or_grams_says_so_and_comes_last() -> None:
    bare = {k: v for k, v in infused("2026-01-28T10:00:00Z").items() if k not in ("effectiveDateTime", "dosage")} | {"id": "bare"}
    found = earlier_infusions(chart(bare, documented()), content())
    assert found[-1].said == "Gamunex-C, no date, grams not recorded, lot not recorded"


def test_a_reaction_to_immunoglobulin_is_told_with_what_happened() -> None:
    allergy = {
        "resourceType": "AllergyIntolerance",
        "id": "ig",
        "patient": {"reference": "Patient/p1"},
        "clinicalStatus": {"coding": [{"code": "active"}]},
        "code": {"text": "Intravenous immunoglobulin"},
        "reaction": [{"manifestation": [{"text": "Hives"}], "severity": "moderate"}],
    }
    [said] = reactions(chart(allergy), content())
    assert said.startswith("Reaction: Intravenous immunoglobulin")
    assert "Hives" in said
    assert "moderate" in said
    assert reactions(chart(), content()) == ()
