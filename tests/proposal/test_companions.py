"""Companions: who is offered what, what is chosen to begin with, which dose, and when follow-ups are due."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
from a_case import case
from a_record import proposed

from ivig_fhir.content.companion import Trigger
from ivig_fhir.proposal.companions import companions_for
from ivig_fhir.proposal.findings import Clear, Finding, NotAssessed
from ivig_fhir.proposal.model import CompanionOrder


def fired(check: str, severity: str = "warning", *branches: str) -> dict[str, Finding]:
    """One finding, under the id of its check."""
    return {check: Finding(check, "", severity, branches[0] if branches else "x", "", (), (), (), branches or ("x",))}


def offered(earlier: dict[str, Any] | None = None, **order: Any) -> dict[str, CompanionOrder]:
    """The companions of a case by id."""
    return {c.id: c for c in companions_for(case(earlier=earlier or {}, **order))}


def chosen(earlier: dict[str, Any] | None = None, **order: Any) -> set[str]:
    """The ids of those that are chosen."""
    return {c.id for c in offered(earlier, **order).values() if c.selected}


def test_a_finding_above_information_chooses_and_what_is_not_assessed_does_not() -> None:
    check = "tolerance.reaction-without-premedication"
    assert "premedication-acetaminophen" in chosen(fired(check))
    assert "premedication-acetaminophen" not in chosen(fired(check, "info"))
    assert "premedication-acetaminophen" not in chosen({check: Clear(check)})
    assert "premedication-acetaminophen" not in chosen()


@pytest.mark.parametrize(
    ("earlier", "hydrated"),
    [
        ({}, False),
        (fired("renal.reduced-function", "override", "below-30"), True),
        (fired("renal.reduced-function", "override", "below-30", "dialysis"), False),
        (fired("renal.reduced-function") | fired("volume.heart-failure"), False),
        (fired("renal.reduced-function") | fired("volume.hypertension", "warning"), True),
        (fired("renal.reduced-function") | fired("volume.hypertension", "override"), False),
        (fired("thrombosis.risk-factors"), True),
        (fired("meningitis.previous"), True),
        (fired("volume.depletion"), True),
    ],
)
def test_hydration_goes_with_risk_and_not_with_overload(earlier: dict[str, Any], hydrated: bool) -> None:
    assert ("hydration-before" in chosen(earlier)) is hydrated


@pytest.mark.parametrize(
    ("kg", "low", "high"),
    [
        ("12", "0.12", "0.12"),
        ("12.39", "0.12", "0.12"),
        ("29", "0.29", "0.29"),
        ("29.99", "0.29", "0.29"),
        ("30", "0.3", "0.5"),
        ("70", "0.3", "0.5"),
    ],
)
@pytest.mark.parametrize("born", ["1986-01-15", "2018-01-15"])
def test_epinephrine_is_by_weight_below_30_kg_and_never_withheld(kg: str, low: str, high: str, born: str) -> None:
    dose = offered(fired("bleeding.disorder", "override"), kg=kg, born=born)["rescue-epinephrine"]
    assert dose.selected
    assert dose.required
    assert dose.dose is not None
    assert (dose.dose.low, dose.dose.high, dose.dose.unit) == (Decimal(low), Decimal(high), "mg")
    assert f"At {kg} kg: " in dose.text


@pytest.mark.parametrize(
    ("born", "low", "high"),
    [
        ("2025-09-03", None, None),  # 5 months
        ("2025-09-02", "2.5", "2.5"),
        ("2024-03-03", "2.5", "2.5"),  # 23 months
        ("2024-03-02", "2.5", "5"),
        ("2020-03-03", "2.5", "5"),
        ("2020-03-02", "5", "10"),
        ("2014-03-03", "5", "10"),
        ("2014-03-02", "10", "10"),
        ("2008-03-03", "10", "10"),
        ("2008-03-02", "10", "10"),
    ],
)
def test_cetirizine_goes_by_age(born: str, low: str | None, high: str | None) -> None:
    found = offered(born=born, kg="12").get("premedication-cetirizine")
    if low is None or high is None:
        assert found is None
    else:
        assert found is not None
        assert found.dose is not None
        assert (found.dose.low, found.dose.high) == (Decimal(low), Decimal(high))


@pytest.mark.parametrize(
    ("id_", "kg", "low", "high"),
    [
        ("premedication-acetaminophen", "18", "180", "270"),
        ("premedication-acetaminophen", "43.4", "434", "650"),
        ("premedication-acetaminophen", "65", "650", "650"),
        ("premedication-diphenhydramine", "18", "18", "18"),
        ("premedication-diphenhydramine", "50.9", "50", "50"),
        ("premedication-hydrocortisone", "18", "36", "36"),
        ("premedication-hydrocortisone", "51", "100", "100"),
        ("premedication-methylprednisolone", "18", "18", "36"),
        ("premedication-methylprednisolone", "63", "63", "125"),
        ("premedication-famotidine", "18", "9", "9"),
        ("premedication-famotidine", "41", "20", "20"),
        ("premedication-ibuprofen", "18", "180", "180"),
        ("premedication-ibuprofen", "41", "400", "400"),
        ("nausea-ondansetron", "18", "1.8", "2.7"),
        ("nausea-ondansetron", "41", "4", "4"),
        ("hydration-before", "18", "180", "180"),
        ("hydration-before", "51", "500", "500"),
    ],
)
def test_a_childs_dose_is_by_weight_and_never_above_its_limit(id_: str, kg: str, low: str, high: str) -> None:
    dose = offered(born="2016-01-15", kg=kg)[id_].dose
    assert dose is not None
    assert (dose.low, dose.high) == (Decimal(low), Decimal(high))


def test_an_adults_fixed_dose_needs_no_extra_sentence() -> None:
    adult = offered()["premedication-acetaminophen"]
    assert adult.dose is not None
    assert adult.dose.low == adult.dose.high == 650
    assert adult.dose.said == ""
    assert not adult.text.endswith(".. ")


def test_a_medicine_without_a_dose_for_this_patient_is_not_offered() -> None:
    assert "premedication-diphenhydramine" not in offered(born="2024-03-03", kg="11")  # 23 months
    assert "premedication-diphenhydramine" in offered(born="2024-03-02", kg="11")


def test_what_is_withheld_comes_only_when_the_clinician_names_it() -> None:
    old = fired("age.over-65")
    assert "premedication-diphenhydramine" in offered()
    assert "premedication-diphenhydramine" not in offered(old)
    named = offered(old, selections={"premedication": ("diphenhydramine",)})
    assert named["premedication-diphenhydramine"].selected
    assert offered(old, selections={"companions": {"premedication-diphenhydramine": True}})["premedication-diphenhydramine"].selected
    assert "premedication-diphenhydramine" not in offered(old, selections={"companions": {"premedication-diphenhydramine": False}})


def test_ibuprofen_is_for_children_without_a_risk_to_kidneys_or_vessels() -> None:
    assert "premedication-ibuprofen" in offered(born="2016-01-15", kg="30")
    assert "premedication-ibuprofen" not in offered()
    for risk in ("renal.risk-factors", "thrombosis.risk-factors"):
        assert "premedication-ibuprofen" not in offered(fired(risk), born="2016-01-15", kg="30")
        assert "nursing-no-nsaid" in chosen(fired(risk))


def test_the_clinicians_list_of_premedication_replaces_the_rules() -> None:
    reaction = fired("hypersensitivity.other-reaction")
    assert {"premedication-acetaminophen", "premedication-cetirizine"} <= chosen(reaction)
    assert not {c for c in chosen(reaction, selections={"premedication": ()}) if c.startswith("premedication")}
    only = chosen(reaction, selections={"premedication": ("hydrocortisone",)})
    assert {c for c in only if c.startswith("premedication")} == {"premedication-hydrocortisone"}


def test_what_is_required_cannot_be_taken_away() -> None:
    refused = {"rescue-epinephrine": False, "lab-blood-count": False}
    assert chosen(selections={"companions": refused}) & set(refused) == {"rescue-epinephrine"}


def test_what_is_required_somewhere_is_not_required_elsewhere() -> None:
    assert offered(selections={"setting": "home"})["nursing-at-home"].required
    elsewhere = offered()["nursing-at-home"]
    assert not elsewhere.required
    assert not elsewhere.selected


@pytest.mark.parametrize(("grams", "chosen_"), [("69.9", False), ("70", True)])
def test_the_antiglobulin_test_goes_with_courses_from_1_g_per_kg(grams: str, chosen_: bool) -> None:
    assert ("lab-direct-antiglobulin" in chosen(dose_g=grams)) is chosen_


def test_laboratory_follows_the_indication() -> None:
    assert "lab-platelets-after" in chosen(indication="itp-adult")
    assert "lab-igg-trough" in chosen(indication="pi-cvid")
    assert not {"lab-platelets-after", "lab-igg-trough"} & chosen()


def test_the_haemolysis_watch_has_two_windows_counted_from_the_last_infusion() -> None:
    found = offered(fired("hemolysis.blood-group"))
    assert {"lab-hemolysis-baseline", "lab-hemolysis-after", "lab-hemolysis-late", "lab-direct-antiglobulin"} <= {
        c.id for c in found.values() if c.selected
    }
    assert found["lab-hemolysis-after"].due == (datetime(2026, 3, 4, 22, tzinfo=UTC), datetime(2026, 3, 7, 10, tzinfo=UTC))
    assert found["lab-hemolysis-late"].due == (datetime(2026, 3, 8, 10, tzinfo=UTC), datetime(2026, 3, 13, 10, tzinfo=UTC))
    assert found["lab-metabolic-panel"].due is None


@pytest.mark.parametrize(
    ("finding", "companion"),
    [
        (fired("hypersensitivity.iga-deficiency"), "lab-anti-iga"),
        (fired("sodium.low", "info"), "lab-sodium-direct"),
        (fired("serology.baseline", "info"), "lab-infection-serology"),
        (fired("serology.passive-anti-hbc", "info"), "lab-hepatitis-b-dna"),
        (fired("pregnancy.current"), "lab-pregnancy-test"),
        (fired("glucose.maltose-meter"), "monitor-glucose-method"),
        (fired("lung.previous-trali", "override"), "monitor-oxygen"),
        (fired("volume.heart-failure"), "monitor-fluid-balance"),
        (fired("renal.acute-kidney-injury", "override"), "lab-creatinine-daily"),
        (fired("renal.nephrotoxic-drugs"), "lab-drug-levels"),
        (fired("renal.risk-factors"), "urine-output"),
        (fired("renal.risk-factors"), "lab-creatinine-after"),
        (fired("thrombosis.hyperviscosity"), "lab-viscosity"),
        (fired("tolerance.naive-or-switch"), "nursing-second-check"),
        (fired("tolerance.naive-or-switch"), "lab-immunoglobulins"),
        (fired("hemolysis.blood-group-missing"), "lab-blood-group"),
    ],
)
def test_a_finding_brings_its_companion(finding: dict[str, Any], companion: str) -> None:
    assert companion in chosen(finding)
    assert companion not in chosen()


def test_a_trigger_asks_for_its_branch_and_its_severity() -> None:
    given = case(earlier=fired("sodium.low", "info") | {"volume.depletion": NotAssessed("volume.depletion", "not-found", "")})  # type: ignore[arg-type]
    rules = given.content.constants["rules"]
    assert rules.findings["low-sodium"] == (Trigger("sodium.low", "", "info"),)
    assert rules.findings["dialysis"] == (Trigger("renal.reduced-function", "dialysis", "warning"),)
    assert "lab-sodium-direct" in {c.id for c in companions_for(given) if c.selected}
    assert "lab-sodium-direct" not in {c.id for c in companions_for(replace(given, earlier={})) if c.selected}


def test_companions_of_a_proposal_are_those_of_its_findings() -> None:
    quiet = {c.id for c in proposed().companions if c.selected}
    group = {"resourceType": "Observation", "id": "abo", "status": "final", "code": {"coding": [{"system": "http://loinc.org", "code": "883-9"}]},
             "subject": {"reference": "Patient/p1"}, "effectiveDateTime": "2020-01-01",
             "valueCodeableConcept": {"coding": [{"system": "http://snomed.info/sct", "code": "112144000"}], "text": "Group A"}}  # fmt: skip
    watched = {c.id for c in proposed(group, regimen="cidp-load", dose={"per_kg": "2"}).companions if c.selected}
    assert {"lab-hemolysis-after", "lab-hemolysis-late"} <= watched - quiet
