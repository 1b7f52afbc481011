"""OperationOutcome in one sentence: the best words, the worst issue, never too long."""

from __future__ import annotations

import pytest

from ivig_fhir.fhir.outcome import issues, worst


def outcome(*found):
    return {"resourceType": "OperationOutcome", "issue": list(found)}


def test_the_text_of_the_details_comes_before_diagnostics_and_display():
    details = {"text": "No such patient", "coding": [{"display": "unknown"}]}
    everything = {"severity": "error", "code": "not-found", "diagnostics": "E123", "details": details}
    assert worst(outcome(everything)).said == "No such patient"
    assert worst(outcome({**everything, "details": {"coding": [{"display": "unknown"}]}})).said == "E123"
    assert worst(outcome({"details": {"coding": [{"code": "x"}, {"display": "unknown"}]}})).said == "unknown"
    assert worst(outcome({"severity": "error", "code": "exception"})).said == ""


def test_the_worst_issue_is_shown_even_where_a_remark_stands_first():
    found = worst(
        outcome({"severity": "information", "diagnostics": "hint"}, {"severity": "fatal", "code": "invalid", "diagnostics": "refused"})
    )
    assert (found.said, found.severity, found.code, found.failed) == ("refused", "fatal", "invalid", True)


def test_of_equally_bad_issues_the_first_is_shown():
    assert worst(outcome({"severity": "error", "diagnostics": "a"}, {"severity": "error", "diagnostics": "b"})).said == "a"


def test_a_sentence_is_one_line_of_at_most_300_characters():
    found = worst(outcome({"severity": "error", "diagnostics": "line\n\n  two " + "x" * 1000}))
    assert found.said.startswith("line two xxx")
    assert len(found.said) == 300


def test_a_warning_is_no_failure():
    assert not issues(outcome({"severity": "warning", "code": "processing"}))[0].failed


@pytest.mark.parametrize("odd", [None, {}, {"issue": None}, {"issue": "x"}, {"issue": []}, "text", 7])
def test_an_outcome_without_issues_says_nothing(odd):
    assert worst(odd) is None
    assert issues(odd) == ()


@pytest.mark.parametrize("odd", [{"details": "x"}, {"details": {"coding": "x"}}, {"severity": 7, "code": [], "diagnostics": {}}])
def test_a_malformed_issue_is_still_one(odd):
    assert len(issues(outcome(odd))) == 1


def test_an_issue_says_where_it_is_by_expression_before_location():
    both = {
        "severity": "error",
        "diagnostics": "Too high.",
        "expression": ["Patient.name", "Patient.birthDate"],
        "location": ["/f:Patient"],
    }
    assert worst(outcome(both)).where == "Patient.name, Patient.birthDate"
    assert worst(outcome({**both, "expression": []})).where == "/f:Patient"
    assert worst(outcome({"severity": "error", "expression": "Patient.name"})).where == ""


def test_an_issue_is_one_line():
    issue = {
        "severity": "fatal",
        "code": "required",
        "details": {"text": "No dose."},
        "expression": ["MedicationRequest.dosageInstruction"],
    }
    assert worst(outcome(issue)).line == "fatal: No dose. At MedicationRequest.dosageInstruction"
    assert worst(outcome({"severity": "error", "code": "required"})).line == "error: required"
    assert worst(outcome({})).line == "issue: no words"
