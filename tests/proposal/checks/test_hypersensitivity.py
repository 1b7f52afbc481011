"""Reactions to immunoglobulin before, and IgA deficiency."""

from __future__ import annotations

import pytest
from a_case import IG, allergy, case, cited, found, lab, outcome, problem

from ivig_fhir.chart.facts import Source, Unusable
from ivig_fhir.proposal.checks.hypersensitivity import iga_antibodies, iga_deficiency, other_reaction, severe_reaction

SEVERE = {"manifestation_texts": ("Anaphylaxis",)}
DEFICIENT = problem("icd10cm|D80.2")
AFTER_PLATELETS = problem("icd10cm|T80.51XA", "anaphylaxis after platelet transfusion")


def anti_iga(text: str, **more: object) -> object:
    return lab("anti-iga", None, text=text, **more)


@pytest.mark.parametrize(
    ("more", "severity"),
    [
        ({"criticality": "high"}, "hard-stop"),
        ({"severities": ("severe",)}, "hard-stop"),
        ({"signs": "snomed|39579001"}, "hard-stop"),
        (SEVERE, "hard-stop"),
        ({**SEVERE, "soft": True}, "hard-stop"),
        ({**SEVERE, "active": False}, "override"),
        ({"severities": ("moderate",), "manifestation_texts": ("rash",)}, "clear"),
        ({**SEVERE, "negation": True}, "clear"),
    ],
)
def test_a_severe_reaction_stops_and_a_resolved_one_asks(more: dict[str, object], severity: str) -> None:
    assert outcome(severe_reaction(case(allergy(IG, **more)))) == severity


@pytest.mark.parametrize("code_", [IG, "cvx|87", "ndc|44206-439-40", "hcpcs|J1561", "snomed|294635009", "unii|66Y330CJHS"])
def test_a_severe_reaction_stops_in_whatever_code_system_it_is_recorded(code_: str) -> None:
    assert outcome(severe_reaction(case(allergy(code_, criticality="high")))) == "hard-stop"


def test_words_of_another_globulin_win_over_the_ingredient_that_it_shares() -> None:
    assert outcome(severe_reaction(case(allergy("unii|66Y330CJHS", "Rho(D) immune globulin", criticality="high")))) == "clear"


@pytest.mark.parametrize("text", ["Gammagard infusion", "IVIG", "immune globulin"])
def test_a_brand_in_words_is_enough_and_asks_to_be_confirmed(text: str) -> None:
    result = severe_reaction(case(allergy(text=text, **SEVERE)))
    assert outcome(result) == "hard-stop"
    assert "by text, confirm" in found(result).evidence[0].said


@pytest.mark.parametrize("text", ["Rho(D) immune globulin (RhoGAM)", "anti-thymocyte globulin, lymphocyte immune globulin", "Corn"])
def test_other_globulins_are_not_immunoglobulin(text: str) -> None:
    assert outcome(severe_reaction(case(allergy(text=text, **SEVERE)))) == "clear"


@pytest.mark.parametrize(
    ("item", "severity"),
    [
        (problem("icd10cm|T80.51XA", "anaphylaxis during IVIG"), "hard-stop"),
        (problem("icd10cm|T80.51XA", "anaphylaxis during IVIG", soft=True), "override"),
        (problem("icd10cm|T80.51XA", "anaphylaxis during IVIG", active=False), "hard-stop"),
        (problem("icd10cm|T80.51XA"), "override"),
        (AFTER_PLATELETS, "clear"),
        (problem("icd10cm|T50.Z16A", "underdosing of immunoglobulin"), "clear"),
    ],
)
def test_a_diagnosis_counts_as_far_as_it_names_immunoglobulin(item: object, severity: str) -> None:
    assert outcome(severe_reaction(case(item))) == severity


@pytest.mark.parametrize("check", [severe_reaction, other_reaction])
def test_allergies_that_could_not_be_read_are_not_clear(check: object) -> None:
    assert outcome(check(case(unread=("AllergyIntolerance",)))) == "unknown"  # type: ignore[operator]


@pytest.mark.parametrize(
    ("more", "severity"),
    [
        ({}, "override"),
        ({"criticality": "unable-to-assess"}, "override"),
        ({"manifestation_texts": ("unknown",)}, "override"),
        ({"criticality": "low"}, "warning"),
        ({"severities": ("mild",)}, "warning"),
        ({"manifestation_texts": ("headache",)}, "warning"),
        ({"active": False}, "clear"),
        (SEVERE, "clear"),
    ],
)
def test_what_nobody_described_may_have_been_severe(more: dict[str, object], severity: str) -> None:
    assert outcome(other_reaction(case(allergy(IG, **more)))) == severity


def test_two_entries_are_judged_each_for_itself() -> None:
    result = other_reaction(case(allergy(IG, criticality="low"), allergy(text="Privigen")))
    assert outcome(result) == "override"
    assert len(cited(result)) == 2


