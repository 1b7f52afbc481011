"""Blood group, dose and haemolysis."""

from __future__ import annotations

import pytest
from a_case import IG, allergy, case, found, infusion, lab, outcome, problem

from ivig_fhir.proposal.checks.hemolysis import blood_group, non_o_group, previous

A, B, AB, GROUP_O = (f"snomed|{c}" for c in ("112144000", "112149005", "165743006", "58460004"))


def abo(code: str = "", text: str = "", **more: object) -> object:
    return lab("abo", None, "2024-01-01", code=code, text=text, **more)


@pytest.mark.parametrize(
    ("item", "group"),
    [
        (abo(A), "A"),
        (abo(B), "B"),
        (abo(AB, "AB"), "AB"),
        (abo(GROUP_O, "Group O"), "O"),
        (abo("loinc|LA19710-5"), "A"),
        (abo("snomed|278147001"), "O"),
        (abo(text="A"), "A"),
        (abo(text="B Positive"), "B"),
        (abo(text="AB Rh(D) negative"), "AB"),
        (abo(text="O neg"), "O"),
        (abo(text="O+"), "O"),
        (abo(A, "Group O"), None),  # code and words disagree
        (abo(text="See a separate report"), None),
        (abo(text="not done"), None),
    ],
)
def test_a_group_is_read_from_code_or_words_and_never_from_a_contradiction(item: object, group: str | None) -> None:
    read = blood_group(case(item))
    assert (read.group if read else None) == group


def test_two_results_that_contradict_each_other_show_no_group() -> None:
    assert blood_group(case(abo(A), lab("abo", None, "2025-01-01", code=GROUP_O))) is None


@pytest.mark.parametrize(
    ("code", "dose_g", "severity"),
    [
        (A, "69.9", "clear"),
        (A, "70", "info"),
        (A, "139.9", "info"),
        (A, "140", "warning"),
        (B, "140", "warning"),
        (AB, "140", "warning"),
        (GROUP_O, "140", "clear"),
    ],
)
def test_the_dose_decides_in_patients_who_are_not_group_o(code: str, dose_g: str, severity: str) -> None:
    assert outcome(non_o_group(case(abo(code), dose_g=dose_g, days=4))) == severity


@pytest.mark.parametrize(
    ("fact", "severity"),
    [
        (lab("hemoglobin", "9.9"), "override"),
        (lab("hemoglobin", "10.0"), "warning"),
        (lab("hemoglobin", "9.9", "2025-12-02T09:00:00Z"), "override"),  # 90 days
        (lab("hemoglobin", "9.9", "2025-12-02T08:59:59Z"), "warning"),
        (problem("icd10cm|D59.1"), "override"),
        (problem("icd10cm|D57.1"), "override"),
        (problem("icd10cm|D57.3"), "warning"),
        (problem("icd10cm|D56.3"), "warning"),
        (problem("icd10cm|D57.3", "Sickle-cell trait"), "warning"),
        (problem("icd10cm|D59.1", active=False), "warning"),
    ],
)
def test_anaemia_and_haemolytic_disorders_weigh_more_and_traits_do_not(fact: object, severity: str) -> None:
    assert outcome(non_o_group(case(abo(A), fact, dose_g="140", days=4))) == severity


def test_an_anaemia_does_not_matter_below_the_high_dose() -> None:
    assert outcome(non_o_group(case(abo(A), lab("hemoglobin", "8"), dose_g="70"))) == "info"


@pytest.mark.parametrize(
    ("when", "severity"), [("2026-02-03T10:00:00Z", "warning"), ("2026-02-02T09:00:00Z", "info"), ("2026-02-02T09:00:01Z", "warning")]
)
def test_infusions_of_other_courses_count_for_28_days(when: str, severity: str) -> None:
    assert outcome(non_o_group(case(abo(B), infusion(when), dose_g="70"))) == severity


@pytest.mark.parametrize(
    ("facts", "options", "result"),
    [
        ((), {"dose_g": "70"}, "unknown"),
        ((), {"dose_g": "69"}, "clear"),
        ((abo(GROUP_O, status="preliminary"),), {"dose_g": "70"}, "unknown"),
        ((abo(A, status="preliminary"),), {"dose_g": "140"}, "warning"),
        ((abo(A), infusion("2026-02-20", None)), {"dose_g": "69"}, "unknown"),
        ((abo(GROUP_O), infusion("2026-02-20", None)), {"dose_g": "140"}, "clear"),
        ((abo(A),), {"dose_g": None}, "unknown"),
        ((abo(A),), {"kg": None}, "unknown"),
        ((abo(A),), {"dose_g": "14", "unread": ("MedicationAdministration",)}, "unknown"),
        ((abo(A),), {"dose_g": "140", "unread": ("MedicationAdministration",)}, "warning"),
    ],
)
def test_what_is_not_known_is_not_clear(facts: tuple[object, ...], options: dict[str, object], result: str) -> None:
    assert outcome(non_o_group(case(*facts, **options))) == result  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("item", "severity"),
    [
        (problem("icd10cm|D59.2", "IVIG hemolysis 2022", active=False), "override"),
        (problem(text="IVIG haemolysis"), "override"),
        (problem(text="IVIG-associated hemolytic anemia"), "override"),
        (problem(text="Immunoglobulin-induced haemolysis"), "override"),
        (problem(text="Haemolysis after IVIG", soft=True), "override"),
        (problem("icd10cm|D59.2", "Drug-induced hemolytic anemia, Privigen"), "override"),
        (problem("icd10cm|D59.2", notes=("two days after gamma globulin",)), "override"),
        (problem("icd10cm|D59.2", "Drug-induced hemolytic anemia, penicillin"), "clear"),
        (problem("icd10cm|D59.11", "Warm autoimmune hemolytic anemia treated with IVIG"), "clear"),
        (problem("icd10cm|D59.2", notes=("after anti-D (WinRho)",)), "clear"),
        (allergy(text="IVIG hemolysis", active=False), "override"),
        (allergy(IG, manifestation_texts=("Hemolytic anemia",)), "override"),
        (allergy(IG, signs="snomed|61261009", active=False), "override"),
        (allergy(IG, notes=("Haemolysis on day 4",)), "override"),
        (allergy(IG, manifestation_texts=("headache",)), "clear"),
        (allergy(text="Penicillin", manifestation_texts=("hemolysis",)), "clear"),
    ],
)
def test_haemolysis_after_immunoglobulin_counts_for_ever(item: object, severity: str) -> None:
    assert outcome(previous(case(item))) == severity


def test_one_entry_that_matches_twice_is_said_once() -> None:
    result = found(previous(case(problem("icd10cm|D59.2", "IVIG hemolysis 2022"))))
    assert result.message == "Haemolysis after immunoglobulin is on record: IVIG hemolysis 2022."


@pytest.mark.parametrize("type_", ["Condition", "AllergyIntolerance"])
def test_a_past_that_could_not_be_read_is_not_clear(type_: str) -> None:
    assert outcome(previous(case(unread=(type_,)))) == "unknown"
