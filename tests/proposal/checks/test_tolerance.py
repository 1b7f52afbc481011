"""An earlier reaction without premedication; the first dose, a long gap and another product."""

from __future__ import annotations

from typing import Any

import pytest
from a_case import IG, allergy, case, cited, drug, event, found, outcome, problem
from a_record import proposed, result

from ivig_fhir.proposal.case import Case
from ivig_fhir.proposal.checks.hypersensitivity import other_reaction
from ivig_fhir.proposal.checks.tolerance import naive_or_switch, reaction_without_premedication

EFFECT = problem("icd10cm|T50.Z15A")
NONE: dict[str, Any] = {"premedication": ()}


def reacted(*facts: object, **options: Any) -> Case:
    """A case in which the check on other reactions has run before."""
    before = other_reaction(case(*facts, **options))
    return case(*facts, earlier={"hypersensitivity.other-reaction": before}, **options)


@pytest.mark.parametrize(
    ("item", "severity"),
    [
        (allergy(IG, severities=("mild",), manifestation_texts=("headache",)), "warning"),
        (allergy(IG), "warning"),
        (allergy(IG, criticality="high"), "clear"),  # a severe reaction is another check
        (allergy(IG, active=False), "clear"),
        (EFFECT, "warning"),
        (problem("icd10cm|T50.Z15D", active=False), "warning"),  # it was before, and that is the point
        (problem("icd10cm|T50.Z16A"), "clear"),  # underdosing
        (problem("icd10cm|T50.Z11A"), "clear"),
        (problem("icd10cm|T80.90XA"), "clear"),
        (problem("icd10cm|T80.90XA", "Reaction to IVIG infusion"), "warning"),
        (problem("icd10cm|T80.89XA", notes=("Chills with Privigen",)), "warning"),
        (problem("icd10cm|T80.89XA", notes=("Chills with Rho(D) immune globulin",)), "clear"),
    ],
)
def test_an_earlier_reaction_asks_for_premedication(item: object, severity: str) -> None:
    assert outcome(reaction_without_premedication(reacted(item, selections=NONE))) == severity


@pytest.mark.parametrize(
    ("selections", "severity"),
    [
        ({"premedication": ()}, "warning"),
        ({"premedication": ("acetaminophen",)}, "clear"),
        ({"premedication": ("a drug of the ward",)}, "clear"),
        ({"companions": {"premedication-hydrocortisone": True}}, "clear"),
        ({"companions": {"premedication-acetaminophen": False, "premedication-cetirizine": False}}, "warning"),
        ({"companions": {"premedication-acetaminophen": False}}, "info"),
        ({"premedication": (), "companions": {"premedication-acetaminophen": True}}, "clear"),
        ({"companions": {"lab-liver": True}}, "info"),
        ({}, "info"),
    ],
)
def test_premedication_on_the_order_answers_it(selections: dict[str, Any], severity: str) -> None:
    assert outcome(reaction_without_premedication(case(EFFECT, selections=selections))) == severity


def test_where_the_clinician_left_it_open_premedication_is_proposed_with_the_order() -> None:
    effect = {"resourceType": "Condition", "id": "effect", "subject": {"reference": "Patient/p1"}}
    code = {"coding": [{"system": "http://hl7.org/fhir/sid/icd-10-cm", "code": "T50.Z15A"}]}
    proposal = proposed({**effect, "code": code})
    chosen = {c.id for c in proposal.companions if c.selected}
    assert outcome(result("tolerance.reaction-without-premedication", proposal)) == "info"
    assert {"premedication-acetaminophen", "premedication-cetirizine"} <= chosen
    refused = proposed({**effect, "code": code}, premedication=[])
    assert outcome(result("tolerance.reaction-without-premedication", refused)) == "warning"
    assert not any(c.selected for c in refused.companions if c.id.startswith("premedication-"))


GAMUNEX = {"text": "Gamunex-C"}


def prior(when: str | None, text: str = "Gamunex-C", code: str = IG) -> object:
    return drug("administration", "given", text, code, when=when)


