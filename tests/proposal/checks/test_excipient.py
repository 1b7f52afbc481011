"""What the product holds, and who must not get it."""

from __future__ import annotations

import pytest
from a_case import allergy, case, content, found, made_of, outcome, problem

from ivig_fhir.proposal.checks.excipient import corn, fructose, other, proline, sorbitol_under_two

SORBITOL, SUCROSE, MALTOSE, UNKNOWN = made_of("d-sorbitol", "glycine"), made_of("sucrose"), made_of("maltose"), made_of()


@pytest.mark.parametrize(
    ("item", "severity"),
    [
        (problem("snomed|59655002"), "hard-stop"),
        (problem(text="Hyperprolinaemia type II"), "hard-stop"),
        (problem("icd10cm|E72.59", "Hyperprolinemia"), "hard-stop"),
        (problem("snomed|59655002", soft=True), "override"),
        (problem("icd10cm|E72.59", "Other disorders of glycine metabolism"), "override"),
        (problem("snomed|59655002", active=False), "clear"),
        (problem("icd10cm|E11.9"), "clear"),
    ],
)
def test_proline_is_forbidden_as_firmly_as_the_diagnosis_is(item: object, severity: str) -> None:
    assert outcome(proline(case(item, product="privigen"))) == severity


@pytest.mark.parametrize(
    ("item", "severity"),
    [
        (problem("snomed|20052008"), "hard-stop"),
        (problem("icd10cm|E74.12"), "hard-stop"),
        (problem("icd10cm|e7412"), "hard-stop"),
        (problem(text="Hereditary fructose intolerance"), "hard-stop"),
        (problem(text="Fructosaemia"), "hard-stop"),
        (problem(text="Aldolase B deficiency"), "hard-stop"),
        (problem("icd10cm|E74.10", "Hereditary fructose intolerance"), "hard-stop"),
        (problem("icd10cm|E74.12", soft=True), "override"),
        (problem("icd10cm|E74.10"), "override"),
        (problem("icd10cm|E74.19", soft=True), "override"),
        (problem("icd10cm|E74.11", "Hereditary fructose intolerance"), "override"),
        (problem("icd10cm|E74.11", "Essential fructosuria"), "clear"),
        (problem("icd10cm|E74.12", active=False), "clear"),
        (problem(text="Fructose malabsorption"), "clear"),
        (problem("icd10cm|E74.31"), "clear"),
    ],
)
@pytest.mark.parametrize("product", [SORBITOL, SUCROSE], ids=["sorbitol", "sucrose"])
def test_sorbitol_and_sucrose_are_forbidden_as_firmly_as_the_diagnosis_is(item: object, severity: str, product: object) -> None:
    assert outcome(fructose(case(item, product=product))) == severity


def test_a_diagnosis_by_its_words_alone_asks_to_be_confirmed() -> None:
    by_text = found(fructose(case(problem(text="Hereditary fructose intolerance"), product=SORBITOL)))
    by_code = found(fructose(case(problem("icd10cm|E74.12"), product=SORBITOL)))
    assert "by text, confirm" in by_text.evidence[0].said
    assert "by text, confirm" not in by_code.evidence[0].said


@pytest.mark.parametrize(
    ("born", "severity"),
    [
        ("2024-03-02", "clear"),  # second birthday today
        ("2024-03-03", "override"),
        ("2026-02-20", "override"),
        ("1986-01-15", "clear"),
        (None, "unknown"),
    ],
)
@pytest.mark.parametrize("product", [SORBITOL, SUCROSE], ids=["sorbitol", "sucrose"])
def test_sorbitol_is_not_for_children_under_two(born: str | None, severity: str, product: object) -> None:
    assert outcome(sorbitol_under_two(case(born=born, product=product))) == severity


def test_a_glycine_product_suits_a_child_whatever_its_age() -> None:
    assert outcome(sorbitol_under_two(case(born="2025-12-01"))) == "clear"
    assert outcome(sorbitol_under_two(case(born=None))) == "clear"


