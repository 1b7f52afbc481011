"""The record itself: allergies unknown, values left out, types unread, lists empty."""

from __future__ import annotations

from typing import Any

import pytest

from ivig_fhir.proposal.findings import Result
from tests.a_case import found, outcome
from tests.a_record import HEIGHT, SNOMED, coded, observation, proposed, request, result, weight


def check(id_: str, *added: Any, **options: Any) -> Result:
    """One check on the quiet record with these changes."""
    return result(id_, proposed(*added, **options))


def allergy(code: str = "", text: str = "", **more: Any) -> dict[str, Any]:
    """An entry in place of the quiet record's "no known allergy"."""
    made = coded("AllergyIntolerance", "nka", SNOMED, code, **more)
    return made if code else {**made, "code": {"text": text}}


@pytest.mark.parametrize(
    ("entry", "severity"),
    [
        (allergy("716186003"), "clear"),
        (allergy("409137002"), "clear"),
        (allergy(text="Penicillin"), "clear"),
        (allergy("1631000175102"), "override"),  # not asked
        (allergy("429625007"), "override"),  # food alone
        (allergy(text="No known food allergies"), "override"),
        (allergy("716186003", verificationStatus={"coding": [{"code": "entered-in-error"}]}), "override"),
        (allergy("716186003", clinicalStatus={"coding": [{"code": "resolved"}]}), "override"),
        (allergy(text="Penicillin", clinicalStatus={"coding": [{"code": "resolved"}]}), "clear"),
    ],
)
def test_only_an_entry_about_medicines_answers_for_allergies(entry: dict[str, Any], severity: str) -> None:
    assert outcome(check("hypersensitivity.allergies-unknown", entry)) == severity


def test_an_empty_allergy_list_and_an_unread_one_both_ask_for_a_reason() -> None:
    empty = found(check("hypersensitivity.allergies-unknown", drop=("nka",)))
    assert (empty.severity, empty.branch) == ("override", "none")
    unread = found(check("hypersensitivity.allergies-unknown", unread=("AllergyIntolerance",)))
    assert (unread.severity, unread.branch) == ("override", "unread")


@pytest.mark.parametrize(
    ("dropped", "why"),
    [
        (weight(700, id_="odd"), "outside 0.3 to 500 kg"),
        (weight(70, id_="odd", unit="stone"), "stone"),
        (weight(70, "2026-03-02T10:00:01Z", id_="odd"), "future"),
        (observation("odd", "777-3", 230, "10*3/uL", "2026-03-02T10:00:01Z"), "future"),  # any value dated in the future
        (weight(70, id_="odd", status="entered-in-error"), "entered-in-error"),
        (observation("odd", HEIGHT, 300, "cm", "2026-01-01"), "outside 20 to 260 cm"),
        (observation("odd", "2160-0", 80, "mg/dL", "2026-01-01"), "outside"),
        (observation("odd", "718-7", None, None, "2026-01-01"), "no value"),
        (observation("odd", "2458-8", 100, None, "2026-01-01"), "no unit"),
    ],
)
def test_a_value_that_was_left_out_is_named_with_the_reason(dropped: dict[str, Any], why: str) -> None:
    finding = found(check("record.value-unusable", dropped))
    assert finding.severity == "warning"
    assert finding.evidence[0].reference == "Observation/odd"
    assert why in finding.evidence[0].said


@pytest.mark.parametrize(
    "kept",
    [
        weight(70, "2026-03-02T10:00:00Z", id_="odd"),  # one hour ahead
        {**weight(154, id_="weight"), "valueQuantity": {"value": 154, "unit": "lbs"}},
        observation("odd", "2951-2", 139, "unheard of", "2026-01-01"),  # sodium: another check's business
    ],
)
def test_what_was_used_or_is_not_asked_for_here_is_not_named(kept: dict[str, Any]) -> None:
    assert outcome(check("record.value-unusable", kept)) == "clear"


def test_doubts_about_used_values_stand_beside_those_left_out() -> None:
    pounds = {**weight(154), "valueQuantity": {"value": 154, "unit": "lbs"}}
    finding = found(check("record.value-unusable", pounds, observation("odd", HEIGHT, 300, "cm", "2026-01-01")))
    assert any(e.reference == "Observation/weight" and "lbs" in e.said for e in finding.evidence)


def test_values_that_could_not_be_read_are_unknown() -> None:
    assert outcome(check("record.value-unusable", unread=("Observation",))) == "unknown"


@pytest.mark.parametrize("type_", ["Observation", "AllergyIntolerance", "MedicationAdministration", "Consent", "Encounter"])
def test_every_type_that_was_not_read_is_named_with_what_was_said(type_: str) -> None:
    finding = found(check("record.unreadable", unread=(type_,), weight={"dosing_kg": "70"}))
    assert finding.severity == "override"
    assert [e.reference for e in finding.evidence] == [type_]
    assert "not authorized" in finding.evidence[0].said
    assert type_ in finding.message


def test_a_record_that_was_read_completely_is_clear() -> None:
    assert outcome(check("record.unreadable")) == "clear"


@pytest.mark.parametrize(
    ("drop", "branches"),
    [
        ((), 0),
        (("cidp",), 1),
        (("gabapentin",), 1),  # the immunoglobulin that was given does not count
        (("cidp", "gabapentin"), 2),
    ],
)
def test_empty_lists_are_told_each(drop: tuple[str, ...], branches: int) -> None:
    made = check("record.empty-lists", drop=drop)
    assert outcome(made) == ("info" if branches else "clear")
    assert branches == 0 or found(made).message.count("cannot find anything") + found(made).message.count("can find anything") == branches


def test_a_list_that_was_not_read_is_not_called_empty() -> None:
    assert outcome(check("record.empty-lists", drop=("cidp",), unread=("Condition",))) == "unknown"
    assert outcome(check("record.empty-lists", drop=("gabapentin",), unread=("MedicationStatement",))) == "unknown"
    draft = request("gabapentin", "Gamunex-C 35 g", status="draft")
    assert outcome(check("record.empty-lists", draft)) == "info"


def worded(unit: str | None = "mg/dL") -> dict[str, Any]:
    """A creatinine by its name, without a code."""
    return {**observation("worded", "x", 1.9, unit, "2026-03-01"), "code": {"text": "Serum creatinine"}}


def test_a_result_that_only_its_words_name_is_offered_to_be_confirmed_and_not_used() -> None:
    made = proposed(worded())
    finding = found(result("record.value-unusable", made))
    assert (finding.severity, finding.branches) == ("warning", ("by-words",))
    assert [e.reference for e in finding.evidence] == ["Observation/worded"]
    assert "matched by text, not by code: confirm" in finding.evidence[0].said
    assert outcome(result("renal.reduced-function", made)) == "clear"


def test_a_result_by_its_words_without_a_unit_is_named_with_both_reasons() -> None:
    finding = found(check("record.value-unusable", worded(None)))
    assert finding.branches == ("dropped",)
    assert "no unit, matched by text, not by code: confirm" in finding.evidence[0].said


def test_words_that_mean_another_measurement_are_not_offered() -> None:
    clearance = {**worded("mL/min"), "code": {"text": "Creatinine clearance"}}
    assert outcome(check("record.value-unusable", clearance)) == "clear"
