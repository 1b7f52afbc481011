"""Prefetch: each state of a key means something else, and none of them lets "not sent" pass for "not there"."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest

from ivig_fhir.cds.prefetch import read_prefetch, templates
from ivig_fhir.chart.answers import Answer, Reason
from ivig_fhir.chart.queries import QUERIES
from ivig_fhir.errors import DataMissing

Json = dict[str, Any]
ID = "mg-crisis-ckd"


@pytest.fixture
def full(prefetch: Callable[[str], Json]) -> Json:
    return prefetch(ID)


def answer(sent: Json, type_: str) -> Answer:
    return read_prefetch(sent, ID, QUERIES).answers.of(type_)


def test_every_query_of_the_table_has_a_template_and_the_patient_too() -> None:
    assert list(templates(QUERIES)) == ["patient", *(q.key for q in QUERIES)]


def test_templates_use_only_what_version_2_0_promises() -> None:
    for template in templates(QUERIES).values():
        assert set(re.findall(r"{{(.*?)}}", template)) == {"context.patientId"}
        assert not re.search(r"_include|_revinclude|_has|today\(\)|[?&][^=]+\.[^=]+=", template)


def test_a_full_prefetch_is_a_complete_chart(full: Json) -> None:
    found = read_prefetch(full, ID, QUERIES)
    assert all(found.answers.of(q.type).complete for q in QUERIES)
    assert found.foreign == 0
    assert found.answers.patient["id"] == ID


def test_the_same_observation_under_two_keys_counts_once(full: Json) -> None:
    weights = {e["resource"]["id"] for e in full["weights"]["entry"]}
    assert weights <= {e["resource"]["id"] for e in full["vital-signs"]["entry"]}
    ids = [r["id"] for r in answer(full, "Observation").resources]
    assert len(ids) == len(set(ids))


def test_a_missing_key_is_not_absence(full: Json) -> None:
    del full["allergies"]
    found = answer(full, "AllergyIntolerance")
    assert (found.problem, found.resources) == (Reason.NOT_READABLE, ())
    assert "allergies" in found.said


def test_one_of_several_keys_missing_leaves_what_came_and_says_it_is_a_part(full: Json) -> None:
    del full["laboratory"]
    found = answer(full, "Observation")
    assert found.resources
    assert not found.complete


def test_null_is_absence(full: Json) -> None:
    full["allergies"] = None
    assert answer(full, "AllergyIntolerance") == Answer("AllergyIntolerance")


@pytest.mark.parametrize("bundle", [{"entry": []}, {}, {"total": 0}])
def test_a_bundle_without_entries_is_absence(full: Json, bundle: Json) -> None:
    full["allergies"] = {"resourceType": "Bundle", "type": "searchset", **bundle}
    assert answer(full, "AllergyIntolerance") == Answer("AllergyIntolerance")


@pytest.mark.parametrize(
    ("code", "reason"),
    [("forbidden", Reason.NOT_PERMITTED), ("timeout", Reason.ERROR), ("not-supported", Reason.NOT_SUPPORTED), ("not-found", Reason.ERROR)],
)
def test_an_operation_outcome_is_not_absence_and_its_words_are_kept(full: Json, code: str, reason: Reason) -> None:
    issue = {"severity": "error", "code": code, "diagnostics": "Because of the moon."}
    full["allergies"] = {"resourceType": "OperationOutcome", "issue": [issue]}
    found = answer(full, "AllergyIntolerance")
    assert found.problem is reason
    assert "Because of the moon." in found.said


def test_an_operation_outcome_among_the_entries_makes_its_key_incomplete(full: Json) -> None:
    outcome = {
        "resourceType": "OperationOutcome",
        "issue": [{"severity": "warning", "code": "suppressed", "diagnostics": "Some withheld."}],
    }
    full["conditions"]["entry"].append({"resource": outcome, "search": {"mode": "outcome"}})
    found = answer(full, "Condition")
    assert found.resources
    assert found.problem is Reason.NOT_PERMITTED


def test_a_remark_among_the_entries_leaves_its_key_complete(full: Json) -> None:
    outcome = {"resourceType": "OperationOutcome", "issue": [{"severity": "information", "code": "informational", "diagnostics": "Hello."}]}
    full["conditions"]["entry"].append({"resource": outcome, "search": {"mode": "outcome"}})
    assert answer(full, "Condition").complete


@pytest.mark.parametrize("sign", [{"link": [{"relation": "next", "url": "https://ehr.example.org/fhir?page=2"}]}, {"total": 4}])
def test_a_first_page_is_a_part(full: Json, sign: Json) -> None:
    assert len(full["conditions"]["entry"]) == 3
    full["conditions"] |= sign
    found = answer(full, "Condition")
    assert len(found.resources) == 3
    assert not found.complete


def test_a_self_link_and_the_right_total_are_no_sign_of_a_further_page(full: Json) -> None:
    full["conditions"] |= {"link": [{"relation": "self", "url": "https://ehr.example.org/fhir/Condition?patient=1"}], "total": 3}
    assert answer(full, "Condition").complete


def test_another_patients_resource_is_discarded_named_and_leaves_a_doubt(full: Json) -> None:
    full["conditions"]["entry"][0]["resource"]["subject"] = {"reference": "Patient/somebody-else"}
    found = read_prefetch(full, ID, QUERIES)
    conditions = found.answers.of("Condition")
    assert len(conditions.resources) == 2
    assert not conditions.complete
    assert found.foreign == 1
    assert any("another patient" in o.said for o in found.answers.oddities)


def test_a_resource_that_names_nobody_is_not_used_and_leaves_a_doubt(full: Json) -> None:
    del full["conditions"]["entry"][0]["resource"]["subject"]
    found = read_prefetch(full, ID, QUERIES)
    assert len(found.answers.of("Condition").resources) == 2
    assert not found.answers.of("Condition").complete
    assert found.foreign == 0


def test_the_answer_to_another_question_is_not_absence(full: Json) -> None:
    full["allergies"] = full["conditions"]
    assert answer(full, "AllergyIntolerance").unread


def test_nothing_but_another_patients_resources_is_not_absence(full: Json) -> None:
    for entry in full["allergies"]["entry"]:
        entry["resource"]["patient"] = {"reference": "Patient/somebody-else"}
    assert answer(full, "AllergyIntolerance").unread


@pytest.mark.parametrize("sent", ["text", 7, [], {"resourceType": "Condition"}, {"resourceType": "Bundle", "entry": {"0": 1}}, {}])
def test_something_else_than_a_bundle_is_not_absence(full: Json, sent: Any) -> None:
    full["allergies"] = sent
    assert answer(full, "AllergyIntolerance").unread


@pytest.mark.parametrize("entry", [None, 7, {}, {"resource": None}, {"resource": {"id": "1"}}])
def test_an_entry_that_cannot_be_read_leaves_a_doubt(full: Json, entry: Any) -> None:
    full["conditions"]["entry"].append(entry)
    found = answer(full, "Condition")
    assert len(found.resources) == 3
    assert not found.complete


@pytest.mark.parametrize("patient", [None, {"resourceType": "Patient", "id": "somebody-else"}, {"resourceType": "OperationOutcome"}, 7])
def test_without_the_patient_whose_chart_is_open_nothing_is_usable(full: Json, patient: Any) -> None:
    full["patient"] = patient
    with pytest.raises(DataMissing):
        read_prefetch(full, ID, QUERIES)


def test_a_patient_alone_is_not_usable(full: Json) -> None:
    with pytest.raises(DataMissing):
        read_prefetch({"patient": full["patient"]}, ID, QUERIES)


def test_a_patient_and_one_key_is_usable(full: Json) -> None:
    found = read_prefetch({"patient": full["patient"], "conditions": full["conditions"]}, ID, QUERIES)
    assert found.answers.of("Condition").complete
    assert {q.type for q in QUERIES if found.answers.of(q.type).complete} == {"Condition"}


def test_a_key_that_nobody_asked_for_is_ignored(full: Json) -> None:
    full["surprise"] = {
        "resourceType": "Bundle",
        "entry": [{"resource": {"resourceType": "Condition", "id": "x", "subject": {"reference": f"Patient/{ID}"}}}],
    }
    assert "x" not in {r["id"] for r in answer(full, "Condition").resources}