@pytest.mark.parametrize(
    ("item", "five", "ten"),
    [
        (allergy(text="Corn"), "hard-stop", "override"),
        (allergy(text="Maize starch"), "hard-stop", "override"),
        (allergy(text="corn, corn starch and derivatives"), "hard-stop", "override"),
        (allergy(text="CORN OIL", soft=True), "hard-stop", "override"),
        (allergy("snomed|419573007"), "hard-stop", "override"),
        (allergy("unii|O8232NY3SJ"), "hard-stop", "override"),
        (allergy(text="Corn", active=False), "clear", "clear"),
        (allergy(text="Corn", negation=True), "clear", "clear"),
        (allergy(text="Corneal bandage lens adhesive"), "clear", "clear"),
        (allergy(text="Peppercorn"), "clear", "clear"),
        (allergy(text="Unicorn slime"), "clear", "clear"),
        (allergy(text="Acorn"), "clear", "clear"),
        (allergy(text="Corn plaster"), "clear", "clear"),
        (allergy(text="Popcorn"), "clear", "clear"),
        (allergy(text="Peanut"), "clear", "clear"),
    ],
)
def test_a_corn_allergy_forbids_the_weaker_octagam_and_questions_every_other_maltose_product(item: object, five: str, ten: str) -> None:
    assert outcome(corn(case(item, product=made_of("maltose", id_="octagam-5")))) == five
    assert outcome(corn(case(item, product="octagam-10"))) == ten
    assert outcome(corn(case(item))) == "clear"


@pytest.mark.parametrize(
    ("item", "product", "severity"),
    [
        (allergy(text="Polysorbate 80"), made_of("glycine", excipients=("polysorbate 80",)), "override"),
        (allergy(text="Tween 80"), made_of("glycine", excipients=("polysorbate 80",)), "override"),
        (allergy("unii|6OZP39ZG8H"), made_of("glycine", excipients=("polysorbate 80",)), "override"),
        (allergy(text="Polysorbate 80", active=False), made_of("glycine", excipients=("polysorbate 80",)), "clear"),
        (allergy(text="Polysorbate 80"), made_of("glycine"), "clear"),
        (allergy(text="Human albumin"), made_of("glycine", "glucose", excipients=("human albumin",)), "override"),
        (allergy("unii|ZIF514RVZR"), made_of("glycine", excipients=("human albumin",)), "override"),
        (allergy(text="Egg albumin"), made_of("glycine", excipients=("human albumin",)), "clear"),
        (allergy(text="Macrogol"), made_of("d-sorbitol", excipients=("polyethylene glycol",)), "override"),
        (allergy(text="PEG 3350"), made_of("d-sorbitol", excipients=("polyethylene glycol",)), "override"),
        (allergy(text="pegfilgrastim"), made_of("d-sorbitol", excipients=("polyethylene glycol",)), "clear"),
        (allergy(text="Sorbitol"), SORBITOL, "override"),
        (allergy(text="Maltose"), MALTOSE, "override"),
        (allergy(text="Maltose"), made_of("glycine"), "clear"),
        (allergy(text="Proline"), made_of("l-proline"), "override"),
        (allergy(text="Methyl cellulose"), made_of("glycine", excipients=("methyl cellulose",)), "override"),
        (allergy(text="Penicillin"), made_of("glycine", excipients=("polysorbate 80",)), "clear"),
    ],
)
def test_an_allergy_to_anything_that_the_product_holds_asks_for_a_reason(item: object, product: object, severity: str) -> None:
    assert outcome(other(case(item, product=product))) == severity


@pytest.mark.parametrize(
    ("check", "item"),
    [
        (proline, problem("snomed|59655002")),
        (fructose, problem("icd10cm|E74.12")),
        (corn, allergy(text="Corn")),
        (other, allergy(text="Polysorbate 80")),
    ],
)
def test_where_nobody_knows_what_a_product_holds_its_enemy_is_a_question(check: object, item: object) -> None:
    result = check(case(item, product=UNKNOWN))  # type: ignore[operator]
    assert outcome(result) == "override"
    assert "no source that was read" in found(result).message
    assert found(result).evidence[-1].said == "Other: none recorded"
    assert outcome(check(case(product=UNKNOWN))) == "clear"  # type: ignore[operator]


def test_an_infant_and_a_product_of_unknown_composition_is_a_question() -> None:
    assert outcome(sorbitol_under_two(case(born="2025-03-02", product=UNKNOWN))) == "override"
    assert outcome(sorbitol_under_two(case(product=UNKNOWN))) == "clear"


@pytest.mark.parametrize(("check", "type_"), [(proline, "Condition"), (fructose, "Condition"), (corn, "AllergyIntolerance")])
def test_a_product_without_the_ingredient_is_clear_even_when_the_record_cannot_be_read(check: object, type_: str) -> None:
    assert outcome(check(case(unread=(type_,)))) == "clear"  # type: ignore[operator]


def test_a_finding_shows_what_the_patient_has_and_what_the_product_holds() -> None:
    result = found(fructose(case(problem("icd10cm|E74.12"), product=made_of("d-sorbitol", excipients=("polyethylene glycol",)))))
    assert [e.said for e in result.evidence] == ["icd10cm|E74.12", "Other: d-sorbitol, polyethylene glycol"]


def test_every_code_set_that_an_excipient_names_exists() -> None:
    assert set(content().checks["excipient.other"].thresholds["sets"].values()) <= set(content().value_sets)
