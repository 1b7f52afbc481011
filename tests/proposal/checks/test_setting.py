"""Infusion at home, against what the other checks found."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest
from a_case import case, cited, content, found, outcome, problem

from ivig_fhir.chart.answers import Reason
from ivig_fhir.proposal.checks.setting import HOME, home
from ivig_fhir.proposal.findings import Clear, Evidence, Finding, NotAssessed, Result

LIMITS = content().checks[HOME].thresholds
ANY, OVERRIDE = LIMITS["any"], LIMITS["override"]


def fired(id_: str, severity: str) -> Finding:
    return Finding(id_, "", severity, "", "", (Evidence(f"Condition/{id_}", ""),), (), ())


def earlier(**more: Result) -> Mapping[str, Result]:
    return {id_: Clear(id_) for id_ in (*ANY, *OVERRIDE)} | {r.check: r for r in more.values()}


def at_home(*facts: object, **options: Any) -> Any:
    return home(case(*facts, selections={"setting": "home"}, **{"earlier": earlier(), **options}))


def test_with_nothing_against_it_home_is_clear() -> None:
    assert outcome(at_home()) == "clear"


@pytest.mark.parametrize("id_", ANY)
def test_any_of_these_findings_speaks_against_home(id_: str) -> None:
    result = at_home(earlier=earlier(x=fired(id_, "warning")))
    assert outcome(result) == "override"
    assert cited(result) == {f"Condition/{id_}"}
    assert outcome(at_home(earlier=earlier(x=fired(id_, "info")))) == "clear"


@pytest.mark.parametrize("id_", OVERRIDE)
@pytest.mark.parametrize(("severity", "result"), [("warning", "clear"), ("override", "override")])
def test_these_speak_against_home_only_where_they_ask_for_a_reason(id_: str, severity: str, result: str) -> None:
    assert outcome(at_home(earlier=earlier(x=fired(id_, severity)))) == result


@pytest.mark.parametrize(
    ("item", "severity"),
    [
        (problem("icd10cm|I20.9"), "override"),
        (problem("icd10cm|I25.10"), "override"),
        (problem("icd10cm|I23.1"), "override"),
        (problem("snomed|414545008"), "override"),
        (problem("icd10cm|I20.9", active=False), "clear"),
        (problem("icd10cm|I26.99"), "clear"),
        (problem("icd10cm|I10"), "clear"),
    ],
)
def test_ischaemic_heart_disease_speaks_against_home(item: object, severity: str) -> None:
    assert outcome(at_home(item)) == severity


@pytest.mark.parametrize("setting", ["outpatient", "inpatient"])
def test_elsewhere_it_does_not_apply(setting: str) -> None:
    made = case(problem("icd10cm|I20.9"), selections={"setting": setting}, unread=("Condition",))
    assert outcome(home(made)) == "clear"


def test_what_was_not_assessed_leaves_home_open() -> None:
    open_ = NotAssessed("volume.hypertension", Reason.NOT_FOUND, "")
    assert outcome(at_home(earlier=earlier(x=open_))) == "unknown"
    result = at_home(problem("icd10cm|I20.9"), earlier=earlier(x=open_))
    assert outcome(result) == "override"
    assert "could not be assessed" in found(result).message
    assert outcome(at_home(earlier={})) == "unknown"


def test_conditions_that_could_not_be_read_leave_home_open() -> None:
    assert outcome(at_home(unread=("Condition",))) == "unknown"
