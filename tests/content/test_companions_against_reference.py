"""The orders beside the infusion against the reference: every part has its companion, every code and every figure stands in it."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest

from ivig_fhir.content.companion import Companion
from ivig_fhir.content.model import Content
from ivig_fhir.fhir.codes import SHORT

Read = Callable[[str], dict[str, Any]]

# Each part of the reference and the companions that carry it out.
PARTS = {
    "pre_hydration": {"hydration-before"},
    "premedication": {
        "premedication-acetaminophen", "premedication-diphenhydramine", "premedication-cetirizine", "premedication-hydrocortisone",
        "premedication-methylprednisolone", "premedication-famotidine", "nausea-ondansetron", "premedication-ibuprofen", "nursing-no-nsaid",
    },
    "baseline_labs": {
        "lab-metabolic-panel", "lab-blood-count", "lab-liver", "lab-immunoglobulins", "lab-blood-group", "lab-direct-antiglobulin",
        "lab-infection-serology", "lab-pregnancy-test", "lab-viscosity", "lab-hemolysis-baseline",
    },
    "iv_access": {"nursing-access"},
    "vitals_schedule": {"vital-signs"},
    "rate_titration": {"rate-increase", "hold-parameters"},
    "reaction_management": {
        "nursing-reaction-plan", "nursing-other-reactions", "rescue-epinephrine", "rescue-diphenhydramine", "rescue-hydrocortisone",
        "rescue-albuterol", "rescue-saline",
    },
    "after_reaction_record": {"nursing-reaction-record"},
    "post_infusion": {
        "lab-hemolysis-after", "lab-hemolysis-late", "lab-creatinine-after", "urine-output", "lab-platelets-after", "lab-igg-trough",
        "lab-viscosity-after", "teach-warning-signs", "teach-vaccines-and-tests", "teach-fluids",
    },
    "home_infusion_criteria": {"nursing-at-home"},
    "traceability": {"nursing-lot"},
    "nursing_communication": {"nursing-handling", "nursing-before-start", "nursing-second-check", "nursing-access"},
    "service_request_examples": {"vital-signs", "nursing-access"},
}  # fmt: skip

# Codes of the reference that no companion orders, and why.
NOT_ORDERED = {
    "24321-2": "the comprehensive panel holds the basic one",
    "2160-0": "in the panel; ordered alone after the infusion",
    "3094-0": "in the panel; ordered alone after the infusion",
    "57021-8": "the count without a differential is enough",
    "34550-4": "the three classes are ordered one by one",
    "883-9": "ABO and Rh together",
    "10331-7": "ABO and Rh together",
    "2106-3": "the serum test is ordered",
    "313191000": "an act of nursing within the rescue order, not an order of its own",
    "313782": "a strength of one dose form; the order names the medicine",
    "198440": "a strength of one dose form; the order names the medicine",
    "1049630": "a strength of one dose form; the order names the medicine",
    "1020477": "a strength of one dose form; the order names the medicine",
    "1014678": "a strength of one dose form; the order names the medicine",
    "1014676": "a strength of one dose form; the order names the medicine",
    "310273": "a strength of one dose form; the order names the medicine",
    "1870230": "a strength of one dose form; the order names the medicine",
    "9863": "the ingredient of the solution that is ordered",
}


@pytest.fixture(scope="module")
def companions(content: Content) -> dict[str, Companion]:
    """The companions by id."""
    return {c.id: c for c in content.companions}


def codes_in(part: Any) -> set[str]:
    """Every code of a part of the reference."""
    if isinstance(part, dict):
        found = {str(part["code"])} if "code" in part and part.get("confidence") != "?" else set()
        found |= {str(c) for c in part.get("loinc", ()) if isinstance(c, str)}
        return found.union(*(codes_in(v) for v in part.values()))
    return set().union(*(codes_in(v) for v in part)) if isinstance(part, list) else set()


def test_every_part_of_the_reference_has_its_companions(companions: dict[str, Companion], reference: Read) -> None:
    parts = reference("checks.yaml")["order_set_parts"]
    assert set(parts) == set(PARTS)
    assert all(ids <= set(companions) for ids in PARTS.values())


def test_every_code_of_the_reference_is_ordered_or_left_out_for_a_reason(companions: dict[str, Companion], reference: Read) -> None:
    ordered = {code.split("|")[1] for c in companions.values() for code in c.codes}
    for name, part in reference("checks.yaml")["order_set_parts"].items():
        assert codes_in(part) - ordered <= set(NOT_ORDERED), name
    systems = {code.split("|")[0] for c in companions.values() for code in c.codes}
    assert systems <= set(SHORT.values())


def figures(text: str) -> set[str]:
    """The numbers of a sentence."""
    return set(re.findall(r"\d+(?:\.\d+)?", text.replace("1,5", "15")))


def said(companion: Companion) -> set[str]:
    """The numbers of both sentences of a companion."""
    return figures(companion.adult) | figures(companion.child)


DRUGS = {
    "acetaminophen": "premedication-acetaminophen", "diphenhydramine": "premedication-diphenhydramine", "cetirizine": "premedication-cetirizine",
    "hydrocortisone": "premedication-hydrocortisone", "methylprednisolone": "premedication-methylprednisolone",
    "famotidine": "premedication-famotidine", "ondansetron PRN": "nausea-ondansetron", "NSAID": "premedication-ibuprofen",
}  # fmt: skip
# Figures of the reference that the sentences leave out: a second maximum where the lower one stands, ranges around the dose that is ordered,
# and the number in the name of a check.
LEFT_OUT = {
    "acetaminophen": {"3", "1", "1049221"},
    "diphenhydramine": {"0.5", "1.25", "400", "300"},
    "hydrocortisone": {"4", "1", "10"},
    "methylprednisolone": set(),
    "cetirizine": set(),
    "famotidine": set(),
    "ondansetron PRN": set(),
    "NSAID": {"01", "04"},
}


def test_doses_of_premedication_are_those_of_the_reference(companions: dict[str, Companion], reference: Read) -> None:
    items = reference("checks.yaml")["order_set_parts"]["premedication"]["items"]
    assert {i["drug"] for i in items} == set(DRUGS)
    for item in items:
        theirs = figures(" ".join([item["adult"], item["paediatric"], item["max_adult"], item["max_paed"], *item["avoid"]]))
        ours = said(companions[DRUGS[item["drug"]]])
        assert theirs - ours - LEFT_OUT[item["drug"]] == set(), item["drug"]


def test_the_numbers_of_a_dose_stand_in_its_sentence(companions: dict[str, Companion]) -> None:
    for companion in companions.values():
        for dose in companion.doses:
            sentence = companion.adult if dose.who == "adult" else f"{companion.adult} {companion.child}"
            shown = {f"{x.normalize():f}" for x in (*dose.amount, *([dose.most] if dose.most is not None else []))}
            assert shown <= figures(sentence), (companion.id, dose)


def test_limits_for_holding_the_infusion_are_those_of_the_reference(companions: dict[str, Companion], reference: Read) -> None:
    limits = reference("checks.yaml")["order_set_parts"]["rate_titration"]["hold_parameters"]
    ours = figures(companions["hold-parameters"].adult)
    assert {f"{v:g}" for k, v in limits.items() if k != "basis"} <= ours


def test_vital_signs_and_reactions_have_the_figures_of_the_reference(companions: dict[str, Companion], reference: Read) -> None:
    parts = reference("checks.yaml")["order_set_parts"]
    vitals = figures(" ".join(parts["vitals_schedule"]["items"])) - {"2"}
    assert vitals <= said(companions["vital-signs"])
    reactions = {r["grade"]: r for r in parts["reaction_management"]}
    rescue = set().union(*(said(companions[i]) for i in PARTS["reaction_management"]))
    for grade in ("mild", "moderate", "severe/anaphylaxis", "TRALI/TACO", "aseptic meningitis", "thrombosis", "haemolysis"):
        wanted = figures(reactions[grade]["signs"] + " " + reactions[grade]["action"])
        assert wanted - rescue - {"50", "2"} == set(), grade


def test_windows_after_the_infusion_are_those_of_the_reference(companions: dict[str, Companion], reference: Read) -> None:
    labs = " ".join(reference("checks.yaml")["order_set_parts"]["post_infusion"]["labs"])
    assert "36-96 h" in labs
    assert "5-10 d" in labs
    assert "48-72 h" in labs
    assert companions["lab-hemolysis-after"].after_hours == (36, 96)
    assert companions["lab-hemolysis-late"].after_hours == (5 * 24, 10 * 24)
    assert companions["lab-creatinine-after"].after_hours == (48, 72)


def test_what_must_not_be_missing_is_required(companions: dict[str, Companion]) -> None:
    required = {c.id for c in companions.values() if c.required}
    assert {
        "rescue-epinephrine",
        "vital-signs",
        "hold-parameters",
        "nursing-before-start",
        "nursing-lot",
        "nursing-reaction-plan",
    } <= required


def test_no_sentence_is_copied_from_the_reference(companions: dict[str, Companion], reference: Read) -> None:
    """Runs of eight words in common would be copied prose."""
    theirs = str(reference("checks.yaml")["order_set_parts"]).lower()
    words = re.findall(r"[a-z0-9.%]+", theirs)
    runs = {" ".join(words[i : i + 8]) for i in range(len(words) - 7)}
    for companion in companions.values():
        ours = re.findall(r"[a-z0-9.%]+", f"{companion.adult} {companion.child}".lower())
        copied = [run for i in range(len(ours) - 7) if (run := " ".join(ours[i : i + 8])) in runs]
        assert not copied, companion.id
