"""Identity: birth date, sex, death and records out of use."""

from __future__ import annotations

from typing import Any

import pytest

from tests.a_case import found, outcome
from tests.a_record import proposed, result


@pytest.mark.parametrize(
    ("patient", "severity", "branch"),
    [
        ({}, "clear", None),
        ({"birthDate": None}, "hard-stop", "birth-date"),
        ({"birthDate": "1986"}, "hard-stop", "birth-date"),
        ({"birthDate": "2026-03-02"}, "clear", None),
        ({"birthDate": "2026-03-03"}, "hard-stop", "born-in-future"),
        ({"gender": "female"}, "clear", None),
        ({"gender": "other"}, "override", "sex"),
        ({"gender": None}, "override", "sex"),
        ({"gender": "unknown", "birthDate": None}, "hard-stop", "birth-date"),
    ],
)
def test_birth_date_and_sex_must_be_such_that_age_and_formulas_can_be_computed(
    patient: dict[str, Any], severity: str, branch: str | None
) -> None:
    made = result("identity.birth-date-or-sex", proposed(patient=patient))
    assert outcome(made) == severity
    assert branch is None or (found(made).branch, found(made).evidence[0].reference) == (branch, "Patient/p1")


def test_both_faults_are_told_in_one_finding() -> None:
    finding = found(result("identity.birth-date-or-sex", proposed(patient={"gender": "other", "birthDate": "1986"})))
    assert [e.said for e in finding.evidence] == ["1986", "other"]


def test_a_missing_birth_date_is_data_required() -> None:
    assert proposed(patient={"birthDate": None}).outcome == "data-required"


@pytest.mark.parametrize(
    ("patient", "severity"),
    [
        ({"deceasedBoolean": False, "active": True}, "clear"),
        ({"deceasedBoolean": True}, "hard-stop"),
        ({"deceasedDateTime": "2026-02-01"}, "hard-stop"),
        ({"active": False}, "override"),
        ({"active": False, "deceasedBoolean": True}, "hard-stop"),
        ({"link": [{"type": "replaced-by", "other": {"reference": "Patient/newer"}}]}, "override"),
        ({"link": [{"type": "replaced-by", "other": {}}]}, "override"),
        ({"link": [{"type": "replaces", "other": {"reference": "Patient/older"}}]}, "clear"),
        ({"link": [{"type": "seealso", "other": {"reference": "Patient/elsewhere"}}]}, "clear"),
        ({"link": "malformed"}, "clear"),
    ],
)
def test_nothing_is_ordered_for_the_dead_and_only_with_a_reason_on_a_record_out_of_use(patient: dict[str, Any], severity: str) -> None:
    assert outcome(result("identity.deceased", proposed(patient=patient))) == severity