@pytest.mark.parametrize(
    ("facts", "severity"),
    [
        ((), "warning"),
        ((prior("2026-01-05T09:00:00Z"),), "clear"),  # 56 days
        ((prior("2026-01-05T08:59:59Z"),), "warning"),
        ((prior("2026-01-06"),), "clear"),
        ((prior("2026-01-05"),), "warning"),  # the day may have begun before
        ((prior(None),), "warning"),
        ((prior("2026-03-04T09:00:00Z"),), "warning"),  # dated in the future
        ((prior("2025-01-01"), prior("2026-02-01")), "clear"),
        ((drug("request", "recent", "Gamunex-C"),), "warning"),
        ((drug("statement", "active", "Gamunex-C"),), "warning"),
        ((drug("dispense", "given", "Gamunex-C", when="2026-02-20"),), "warning"),
        ((prior("2026-02-01", "Rho(D) immune globulin", ""),), "warning"),
    ],
)
def test_only_an_infusion_of_the_last_eight_weeks_makes_a_patient_used_to_it(facts: tuple[object, ...], severity: str) -> None:
    assert outcome(naive_or_switch(case(*facts))) == severity


@pytest.mark.parametrize(
    ("text", "code", "severity"),
    [
        ("Gamunex-C 10 %", "", "clear"),
        ("Privigen", "", "warning"),
        ("Hizentra", "", "warning"),
        ("Panzyga 10 %", IG, "warning"),
        ("", "ndc|13533-800-20", "clear"),
        ("", "ndc|13533080020", "clear"),
        ("", "ndc|44206-439-40", "warning"),
        ("Gammaked", "hcpcs|J1561", "warning"),  # one billing code for two products
        ("Gamunex-C", "hcpcs|J1561", "clear"),
        ("Privigen", "hcpcs|J1561", "unknown"),  # words and code contradict each other
        ("immunoglobulin G, human", IG, "unknown"),
        ("IVIG", "", "unknown"),
    ],
)
def test_another_product_is_a_switch_and_an_unnamed_one_is_not_known(text: str, code: str, severity: str) -> None:
    assert outcome(naive_or_switch(case(prior("2026-02-01", text, code)))) == severity


def test_the_last_product_decides() -> None:
    assert outcome(naive_or_switch(case(prior("2026-01-20", "Privigen"), prior("2026-02-10")))) == "clear"
    assert outcome(naive_or_switch(case(prior("2026-01-20"), prior("2026-02-10", "Privigen")))) == "warning"


def test_a_longer_name_is_another_product() -> None:
    erc = case(prior("2026-02-01", "Gammagard Liquid ERC"), product="gammagard-liquid")
    assert outcome(naive_or_switch(erc)) == "warning"
    assert outcome(naive_or_switch(case(prior("2026-02-01", "Gammagard Liquid"), product="gammagard-liquid"))) == "clear"


def test_immunoglobulin_recorded_as_an_immunization_was_given() -> None:
    given = event("Immunization", "cvx|87", when="2026-02-01")
    assert outcome(naive_or_switch(case(given))) == "unknown"
    assert outcome(naive_or_switch(case(event("Immunization", "cvx|87", when="2025-02-01")))) == "warning"


def test_a_history_that_could_not_be_read_counts_as_a_first_dose() -> None:
    unread = naive_or_switch(case(unread=("MedicationAdministration",)))
    assert outcome(unread) == "warning"
    assert "MedicationAdministration may not be read." in {e.said for e in found(unread).evidence}
    assert outcome(naive_or_switch(case(prior("2026-02-01"), unread=("MedicationAdministration",)))) == "unknown"


def test_entries_that_only_name_immunoglobulin_are_shown() -> None:
    result_ = naive_or_switch(case(drug("statement", "active", "IVIG", id="s"), drug("dispense", "given", "Privigen", id="d")))
    assert outcome(result_) == "warning"
    assert {"statement/s", "dispense/d"} <= cited(result_)