@pytest.mark.parametrize(
    ("facts", "antibodies", "deficiency"),
    [
        ((DEFICIENT, anti_iga("Positive"), AFTER_PLATELETS), "hard-stop", "clear"),
        ((problem("icd10cm|D80.2", soft=True), anti_iga("Positive"), AFTER_PLATELETS), "override", "clear"),
        ((DEFICIENT, anti_iga("Positive")), "override", "clear"),
        ((DEFICIENT, AFTER_PLATELETS), "override", "clear"),
        ((DEFICIENT, AFTER_PLATELETS, anti_iga("Negative")), "clear", "warning"),
        ((DEFICIENT, AFTER_PLATELETS, anti_iga("Not detected")), "clear", "warning"),
        ((DEFICIENT, AFTER_PLATELETS, anti_iga("Negative", status="preliminary")), "override", "clear"),
        ((DEFICIENT, AFTER_PLATELETS, anti_iga("Indeterminate")), "override", "clear"),
        ((DEFICIENT, allergy(IG, manifestation_texts=("hives",))), "override", "clear"),
        ((DEFICIENT, allergy(IG, manifestation_texts=("Headache", "chills"))), "clear", "warning"),
        ((DEFICIENT, allergy(IG, manifestation_texts=("Headache", "hives"))), "override", "clear"),
        ((DEFICIENT, allergy(IG)), "override", "clear"),
        ((DEFICIENT,), "clear", "warning"),
        ((problem("icd10cm|D80.2", active=False),), "clear", "clear"),
        ((AFTER_PLATELETS, anti_iga("Positive")), "clear", "clear"),
    ],
)
def test_deficiency_antibodies_and_reaction_together_are_the_contraindication(
    facts: tuple[object, ...], antibodies: str, deficiency: str
) -> None:
    chart = case(*facts)
    first = iga_antibodies(chart)
    assert outcome(first) == antibodies
    assert outcome(iga_deficiency(case(*facts, earlier={"hypersensitivity.iga-antibodies": first}))) == deficiency


@pytest.mark.parametrize(
    ("item", "born", "severity"),
    [
        (lab("iga", "6.9"), "1986-01-15", "warning"),
        (lab("iga", "7"), "1986-01-15", "clear"),
        (lab("iga", "7", comparator="<"), "1986-01-15", "warning"),
        (lab("iga", "10", comparator="<"), "1986-01-15", "unknown"),
        (lab("iga", "60", comparator=">"), "1986-01-15", "clear"),
        (lab("iga", "180", status="preliminary"), "1986-01-15", "unknown"),
        (lab("iga", "6", status="preliminary"), "1986-01-15", "warning"),
        (lab("iga", "6"), "2022-03-02", "warning"),
        (lab("iga", "6"), "2022-03-03", "clear"),
        (lab("iga", "6"), None, "unknown"),
        (lab("iga", "180"), None, "clear"),
    ],
)
def test_low_iga_means_deficiency_from_four_years_on(item: object, born: str | None, severity: str) -> None:
    assert outcome(iga_deficiency(case(item, born=born))) == severity


def test_a_preliminary_normal_iga_does_not_end_a_finding() -> None:
    chart = case(lab("iga", "5", "2026-02-01"), lab("iga", "150", "2026-02-20", status="preliminary"))
    assert outcome(iga_deficiency(chart)) == "warning"


def test_a_later_final_iga_ends_it() -> None:
    assert outcome(iga_deficiency(case(lab("iga", "5", "2026-02-01"), lab("iga", "150", "2026-02-20")))) == "clear"


def test_iga_that_could_not_be_read_or_contradicts_itself_says_nothing() -> None:
    refused = Unusable("iga", Source("Observation/x", None, "2026-02-01"), "IgA 6", "no unit")
    assert outcome(iga_deficiency(case(unusable=(refused,)))) == "unknown"
    assert outcome(iga_deficiency(case(lab("iga", "180", "2026-02-20"), unusable=(refused,)))) == "clear"
    assert outcome(iga_deficiency(case(lab("iga", "6"), lab("iga", "60")))) == "unknown"


@pytest.mark.parametrize(
    ("fact", "result"), [(AFTER_PLATELETS, "unknown"), (anti_iga("Positive"), "unknown"), (problem("icd10cm|E11.9"), "clear")]
)
def test_an_undecided_iga_leaves_the_contraindication_open_where_the_rest_is_there(fact: object, result: str) -> None:
    assert outcome(iga_antibodies(case(fact, lab("iga", "10", comparator="<")))) == result


@pytest.mark.parametrize(
    ("text", "notes", "severity"),
    [
        ("", ("Anaphylaxis ten minutes into the second IVIG infusion",), "hard-stop"),
        ("Anaphylactic reaction", ("Privigen 2024",), "hard-stop"),
        ("Anaphylactic reaction", ("after platelets",), "clear"),
        ("Anaphylactic reaction", ("after platelets; IVIG was tolerated later",), "override"),
        ("Anaphylactic reaction", ("no details",), "override"),
        ("Anaphylaxis after platelets", ("IVIG was tolerated later",), "clear"),
        ("Anaphylaxis to IVIG", (), "hard-stop"),
    ],
)
def test_notes_say_which_product_where_the_name_of_the_diagnosis_does_not(text: str, notes: tuple[str, ...], severity: str) -> None:
    assert outcome(severe_reaction(case(problem("icd10cm|T80.51XA", text, notes=notes)))) == severity


def test_a_note_that_decided_is_shown() -> None:
    result = found(severe_reaction(case(problem("icd10cm|T80.51XA", notes=("during IVIG 2024",)))))
    assert "its note: during IVIG 2024" in result.evidence[0].said
